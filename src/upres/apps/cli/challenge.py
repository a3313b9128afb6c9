"""``upres challenge``: run contenders, rank a table, count a network."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from upres.errors import MissingExtraError

EPILOG = """examples:
  upres challenge run imdn.safetensors rlfn.safetensors bsrn.safetensors --data Set5 --scale 4 --out runs/set5
  upres challenge rank published.csv --rules 2022 --json
  upres challenge count rlfn_ntire_x4 esr_tm_x2 --input 720p

`upres challenge ACTION --help` tells more."""

RUN_EPILOG = """The first model is the baseline unless --baseline names another: who is more than --gate dB below it in
RGB PSNR is not ranked. With --out, a run that was cut goes on where it stopped: give the same command again. The
folder then holds results.json, results.csv (which `upres challenge rank` takes), results.md and report.html."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_run(verbs.add_parser("run", help="measure models on a data set and rank them", epilog=RUN_EPILOG))
    _add_rank(verbs.add_parser("rank", help="rank a table by a year's rules"))
    _add_count(verbs.add_parser("count", help="parameters, FLOPs, activations, reach and memory of networks"))


def run(args: argparse.Namespace) -> int:
    """Run the action; returns its exit status."""
    return {"run": _run, "rank": _rank, "count": _count}[args.action](args)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.description = "Measure models on a data set, each in a process of its own, in turn; and rank them."
    parser.add_argument("models", nargs="+", metavar="MODEL", help="shipped names or .safetensors files")
    parser.add_argument("--data", required=True, metavar="DIR", help="folder with a data set")
    parser.add_argument("--scale", type=int, default=4, help="the factor (default 4)")
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
    parser.add_argument("--engine", default="torch", help="torch, native, openvino, onnxruntime (default torch)")
    parser.add_argument("--device", default="cpu", help="for torch: cpu, cuda, mps, ... (default cpu)")
    parser.add_argument("--precision", default="auto", help="the engine's arithmetic (default auto)")
    parser.add_argument("--threads", type=_count_of, help="of every contender (default: the cores at hand)")
    parser.add_argument(
        "--repeats", type=_count_of, default=5, metavar="N", help="rounds over all pictures (default 5)"
    )
    parser.add_argument("--warmup", type=int, default=1, metavar="N", help="rounds before these (default 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for results and report")
    parser.add_argument("--overwrite", action="store_true", help="start anew in a folder that holds a run")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(args: argparse.Namespace) -> int:
    from upres.machine.cores import available_cores

    try:
        from upres.lab.challenge.rank import rules_of
        from upres.lab.challenge.report import to_markdown, write_files
        from upres.lab.challenge.run import GATE_DB, entrants_of, run_challenge
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres challenge run", "lab") from error

    rules = rules_of(args.rules)
    settings: dict[str, Any] = {key: getattr(args, key) for key in ("data", "scale", "engine", "device", "precision")}
    report = run_challenge(
        entrants_of(args.models, threads=args.threads or available_cores(), **settings),
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


def _add_rank(parser: argparse.ArgumentParser) -> None:
    parser.description = "Rank a challenge table by a year's rules, and list where its printed figures contradict them."
    parser.add_argument("table", type=Path, help="CSV: one line an entry, or the long form system,...,metric,value")
    parser.add_argument("--rules", type=int, required=True, metavar="YEAR", help="whose rules: 2022, 2024 or 2025")
    parser.add_argument(
        "--gate", type=float, metavar="DB", help="smallest PSNR to be ranked, instead of the year's; 0 ranks all"
    )
    parser.add_argument("--baseline", metavar="ENTRY", help="whom scores are relative to, instead of the year's own")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _rank(args: argparse.Namespace) -> int:
    from upres.lab.challenge.rank import rank, rules_of
    from upres.lab.challenge.table import PSNR, read_table

    rules = rules_of(args.rules)
    entries, year = read_table(args.table, year=args.rules)
    gate = None if args.gate is None else dict.fromkeys(PSNR, args.gate)
    ranking = rank(entries, rules, gate=gate, baseline=args.baseline, table_year=year)
    if not ranking.gate:
        print("upres: no PSNR column that the gate names: every entry is ranked", file=sys.stderr)
    if args.json:
        print(json.dumps(ranking.to_dict(), indent=1))
        return 0
    rows = ranking.rows()
    print("\t".join(rows[0]))
    for row in rows:
        print("\t".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()))
    print(f"\nnot ranked: {', '.join(ranking.not_ranked) or 'nobody'}")
    for item in ranking.contradictions:
        figures = f"printed {item['printed']}, by the rule {item['computed']}"
        print(f"contradiction: {item['entry']}: {item['column']} {figures}")
    return 0


def _add_count(parser: argparse.ArgumentParser) -> None:
    parser.description = "What networks cost before any clock runs. FLOPs are multiply-accumulates."
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help="shipped names, .safetensors files or the zoo's names"
    )
    parser.add_argument(
        "--input", default="256x256", metavar="WxH", help="low-resolution input, or 720p: whatever gives 1280x720"
    )
    parser.add_argument(
        "--convention",
        choices=("exact", "ntire"),
        default="exact",
        help="all that is executed, or the challenge's hooks",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _count(args: argparse.Namespace) -> int:
    try:
        from upres.lab.challenge.count import count
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres challenge count", "lab") from error

    rows = [{"model": model, **asdict(count(model, args.input, args.convention))} for model in args.models]
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    print("\t".join(rows[0]))
    for row in rows:
        print("\t".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()))
    return 0


def _count_of(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got '{text}'")
    return int(text)
