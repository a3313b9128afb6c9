"""``upres bench``: measure this machine."""

import argparse
import json
import sys
from pathlib import Path

from upres.apps.cli.arguments import boxes, count, threads
from upres.engines.select import ENGINES

DEFAULT_MODELS = "esr_max_x2,esr_tm_x2,esr_tr_x2,espcn_d22s32_x2"

EPILOG = """examples:
  upres bench speed
  upres bench speed --models esr_max_x2,esr_tm_x2,esr_tr_x2 --engines native,openvino,torch --size 1920x1080 --json
  upres bench speed --models mine.safetensors --engines openvino --threads 4 -o results.json

Sizes are those of the picture that comes out. Every contender runs in a process of its own, in turn with the others."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    speed = verbs.add_parser(
        "speed",
        help="latency of models on engines",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    speed.add_argument(
        "--models", default=DEFAULT_MODELS, metavar="A,B", help="shipped names, families or checkpoint paths"
    )
    speed.add_argument("--engines", metavar="A,B", help=f"{' '.join(ENGINES)} cv2 pillow; all by default")
    speed.add_argument(
        "--size", type=boxes, default="1920x1080", metavar="WxH,...", help="of the output (default 1920x1080)"
    )
    speed.add_argument("--threads", type=threads, help="of every contender (default: the cores at hand)")
    speed.add_argument("--isa", metavar="A,B", help="instruction sets for the native engine (default: its best)")
    speed.add_argument("--precision", default="auto", help="asked of the engines (default auto)")
    speed.add_argument("--repeats", type=count, default=10, metavar="N", help="turns of each contender (default 10)")
    speed.add_argument("--seconds", type=float, default=0.2, help="length of a turn, 20 calls at most (default 0.2)")
    speed.add_argument("-o", "--output", type=Path, metavar="FILE.json", help="write JSON here and Markdown beside it")
    speed.add_argument("--overwrite", action="store_true", help="replace the output if it is there")
    speed.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Measure, write, print; returns the exit status."""
    from tqdm import tqdm

    from upres.apps.cli.hints import worded
    from upres.bench.report import check_free, markdown, write_report
    from upres.bench.speed import RESAMPLERS, bench_speed, contenders
    from upres.machine.cores import available_cores

    if args.output is not None:
        check_free(args.output, overwrite=args.overwrite)
    engines = args.engines.split(",") if args.engines else [*ENGINES, *RESAMPLERS]
    entrants = contenders(
        args.models.split(","),
        engines,
        args.size,
        threads=args.threads or available_cores(),
        precision=args.precision,
        isas=args.isa.split(",") if args.isa else (),
    )
    with tqdm(
        total=(len(entrants) + len(args.size)) * (args.repeats + 1), unit="turn", file=sys.stderr, disable=None
    ) as bar:
        report = bench_speed(
            entrants,
            rounds=args.repeats,
            seconds=args.seconds,
            on_skip=lambda contender, error: bar.write(f"skipped {contender.name}: {worded(error)}", file=sys.stderr),
            progress=bar.update,
        )
    print(json.dumps(report.to_dict(), indent=1) if args.json else markdown(report))
    if args.output is not None:
        write_report(report, args.output, overwrite=args.overwrite)
    return 0
