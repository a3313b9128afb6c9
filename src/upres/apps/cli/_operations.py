"""Operations of a verb, each with a file, a line in the help and options of its own."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any


def add_operations(
    parser: argparse.ArgumentParser, operations: Mapping[str, tuple[str, Any]]
) -> Iterator[tuple[argparse.ArgumentParser, Any]]:
    """The parser of each operation of a verb, and the file that does it; ``args.operation`` names the one chosen.

    Args:
        parser: Of the verb.
        operations: Name -> its line of the help, and its file.
    """
    added = parser.add_subparsers(dest="operation", metavar="OPERATION", required=True)
    for name, (summary, operation) in operations.items():
        description = f"{summary[0].upper()}{summary[1:]}."
        style = argparse.RawDescriptionHelpFormatter
        yield added.add_parser(name, help=summary, description=description, formatter_class=style), operation
