"""``upres sweep job``: one job, in this process."""

import argparse
import json

from upres.apps.cli._sweep_options import add_folder, add_places
from upres.machine.executors.lifeline import hold_lifeline

EPILOG = """examples:
  upres sweep job sweeps/pool esr_tm_k5c4_x2

What `upres sweep run` starts for each job. By hand it shows how a job that failed goes wrong; the ledger hears nothing
of it, so do it only while nobody else works on the job."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this operation."""
    parser.epilog = EPILOG
    add_folder(parser)
    parser.add_argument("name", metavar="NAME", help="of the job, as `upres sweep plan --json` lists it")
    parser.add_argument("--cache", metavar="DIR", help="where decoded pictures are kept")
    parser.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    add_places(parser, planned=True)


def run(args: argparse.Namespace) -> int:
    """Train, measure and print the row of the table; returns the exit status."""
    hold_lifeline()
    from upres.apps.cli._training_progress import TrainingProgress
    from upres.lab.studies.sweep.job import do, find_job
    from upres.lab.studies.sweep.plan import at, read_plan
    from upres.lab.training.recipe import Recipe
    from upres.machine.ledger import Ledger

    sweep, job = read_plan(args.folder), find_job(Ledger(args.folder).jobs, args.name)
    places = at(sweep, data=args.data, validation=args.validation, sets=args.sets)
    if "recipe" not in job.work:
        print(json.dumps(do(args.folder, job, sweep=sweep, places=places)))
        return 0
    with TrainingProgress(Recipe.from_dict(job.work["recipe"]), quiet=args.quiet) as bar:
        row = do(args.folder, job, sweep=sweep, places=places, cache=args.cache, listener=bar, progress=bar.on_picture)
    print(json.dumps(row))
    return 0
