"""The `upres` command: find the verb, load only its file, turn errors into one line."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from upres.apps.cli import terminal
from upres.errors import UpresError, near_miss

VERBS = {
    "upscale": "make pictures larger",
    "restore": "undo noise, JPEG blocks and darkness of pictures that keep their size",
    "video": "make videos larger, with all that they hold",
    "models": "list the models inside the package",
    "doctor": "show what this machine and this installation can do",
    "evaluate": "measure a model's quality on a data set, by a paper's protocol",
    "train": "train a network by a recipe",
    "export": "write a trained network for other runtimes",
    "import": "convert checkpoints of other projects",
    "bench": "measure speed on this machine",
    "challenge": "the NTIRE efficient super-resolution challenge: run and rank",
    "compress": "make a trained network smaller: ghost, prune, fold, quantize",
    "sweep": "train many networks on one machine or several, and collect what came of them",
    "inspect": "draw what a trained network does: filters, choices, similar features, attribution",
}
"""Every verb, in the order of the help, and its line there. Verb ``x`` lives in ``apps/cli/x.py`` (``import`` in
``import_.py``), which offers ``add_arguments(parser)`` and ``run(args) -> exit code``."""

EPILOG = """examples:
  upres upscale photo.jpg                   photo_x2.jpg beside it
  upres upscale holiday/ -o large/ --scale 3
  upres restore photo.jpg                   photo_restored.jpg beside it
  upres video film.mkv                      film_x2.mkv beside it
  upres models
  upres evaluate esr_tm_x2 --data Set5 --scale 2

`upres VERB --help` tells more. Exit status: 0 done, 1 an error (one line on stderr), 2 wrong usage."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    terminal.prepare()
    try:
        with terminal.orderly_end(), terminal.little_garbage(own_process=argv is None):
            status = _dispatch(list(sys.argv[1:] if argv is None else argv))
            if sys.stdout is not None:  # closed when the process was started
                sys.stdout.flush()
            return status
    except UpresError as error:
        from upres.apps.cli.hints import worded

        terminal.say(f"upres: {worded(error)}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        terminal.say("upres: interrupted", sys.stderr)
        return 130
    except terminal.Terminated:
        terminal.say("upres: terminated", sys.stderr)
        return 143
    except BrokenPipeError:
        terminal.drop(sys.stdout)
        return 1
    except OSError as error:
        terminal.say(f"upres: {error}", sys.stderr)
        terminal.drop(sys.stdout)
        return 1


class _Version(argparse.Action):
    """Prints the version, which takes 30 ms to look up: only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from upres import __version__

        print(f"upres {__version__}")
        parser.exit()


def _dispatch(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="upres",
        description="Sharper, larger pictures on the computer you have; and the lab behind it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    if wanted is not None and wanted not in VERBS:
        parser.error(f"no verb '{wanted}'.{near_miss(wanted, VERBS)}")
    for verb, summary in VERBS.items():
        subparser = verbs.add_parser(
            verb,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if verb == wanted:
            _module(verb).add_arguments(subparser)
    args = parser.parse_args(arguments)
    return int(_module(args.verb).run(args))


def _module(verb: str) -> ModuleType:
    name = "import_" if verb == "import" else verb
    return import_module(f"upres.apps.cli.{name}")
