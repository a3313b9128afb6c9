"""What arguments of several verbs have in common: the kinds of values, and groups of options."""

import argparse
import re
from argparse import ArgumentTypeError
from collections.abc import Iterable
from contextlib import suppress

from upres.engines.select import MOST_THREADS


def positive_number(text: str) -> float:
    """A number above 0, not infinite; ``2x`` is 2."""
    match = re.fullmatch(r"\s*([0-9.eE+-]+?)\s*[xX]?\s*", text, re.ASCII)
    with suppress(ValueError):
        if match is not None and 0 < (value := float(match[1])) < float("inf"):
            return value
    raise ArgumentTypeError(f"expected a positive number, got {text}")


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"expected a whole number from 1 on, got '{text}'")
    return int(text)


def threads(text: str) -> int:
    """A whole number from 1 to `MOST_THREADS`."""
    if len(text) > 9 or count(text) > MOST_THREADS:
        raise ArgumentTypeError(f"expected at most {MOST_THREADS} threads, got '{text[:40]}'")
    return int(text)


def quality(text: str) -> int:
    """A whole number from 1 to 100."""
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise ArgumentTypeError(f"expected 1 to 100, got {text}")
    return int(text)


def box(text: str) -> tuple[int, int]:
    """Width and height, from ``1920x1080``."""
    match = re.fullmatch(r"([1-9]\d*)[xX]([1-9]\d*)", text)
    if match is None:
        raise ArgumentTypeError(f"expected WIDTHxHEIGHT such as 1920x1080, got {text}")
    return int(match[1]), int(match[2])


def boxes(text: str) -> list[tuple[int, int]]:
    """Several of them, with commas in between."""
    try:
        return [box(part.strip()) for part in text.split(",")]
    except ArgumentTypeError:
        raise ArgumentTypeError(f"expected sizes such as 1920x1080, got '{text}'") from None


def names(texts: Iterable[str]) -> list[str]:
    """Names that were given with commas or blanks in between."""
    return [name.strip() for text in texts for name in text.split(",")]


def memory(text: str) -> int:
    """Bytes, from ``500M``, ``2G`` or ``1GiB``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None or not 0 < float(match[1]) < 2**60:
        raise ArgumentTypeError(f"expected a size such as 500M or 2G, got {text}")
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " "))


def color(text: str) -> tuple[int, int, int]:
    """Red, green and blue of a colour's name or of ``#ffcc00``."""
    from PIL import ImageColor

    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError:
        raise ArgumentTypeError(f"expected a colour such as white or #ffcc00, got {text}") from None


def add_size(parser: argparse.ArgumentParser) -> None:
    """How large outputs are to become."""
    size = parser.add_argument_group("size")
    size.add_argument(
        "--scale", type=positive_number, metavar="S", help="output over input size, any number (default: 2)"
    )
    size.add_argument("--width", type=count, metavar="W", help="output width in pixels")
    size.add_argument("--height", type=count, metavar="H", help="output height in pixels")
    size.add_argument("--fit", type=box, metavar="WxH", help="largest size that fits into this box")


def add_files(parser: argparse.ArgumentParser) -> None:
    """Which files of folders are taken, and how outputs are written."""
    files = parser.add_argument_group("files")
    files.add_argument(
        "--recursive",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look into folders of folders (default: yes)",
    )
    files.add_argument("--include", action="append", default=[], metavar="GLOB", help="of folders, take only these")
    files.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="of folders, leave these out")
    files.add_argument("--overwrite", action="store_true", help="make every output anew, replacing what is there")
    files.add_argument("--format", metavar="FORMAT", help="jpeg, png, webp, avif, tiff, bmp ... (default: the input's)")
    files.add_argument("--quality", type=quality, metavar="Q", help="1 to 100 (default for JPEG: 95, chroma 4:4:4)")
    files.add_argument("--background", type=color, metavar="COLOR", help="behind transparency, for formats without it")
