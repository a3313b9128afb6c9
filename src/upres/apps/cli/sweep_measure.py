"""``upres sweep measure``: latency and memory of the finished networks on this machine."""

import argparse
import sys

from upres.apps.cli._sweep_options import add_folder

EPILOG = """examples:
  upres sweep measure sweeps/pool
  upres sweep measure sweeps/pool --threads 1
  upres sweep measure sweeps/pool --only esr_tm_k5c4_x2 espcn_d22s32_x2

To 1920x1080, each network in a process of its own, eight at a time in turn with bicubic interpolation by Pillow, on the
engine that runs it fastest. Let the machine have nothing else to do. What was measured before on this machine, with as
many threads, is left out, so a run that was stopped goes on. `upres sweep collect` puts the figures into its table,
those that were measured last where there are several."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this operation."""
    parser.epilog = EPILOG
    add_folder(parser)
    parser.add_argument("--threads", type=int, metavar="N", help="of each network (default: all cores)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each network (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.2, metavar="S", help="length of a turn (default: 0.2)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="networks (default: all that are done)")
    parser.add_argument("--quiet", action="store_true", help="no progress on the terminal")


def run(args: argparse.Namespace) -> int:
    """Measure what is left; returns the exit status."""
    from upres.apps.cli.terminal import say
    from upres.lab.studies.sweep.speed import measure_speed
    from upres.machine.cores import available_cores
    from upres.machine.ledger import Ledger

    def tell(done: int, total: int) -> None:
        if not args.quiet:
            say(f"{done} of {total} measured", sys.stderr)

    count = measure_speed(
        Ledger(args.folder),
        threads=args.threads or available_cores(),
        rounds=args.rounds,
        seconds=args.seconds,
        only=args.only,
        progress=tell,
    )
    print(f"{count} measured")
    return 0
