"""Options of what becomes of a picture's samples on the way to its file."""

import argparse
from typing import TYPE_CHECKING, get_args

from upres.image.wishes import AlphaMode, Colors

if TYPE_CHECKING:
    from upres.folders.batch import FileOptions


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


def file_options(args: argparse.Namespace, form: str | None) -> "FileOptions":
    """How outputs are to be written, in the format of that name, or each in its own."""
    from upres.folders.batch import FileOptions

    return FileOptions(
        format=form,
        quality=args.quality,
        lossless=args.lossless,
        colors=args.colors,
        background=args.background,
        overwrite=args.overwrite,
        max_pixels=args.max_pixels,
    )
