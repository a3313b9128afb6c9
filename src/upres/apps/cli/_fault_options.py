"""Options of the verbs that measure restoration: what is put into true pictures."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upres.evaluation.faults import Fault


def add_fault_arguments(parser: argparse.ArgumentParser) -> None:
    """``--noise`` and ``--jpeg``."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--noise", type=float, metavar="SIGMA", help="scale 1: Gaussian noise in levels of 255, put into true pictures"
    )
    either.add_argument("--jpeg", type=int, metavar="QUALITY", help="scale 1: JPEG of this quality, likewise")


def fault_of(args: argparse.Namespace) -> "Fault | None":
    """What is to be put into true pictures; ``None`` where nothing was asked for."""
    from upres.evaluation.faults import Fault

    if args.noise is None and args.jpeg is None:
        return None
    return Fault(noise=args.noise or 0.0, jpeg=args.jpeg or 0)
