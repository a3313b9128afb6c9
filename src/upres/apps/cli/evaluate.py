"""``upres evaluate``: quality of models on data sets, by the papers' protocols."""

import argparse
import json
import sys
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from upres.apps.cli._evaluate_help import EPILOG
from upres.apps.cli._executors import add_executor, check_executor
from upres.apps.cli._fault_options import add_fault_arguments, fault_of
from upres.apps.cli.arguments import names, threads
from upres.metrics.protocol import PROTOCOLS, default_protocol
from upres.metrics.table import DEFAULT, METRICS

if TYPE_CHECKING:
    from upres.evaluation.contenders import Measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="shipped names or families (esr_tm), tasks (denoise), .safetensors files, 'bicubic', at scale 1 'input' "
        "(the picture as it is), or 'all' shipped ones that enlarge (with --scale 1: that restore)",
    )
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders with a data set each")
    parser.add_argument("--scale", type=int, help="the factor (default: the models')")
    add_fault_arguments(parser)
    parser.add_argument(
        "--protocol",
        nargs="+",
        metavar="P",
        help=f"{', '.join(PROTOCOLS)}, or all (default: paper; at scale 1 ntire, but for --jpeg)",
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=[",".join(DEFAULT)],
        metavar="M,M",
        help=f"{', '.join(METRICS)}, or all (default: psnr,ssim)",
    )
    parser.add_argument("--engine", default="auto", help="what runs the models (default: auto, the fastest)")
    parser.add_argument(
        "--precision", default="f32", help="the engine's arithmetic: f32, bf16, auto as for pictures (default: f32)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, or a device of the engine torch: cuda, mps")
    parser.add_argument("--threads", type=threads, help="processor threads (default: the engine's choice)")
    parser.add_argument(
        "--self-ensemble", action="store_true", help="the mean with the mirrored picture's result, named MODEL+"
    )
    add_executor(parser, "pictures are measured")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="keep the results here, and go on from them")
    parser.add_argument("--markdown", type=Path, metavar="FILE.md", help="write all results as tables here")
    parser.add_argument("--json", action="store_true", help="print JSON: one report, or a list of several")


def run(args: argparse.Namespace) -> int:
    """Measure what the results file does not hold, and print; returns the exit status."""
    from upres.apps.cli._evaluation_reports import progress_bar, table
    from upres.evaluation import dataset_name
    from upres.evaluation.contenders import (
        BASELINES,
        Running,
        find_contenders,
        measure,
        measure_here,
        metrics_of,
        plan_of,
        protocols_of,
    )
    from upres.evaluation.results import Results, to_markdown
    from upres.machine.atomic import write_text

    def tell(message: str) -> None:
        print(f"upres: {message}", file=sys.stderr)

    check_executor(args)
    if "bicubic" in args.models and args.scale is None and set(args.models) <= set(BASELINES):
        args.usage_error("bicubic has no scale of its own: add --scale 2")
    results, fault = Results(args.out), fault_of(args)
    asked = protocols_of(args.protocol or ())
    if not asked and fault is not None and fault.jpeg:
        asked = ("paper",)  # papers judge what JPEG did on luma
    usual = default_protocol(2), default_protocol(1)
    plan = plan_of(asked or usual, metrics_of(names(args.metrics)), tell=tell)
    how = {name: getattr(args, name) for name in ("engine", "precision", "device", "threads", "self_ensemble")}
    records = []
    protocols = tuple(plan) if asked else ()
    contenders = find_contenders(args.models, protocols, scale=args.scale, running=Running(**how), tell=tell)
    with nullcontext(measure_here) if args.executor == "local" else _machines(args) as by:
        for contender, folder in product(contenders, args.data):
            with progress_bar(f"{contender.name} x{contender.scale} on {dataset_name(folder)}") as progress:
                records += measure(contender, folder, plan, results, fault=fault, progress=progress, by=by)
    if args.json:
        reports = [{key: value for key, value in record.items() if key != "run"} for record in records]
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=1))
    else:
        print("\n\n".join(map(table, records)))
    if args.markdown is not None:
        write_text(args.markdown, to_markdown(results.records))
    return 0


def _machines(args: argparse.Namespace) -> "AbstractContextManager[Measure]":
    from upres.evaluation.remote import Machines

    return Machines(args.address, args.data)
