"""`upres restore`: pictures, folders and streams without their faults, at their own size."""

import argparse
from functools import partial

from upres.apps.cli._files import RUN_OPTIONS, add_file_options, add_inputs, prepare_process, run_files
from upres.apps.cli._networks import add_running, share
from upres.apps.cli._restoring import TASKS, add_tasks, require_own_shares, tasks_of

EPILOG = """faults:
  Each picture is looked at. What is found to be wrong with it is undone, and the printed line says what that was; where
  nothing is found, the file is copied to the byte (or written in the format asked for). Options of tasks do just these
  tasks, whatever is found. 0 switches a task off. JPEG is undone first, then noise, then darkness: by one curve for
  the whole picture, and then by what cleans what the curve has lifted.

names:
  photo.jpg becomes photo_restored.jpg beside it. -o, --name, folders and repeated runs are those of `upres upscale`.

examples:
  upres restore photo.jpg
  upres restore holiday/ -o clean/
  upres restore scan.jpg --deblock
  upres restore night.jpg --denoise 0.5
  upres restore night.jpg --enhance
  upres restore night.jpg --exposure 1.5
  upres restore photo.jpg --denoise 0
  upres restore photo.jpg --model denoiser.safetensors --strength 0.7
  upres restore - --format png < noisy.jpg > clean.png
  upres upscale old.jpg --restore --scale 4"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.epilog = EPILOG
    add_inputs(parser)
    add_tasks(parser.add_argument_group("faults", "Without any of these: what is found in each picture."))
    networks = parser.add_argument_group("networks")
    networks.add_argument("--model", metavar="FILE", help="a network of scale 1, whatever is found; see `upres models`")
    networks.add_argument("--fast", action="store_true", help="the small network of a task, where there is one")
    networks.add_argument("--strength", type=share, metavar="0..1", help="share of the change, of what is found")
    add_running(parser)
    add_file_options(parser)


def run(args: argparse.Namespace) -> int:
    """Restore what was named; 0 if all went well, 1 if a picture failed."""
    prepare_process(args)
    from upres.upscaler import Upscaler

    _check(args)
    options = {name: getattr(args, name) for name in ("model", "fast", "strength", "exposure", *RUN_OPTIONS)}
    return run_files(args, partial(Upscaler, 1, restore=tasks_of(args), strict_memory=True, **options))


def _check(args: argparse.Namespace) -> None:
    """Combinations that cannot be meant are wrong usage."""
    named = [f"--{task}" for task in TASKS if getattr(args, task) is not None]
    if args.model is not None and (named or args.fast):
        args.usage_error(f"--model and {(named or ['--fast'])[0]} each choose the networks: give one of them")
    require_own_shares(args)
