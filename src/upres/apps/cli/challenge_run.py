"""``upres challenge run``: measure models on a data set and rank them."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

from upres.apps.cli._fault_options import add_fault_arguments, fault_of
from upres.apps.cli.arguments import count, names, threads
from upres.engines.select import ENGINES
from upres.errors import MissingExtraError
from upres.metrics.table import DEFAULT, metric_names
from upres.models.card import Task

EPILOG = """The first model is the baseline unless --baseline names another: who is more than --gate dB below it in
RGB PSNR is not ranked. With --task denoise, noise of sigma 50 is put into true pictures (--noise), with --task deblock
JPEG of quality 10 (--jpeg), unless the data set has pairs. With --out, a run that was cut goes on where it stopped: the
same command again. The folder then holds results.json, results.csv (which `upres challenge rank` takes), results.md and
report.html.

examples:
  upres challenge run imdn.safetensors rlfn.safetensors bsrn.safetensors --data Set5 --out runs/set5
  upres challenge run rlfn_c32b6_x2 esr_tm_x2 --data Set5 --scale 2 --engine native
  upres challenge run ours.safetensors nafnet.safetensors --task denoise --data BSD100 --out runs/denoise"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this action."""
    parser.epilog = EPILOG
    parser.description = "Measure models on a data set, each in a process of its own, in turn; and rank them."
    parser.add_argument("models", nargs="+", metavar="MODEL", help="shipped names or .safetensors files")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder with a data set")
    parser.add_argument("--scale", type=int, default=4, help="the factor (default 4)")
    parser.add_argument(
        "--task", choices=get_args(Task), default="upscale", help="of all models; those that restore have scale 1"
    )
    add_fault_arguments(parser)
    parser.add_argument("--rules", type=int, default=2022, metavar="YEAR", help="whose ranking: 2022, 2024, 2025")
    parser.add_argument(
        "--baseline", metavar="MODEL", help="whom the gate, and scores, are relative to (default: first)"
    )
    parser.add_argument(
        "--gate", type=float, default=None, metavar="DB", help="allowed below the baseline (default 0.18)"
    )
    parser.add_argument(
        "--counting", choices=("ntire", "exact"), default="ntire", help="convention of FLOPs (default: the challenge's)"
    )
    parser.add_argument("--engine", default="torch", help=f"{', '.join(ENGINES)} (default torch)")
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=[],
        metavar="M,M",
        help="what to measure besides PSNR and SSIM: ssimulacra2, niqe",
    )
    parser.add_argument("--device", default="cpu", help="for torch: cpu, cuda, mps, ... (default cpu)")
    parser.add_argument("--precision", default="auto", help="the engine's arithmetic (default auto)")
    parser.add_argument("--threads", type=threads, help="of every contender (default: the cores at hand)")
    parser.add_argument("--repeats", type=count, default=5, metavar="N", help="rounds over all pictures (default 5)")
    parser.add_argument("--warmup", type=int, default=1, metavar="N", help="rounds before these (default 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for results and report")
    parser.add_argument("--overwrite", action="store_true", help="start anew in a folder that holds a run")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Measure, write, print; returns the exit status."""
    from upres.machine.cores import available_cores

    try:
        from upres.lab.challenge.rank import rules_of
        from upres.lab.challenge.report import to_markdown, write_files
        from upres.lab.challenge.run import GATE_DB, contenders_of, run_challenge
        from upres.lab.challenge.tasks import fault_for
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres challenge run", "lab") from error

    fault = fault_for(args.task, args.data, fault_of(args))
    if args.task != "upscale":
        args.scale = 1
    rules = rules_of(args.rules)
    metrics = metric_names([*DEFAULT, *names(args.metrics)])
    settings: dict[str, Any] = {
        key: getattr(args, key) for key in ("data", "scale", "task", "engine", "device", "precision")
    }
    report = run_challenge(
        contenders_of(args.models, metrics=metrics, fault=fault, threads=args.threads or available_cores(), **settings),
        rules,
        baseline=args.baseline,
        gate_db=GATE_DB if args.gate is None else args.gate,
        counting=args.counting,
        rounds=args.repeats,
        warmup=args.warmup,
        out=args.out,
        overwrite=args.overwrite,
        progress=lambda message: print(f"upres: {message}", file=sys.stderr),
    )
    if args.out is not None:
        for path in write_files(report, args.out):
            print(f"upres: wrote {path}", file=sys.stderr)
    print(json.dumps(report.to_dict(), indent=1) if args.json else to_markdown(report))
    return 0
