"""``upres challenge``: run contenders, rank a table, count a network."""

import argparse

from upres.apps.cli import challenge_count, challenge_rank, challenge_run

ACTIONS = {
    "run": ("measure models on a data set and rank them", challenge_run),
    "rank": ("rank a table by a year's rules", challenge_rank),
    "count": ("parameters, FLOPs, activations, reach and memory of networks", challenge_count),
}
"""Action -> its line of the help, and the file that does it."""

EPILOG = """examples:
  upres challenge run imdn.safetensors rlfn.safetensors bsrn.safetensors --data Set5 --scale 4 --out runs/set5
  upres challenge rank published.csv --rules 2022 --json
  upres challenge count rlfn_ntire_x4 esr_tm_x2 --input 720p

`upres challenge ACTION --help` tells more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (summary, action) in ACTIONS.items():
        action.add_arguments(verbs.add_parser(name, help=summary))


def run(args: argparse.Namespace) -> int:
    """Run the action; returns its exit status."""
    return int(ACTIONS[args.action][1].run(args))
