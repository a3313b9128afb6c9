"""TIFF: both ways by tifffile, each in a module of its own."""

from upres.image.codecs.decode_tiff import decode
from upres.image.codecs.encode_tiff import encode

__all__ = ["decode", "encode"]
