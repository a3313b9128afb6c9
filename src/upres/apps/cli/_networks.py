"""Which networks run, on what, and what is printed."""

import argparse
from argparse import ArgumentTypeError

from upres.apps.cli.arguments import memory, threads
from upres.engines.select import ENGINES


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"expected a number from 0 to 1, got '{text}'")
    return value


def share_after_pictures(text: str) -> float:
    """Such a number behind an option that can stand without one."""
    try:
        return share(text)
    except ArgumentTypeError as error:
        hint = "" if _is_number(text) else "; a picture is named before the option, or the option gets a number"
        raise ArgumentTypeError(f"{error}{hint}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def add_networks(parser: argparse.ArgumentParser) -> None:
    """Which networks make pictures larger, on what they run, and what is printed."""
    choice = parser.add_argument_group("networks")
    choice.add_argument("--model", metavar="NAME", help="see `upres models`; a .safetensors file; bicubic")
    choice.add_argument("--fast", action="store_true", help="small luma networks instead of the RGB network")
    choice.add_argument(
        "--best", action="store_true", help="networks work on the mirrored picture too, in twice the time"
    )
    choice.add_argument("--clean", action="store_true", help="networks for pictures without faults, whatever is found")
    choice.add_argument("--real", action="store_true", help="networks that undo JPEG blocks, noise and blur, always")
    choice.add_argument("--strength", type=share, metavar="0..1", help="how much of these to undo: both kinds, mixed")
    choice.add_argument(
        "--crisp",
        nargs="?",
        type=share_after_pictures,
        const=1.0,
        metavar="0..1",
        help="photographs look sharp, further from the truth: wholly, or by a share",
    )
    add_running(parser)


def add_running(parser: argparse.ArgumentParser) -> None:
    """On what networks run, and what is printed."""
    run = parser.add_argument_group("run")
    run.add_argument("--wrap", choices=("x", "y", "both"), help="the picture's ends meet: textures, panoramas")
    add_engine(run)
    run.add_argument("--threads", type=threads, metavar="N", help="processor threads (default: all)")
    run.add_argument("--max-memory", type=memory, metavar="SIZE", help="bound for the whole process, such as 500M")
    run.add_argument("--json", action="store_true", help="print a report as JSON instead of lines")
    run.add_argument("--quiet", action="store_true", help="print errors only")


def add_engine(run: argparse._ArgumentGroup) -> None:
    """The engine, its arithmetic and its device."""
    run.add_argument("--engine", default="auto", metavar="NAME", help=", ".join(("auto", *ENGINES)))
    run.add_argument("--precision", default="auto", metavar="NAME", help="auto, f32, bf16; int8 where a model has it")
    run.add_argument("--device", default="cpu", metavar="NAME", help="cpu, or a device of the engine torch: cuda, mps")
