"""Pixels: files, colour, resizing, tiles. numpy only."""
