"""``upres sweep plan``: the list of jobs."""

import argparse
import json

from upres.apps.cli._sweep_options import add_places
from upres.apps.cli.arguments import count, names

EPILOG = """examples:
  upres sweep plan pool -o sweeps/pool --data photos/ --sets Set5 Set14 BSD100
  upres sweep plan pool -o sweeps/small --only 'esr_tm_k3*_x2' --set steps=500 --data photos/ --sets Set5
  upres sweep plan tricks -o sweeps/tricks --data photos/ --sets Set5 --protocol paper
  upres sweep plan recipes.json -o sweeps/mine --data photos/ --sets Set5

plans: pool, the 1182 networks of the edge-SR authors' pool and bicubic's three. A study, a recipe, or a file with a
list of recipes (`upres train NAME --show`) is a plan too. The same plan gives the same list; planned once more into its
folder, what is done stays done."""

PROTOCOLS = ("esr", "luma-float", "paper")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this operation."""
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME|FILE", help="a plan, a study, a recipe, or a file of recipes")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the sweep; shared by machines")
    add_places(parser, planned=False)
    parser.add_argument("--only", nargs="+", default=[], metavar="GLOB", help="only these jobs and what they need")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    parser.add_argument(
        "--protocol", nargs="+", default=list(PROTOCOLS), metavar="P", help=f"how to measure ({', '.join(PROTOCOLS)})"
    )
    parser.add_argument("--cores", type=count, default=1, metavar="N", help="cores a job computes on (default 1)")
    parser.add_argument("--json", action="store_true", help="print the jobs as JSON: name, needs, cost_s")


def run(args: argparse.Namespace) -> int:
    """Write the plan and say how large it is; returns the exit status."""
    from upres.evaluation.contenders import protocols_of
    from upres.lab.studies.sweep.plan import PLANS, jobs_of, make_plan
    from upres.lab.studies.sweep.terms import Places

    jobs = jobs_of(args.name, args.set, names(args.only))
    places = Places(data=args.data, validation=args.validation or "", sets=tuple(args.sets))
    make_plan(
        args.name, jobs, args.output, places=places, protocols=protocols_of(names(args.protocol)), cores=args.cores
    )
    if args.json:
        print(
            json.dumps([{"name": job.name, "needs": list(job.needs), "cost_s": job.cost_s} for job in jobs], indent=1)
        )
        return 0
    hours = sum(job.cost_s for job in jobs) / 3600
    expected = f", some {hours:.1f} hours by the plan" if args.name in PLANS else ""
    print(f"{args.output}: {len(jobs)} jobs{expected}")
    return 0
