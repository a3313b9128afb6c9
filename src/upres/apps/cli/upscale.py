"""`upres upscale`: pictures, folders and streams made larger."""

import argparse
from functools import partial

from upres.apps.cli._files import RUN_OPTIONS, add_file_options, add_inputs, prepare_process, run_files
from upres.apps.cli._networks import add_networks
from upres.apps.cli._restoring import TASKS, add_tasks, require_own_shares, tasks_of
from upres.apps.cli._upscale_help import EPILOG
from upres.apps.cli.arguments import add_size

_CHOOSING = ("model", "fast", "best", "clean", "real", "strength", "crisp")
UPSCALER_OPTIONS = ("width", "height", "fit", *_CHOOSING, "exposure", *RUN_OPTIONS)
"""Options that `Upscaler` takes under the same names."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.epilog = EPILOG
    add_inputs(parser)
    add_size(parser)
    add_networks(parser)
    faults = parser.add_argument_group(
        "faults", "Undone first, as by `upres restore`; then the clean networks enlarge."
    )
    faults.add_argument("--restore", action="store_true", help="undo what is found in each picture")
    add_tasks(faults)
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    """Upscale what was named; 0 if all went well, 1 if a picture failed."""
    prepare_process(args)
    from upres.upscaler import Upscaler

    restoring = args.restore or any(getattr(args, name) is not None for name in (*TASKS, "exposure"))
    _check(args, restoring)
    options = {name: getattr(args, name) for name in UPSCALER_OPTIONS}
    restore = tasks_of(args) if restoring else False
    return run_files(args, partial(Upscaler, args.scale, restore=restore, strict_memory=True, **options))


def _check(args: argparse.Namespace, restoring: bool) -> None:
    """Combinations that cannot be meant are wrong usage."""
    ways = [args.scale is not None, args.fit is not None, args.width is not None or args.height is not None]
    if sum(ways) > 1:
        args.usage_error("give one of --scale, --fit, --width and/or --height")
    choices = (args.model is not None) + args.clean + args.real + (args.strength is not None and not restoring)
    if choices > 1:
        args.usage_error("--model, --clean, --real and --strength each choose the networks: give one of them")
    if args.model is not None and args.fast:
        args.usage_error("--model and --fast each choose the networks: give one of them")
    if args.best and (args.model is not None or args.fast):
        args.usage_error("--best chooses the networks by itself: leave --model and --fast away")
    rivals = [name for name in (*_CHOOSING, "restore", *TASKS, "exposure") if name not in ("best", "crisp")]
    given = [name for name in rivals if getattr(args, name) not in (None, False)]
    if args.crisp is not None and given:
        args.usage_error(f"--crisp chooses the networks by itself: leave --{given[0]} away")
    require_own_shares(args)
    if args.real and restoring:
        args.usage_error("--real and --restore each undo faults: give one of them")
