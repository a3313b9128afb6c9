"""``upres sweep collect``: the results so far as one table."""

import argparse
from pathlib import Path

from upres.apps.cli._sweep_options import add_folder

EPILOG = """examples:
  upres sweep collect sweeps/pool -o benchmarks/results/sweep.csv
  upres sweep collect sweeps/pool | head

A row a finished job, in the order of the plan: name, family, scale, K, C, D, S, M, parameters, steps, seconds, figures
such as psnr_set5_esr, memory_mib, threads, engine, latency_ms, machine. seconds are of the training that this network
got by itself; what it began with has a row of its own. From memory_mib on cells are empty where `upres sweep measure`
has not measured yet."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this operation."""
    parser.epilog = EPILOG
    add_folder(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="CSV", help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Write the table; returns the exit status."""
    from upres.lab.studies.sweep.collect import to_csv, write_csv
    from upres.machine.ledger import Ledger

    ledger = Ledger(args.folder)
    if args.output is None:
        print(to_csv(ledger), end="")
    else:
        print(f"{args.output}: {write_csv(ledger, args.output)} of {len(ledger.jobs)} networks")
    return 0
