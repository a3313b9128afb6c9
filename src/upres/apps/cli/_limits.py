"""How large an input may be."""

import argparse
import re

from upres.image.budget import COMMAND_MAX_PIXELS


def add_limits(parser: argparse.ArgumentParser) -> None:
    """What an input may take."""
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-pixels",
        type=_pixels,
        default=COMMAND_MAX_PIXELS,
        metavar="N",
        help=f"refuse inputs of more pixels, such as 500M (default: {COMMAND_MAX_PIXELS / 1e6:.0f}M, frames together)",
    )


def _pixels(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG]?)", text, re.IGNORECASE | re.ASCII)
    value = 0 if match is None else int(float(match[1]) * 1000 ** " KMG".index(match[2].upper() or " "))
    if not 0 < value < 2**62:
        raise argparse.ArgumentTypeError(f"expected a number of pixels such as 500M, got {text}")
    return value
