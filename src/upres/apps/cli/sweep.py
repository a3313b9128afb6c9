"""``upres sweep``: many trainings as jobs, on one machine or several, and one table of what came of them."""

import argparse

from upres.apps.cli import sweep_collect, sweep_job, sweep_measure, sweep_plan, sweep_run, sweep_status
from upres.apps.cli._operations import add_operations
from upres.errors import MissingExtraError

OPERATIONS = {
    "plan": ("write the list of jobs into a folder", sweep_plan),
    "run": ("do the jobs of a folder on this machine", sweep_run),
    "work": ("help with the jobs of a folder that other machines share", sweep_run),
    "status": ("tell what is done, runs and failed, and how long it will take", sweep_status),
    "measure": ("time the finished networks on this machine", sweep_measure),
    "collect": ("write the results so far as one CSV file", sweep_collect),
    "job": ("do one job in this process, beside the ledger", sweep_job),
}
"""Operation -> its line of the help, and the file that does it, which offers ``add_arguments`` and ``run`` as a verb
does."""

EPILOG = """examples:
  upres sweep plan pool -o sweeps/pool --data photos/ --sets Set5 Set14 BSD100
  upres sweep run sweeps/pool
  upres sweep work sweeps/pool --data /mnt/photos          on a second machine
  upres sweep status sweeps/pool
  upres sweep measure sweeps/pool
  upres sweep collect sweeps/pool -o sweep.csv

Stopped with Ctrl-C or killed, the same command goes on; interrupted trainings go on to the same bits. `upres sweep
OPERATION --help` tells more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    for subparser, operation in add_operations(parser, OPERATIONS):
        operation.add_arguments(subparser)


def run(args: argparse.Namespace) -> int:
    """Do the operation; returns the exit status."""
    try:
        return int(OPERATIONS[args.operation][1].run(args))
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres sweep", "lab") from error
