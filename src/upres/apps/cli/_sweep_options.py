"""What the operations of ``upres sweep`` have in common: the folder, and where pictures lie on this machine."""

import argparse
from pathlib import Path


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The folder of the sweep."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder that `upres sweep plan` made")


def add_places(parser: argparse.ArgumentParser, *, planned: bool) -> None:
    """Folders of pictures; after planning only those that lie elsewhere on this machine."""
    places = parser.add_argument_group("pictures" + ", where they lie elsewhere than planned" * planned)
    places.add_argument("--data", metavar="DIR", required=not planned, help="training pictures, as `upres train` takes")
    places.add_argument("--validation", metavar="DIR", help="pictures to validate on (default: as `upres train`)")
    places.add_argument(
        "--sets", nargs="+", metavar="DIR", required=not planned, default=[], help="data sets to measure networks on"
    )
