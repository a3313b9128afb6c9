"""``upres sweep run`` and ``work``: do the jobs of a folder on this machine."""

import argparse
import sys
from typing import TYPE_CHECKING

from upres.apps.cli._executors import add_executor
from upres.apps.cli._sweep_options import add_folder, add_places
from upres.apps.cli.arguments import count
from upres.errors import TrainingError

if TYPE_CHECKING:
    from upres.machine.ledger import Job

EPILOG = """examples:
  upres sweep run sweeps/pool
  upres sweep run sweeps/pool --slots 4 --nice 0
  upres sweep work /mnt/sweeps/pool --data /mnt/photos --sets /mnt/Set5 /mnt/Set14
  upres sweep run sweeps/pool --retry
  upres sweep run /mnt/sweeps/pool --executor ray --address 10.0.0.1:6379

Any number of these commands may work on one folder, on machines that share it. Ctrl-C lets trainings save and gives
their jobs back; a second one kills them. A job that failed three times is left out; --retry tries it again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this operation."""
    parser.epilog = EPILOG
    add_folder(parser)
    parser.add_argument("--slots", type=count, metavar="N", help="jobs at a time (default: the cores over those a job)")
    add_executor(parser, "jobs run")
    parser.add_argument("--nice", type=int, default=10, metavar="N", help="lower the jobs' priority by N (default 10)")
    parser.add_argument("--retry", action="store_true", help="try what failed three times again")
    parser.add_argument("--cache", metavar="DIR", help="where decoded pictures are kept")
    parser.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    add_places(parser, planned=True)


def run(args: argparse.Namespace) -> int:
    """Work until nothing is left to do here; returns the exit status."""
    from upres.apps.cli._sweep_reports import Progress, print_failures
    from upres.lab.studies.sweep.job import IMPORTS
    from upres.lab.studies.sweep.plan import at, read_plan
    from upres.lab.studies.sweep.work import work
    from upres.machine.executors.select import opened
    from upres.machine.ledger import Ledger

    ledger, sweep = Ledger(args.folder), read_plan(args.folder)
    places = at(sweep, data=args.data, validation=args.validation, sets=args.sets)
    if args.retry:
        ledger.forgive()
    options = ["--quiet", "--data", places.data, "--sets", *places.sets]
    options += ["--validation", places.validation] if places.validation else []
    options += ["--cache", args.cache] if args.cache else []

    def arguments(job: "Job") -> list[str]:
        return [sys.executable, "-m", "upres", "sweep", "job", str(args.folder), job.name, *options]

    preload = ("upres.apps.cli.sweep_job", "upres.apps.cli._training_progress", *IMPORTS)
    kind = {"cores": sweep.cores, "slots": args.slots, "nice": args.nice, "address": args.address}
    with opened(args.executor, **kind, preload=preload) as executor:
        ended = work(ledger, executor, arguments, tell=Progress(ledger, quiet=args.quiet))
    if not ended:
        print("upres: stopped; the same command goes on", file=sys.stderr)
        return 130
    standing = ledger.standing()
    if standing.count("failed"):
        print_failures(ledger, standing, sys.stderr)
        raise TrainingError(
            f"{args.folder}: failed: {standing.count('failed')}, waiting for them: {standing.count('waiting')}; "
            "--retry tries them again"
        )
    return 0
