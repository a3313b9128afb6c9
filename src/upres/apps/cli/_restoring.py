"""Which faults are undone at a picture's own size, and how far."""

import argparse
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from upres.apps.cli._networks import share_after_pictures

if TYPE_CHECKING:
    from upres.models.card import Task
    from upres.pipeline.restoring import Restore

TASKS: "dict[Task, str]" = {"denoise": "noise", "deblock": "blocks and rings of JPEG", "enhance": "darkness"}
"""Task -> what it undoes; each is an option."""


def add_tasks(tasks: argparse._ArgumentGroup) -> None:
    """One option a task, with the share of its change."""
    for task, fault in TASKS.items():
        tasks.add_argument(
            f"--{task}",
            nargs="?",
            type=share_after_pictures,
            const=1.0,
            metavar="0..1",
            help=f"undo {fault}: wholly, or by a share; 0: leave it",
        )

    tasks.add_argument(
        "--exposure",
        type=_stops,
        metavar="STOPS",
        help="make it lighter by so many stops, 0 to 6, whatever is found",
    )


def tasks_of(args: argparse.Namespace) -> "Restore":
    """What `upres.upscaler.Upscaler` takes as ``restore`` where something is to be restored."""
    named: dict[Task, float] = {task: getattr(args, task) for task in TASKS if getattr(args, task) is not None}
    return named or True


def require_own_shares(args: argparse.Namespace) -> None:
    """Wrong usage where ``--strength``, which is of what is found, is given beside a task that is to be done."""
    if args.strength is not None and any(getattr(args, task) for task in TASKS):
        args.usage_error("--strength is of what is found: give each task its own, as --denoise 0.5")


def _stops(text: str) -> float:
    from upres.image.exposure import MOST_STOPS

    try:
        stops = float(text)
    except ValueError:
        raise ArgumentTypeError(f"expected a number of stops, got '{text}'") from None
    if not 0 <= stops <= MOST_STOPS:
        raise ArgumentTypeError(f"expected 0 to {MOST_STOPS:g} stops, got {text}")
    return stops
