"""``upres evaluate``: quality of models on data sets, by the papers' protocols."""

import argparse
import json
import sys
from pathlib import Path

from upres.apps.cli.arguments import names, threads
from upres.metrics.protocol import PROTOCOLS, default_protocol
from upres.metrics.table import DEFAULT, METRICS

EPILOG = """examples:
  upres evaluate esr_tm_x2 --data Set5 --protocol paper
  upres evaluate rlfn_c32b6 --data Set5 --scale 4 --json
  upres evaluate bicubic runs/mine/best.safetensors --data Set5 --scale 2 --json
  upres evaluate bicubic all --data Set5 Set14 --protocol all --out quality.json --markdown quality.md
  upres evaluate esr_tm_x2 --data Set5 --metrics psnr,ssimulacra2,niqe
  upres evaluate input denoise --data PolyU50
  upres evaluate input denoiser.safetensors --data PolyU50

A data set is a folder of high-resolution pictures, or one that holds HR/ and LR_bicubic/X2/. For models of scale 1 it
holds noisy/ and clean/, or low/ and high/. Without --protocol these are measured by ntire, on RGB, others by paper.
With --out, what the file already answers is not measured again: run the same command to go on.

protocols (at scale 1 without a border):
{protocols}

metrics:
{metrics}
""".format(
    protocols="\n".join(f"  {name:14s}{rules.summary}" for name, rules in PROTOCOLS.items()),
    metrics="\n".join(f"  {name:14s}{metric.heading}" for name, metric in METRICS.items()),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="shipped names or families (esr_tm), tasks (denoise), .safetensors files, 'bicubic', at scale 1 'input' "
        "(the picture as it is), or 'all' shipped ones",
    )
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders with a data set each")
    parser.add_argument("--scale", type=int, help="the factor (default: the models')")
    parser.add_argument(
        "--protocol",
        nargs="+",
        default=[],
        metavar="P",
        help=f"{', '.join(PROTOCOLS)}, or all (default: {default_protocol(2)}, at scale 1 {default_protocol(1)})",
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
        metrics_of,
        plan_of,
        protocols_of,
    )
    from upres.evaluation.results import Results, to_markdown
    from upres.machine.atomic import write_text

    def tell(message: str) -> None:
        print(f"upres: {message}", file=sys.stderr)

    if "bicubic" in args.models and args.scale is None and set(args.models) <= set(BASELINES):
        args.usage_error("bicubic has no scale of its own: add --scale 2")
    results = Results(args.out)
    asked = protocols_of(args.protocol)
    plan = plan_of(
        asked or (default_protocol(2), default_protocol(1)),
        metrics_of(names(args.metrics)),
        tell=tell,
    )
    running = Running(engine=args.engine, precision=args.precision, device=args.device, threads=args.threads)
    records = []
    for contender in find_contenders(
        args.models, tuple(plan) if asked else (), scale=args.scale, running=running, tell=tell
    ):
        for folder in args.data:
            with progress_bar(f"{contender.name} x{contender.scale} on {dataset_name(folder)}") as progress:
                records += measure(contender, folder, plan, results, progress=progress)
    if args.markdown is not None:
        write_text(args.markdown, to_markdown(results.records))
    if args.json:
        reports = [{key: value for key, value in record.items() if key != "run"} for record in records]
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=1))
    else:
        print("\n\n".join(map(table, records)))
    return 0
