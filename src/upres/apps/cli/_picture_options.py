"""Options of what becomes of a picture's samples on the way to its file."""

import argparse
from typing import get_args

from upres.image.wishes import AlphaMode, Colors


def add_pictures(parser: argparse.ArgumentParser) -> None:
    """How transparency, palettes and losses are treated."""
    pictures = parser.add_argument_group("pictures")
    pictures.add_argument(
        "--lossless",
        action="store_true",
        default=None,
        help="keep every sample in WebP, AVIF and JPEG XL (PNG, TIFF, BMP always do)",
    )
    pictures.add_argument(
        "--alpha",
        choices=get_args(AlphaMode),
        default="bleed",
        help="bleed: no seams at transparent edges (default); separate: colour and alpha each by itself, for textures",
    )
    pictures.add_argument(
        "--colors",
        choices=get_args(Colors),
        default="keep",
        help="keep: 1 bit stays 1 bit, a palette a palette where that does not show (default); full: neither",
    )
