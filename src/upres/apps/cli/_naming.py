"""How outputs are called and dated."""

import argparse

from upres.errors import ImageWriteError
from upres.image.naming import NamePattern


def add_naming(parser: argparse.ArgumentParser) -> None:
    """The names and dates of outputs."""
    names = parser.add_argument_group("names and dates")
    names.add_argument(
        "--name",
        type=_pattern,
        metavar="PATTERN",
        help="names of outputs, of {stem}, {suffix}, {scale}, {model}, {width} and {height}, such as "
        "'{stem}_{scale}x{suffix}'",
    )
    names.add_argument("--keep-date", action="store_true", help="outputs get the time of their input's last change")


def _pattern(text: str) -> NamePattern:
    try:
        return NamePattern(text)
    except ImageWriteError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
