"""``upres export``: write a model for other runtimes, or as the pair of files that the runtime needs."""

import argparse
import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from upres.apps.cli._networks import share
from upres.errors import DataError, MissingExtraError
from upres.machine.atomic import made_folder

EPILOG = """examples:
  upres export espcn_x2 -o espcn_x2.onnx
  upres export runs/esr_tm_x2/best.safetensors -o tm.onnx --json
  upres export runs/esr_tm_x2/best.safetensors -o models/ --scores quality.json --latencies speed.json
  upres export runs/rlfn_c32b6_x4/best.safetensors -o models/ --half
  upres export runs/crisp/last.safetensors --towards rlfn_c32b6_real_x4 --share 0.3 -o models/
  upres export rlfn_c32b6_x4 --int8 photos/ -o rlfn_c32b6_x4.int8.onnx
  upres export runs/rlfn_c32b6_int8_x4/best.safetensors -o models/

The graph takes pictures of any size as float32 in 0 to 1, (N, 1, H, W) luma or (N, 3, H, W) RGB as the model's card
says, and is compared with torch before it is written; a file that is there already is replaced.
-o FILE.onnx stands alone. Into a folder go NAME.safetensors and NAME.onnx, as they lie in the package: the graph takes
its numbers from the weights, so move both together. Of a quantised network NAME.int8.onnx alone goes there, which
belongs beside them. --half stores weights in half the bytes, where no pixel changes by half a level. --int8 quantises a
network as it is, with ranges from some pictures; training it further (`upres train rlfn_c32b6_int8_x4`) loses less.
docs/reports/int8.md has the figures."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("models", nargs="+", metavar="MODEL", help="names of shipped models, or .safetensors files")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE.onnx|DIR",
        help="file to write, or a folder, made where its name ends in / (default: the model's name .onnx)",
    )
    parser.add_argument(
        "--scores",
        type=Path,
        metavar="FILE.json",
        help="into a folder: put the scores of this `upres evaluate --out` file on the card",
    )
    parser.add_argument(
        "--latencies",
        type=Path,
        metavar="FILE.json",
        action="append",
        default=[],
        help="into a folder: put the latencies of this `upres bench speed -o` file on the card; repeatable",
    )
    parser.add_argument(
        "--int8", metavar="DIR", help="quantise first, with input ranges from the pictures in this folder"
    )
    parser.add_argument("--towards", metavar="MODEL", help="move the weights towards this network's, of the same form")
    parser.add_argument("--share", type=share, metavar="0..1", help="of the way there (default 0.5)")
    parser.add_argument("--half", action="store_true", help="round weights to 16 bits, in the files and in the graph")
    parser.add_argument("--json", action="store_true", help="report as JSON")


def _is_folder(output: str) -> bool:
    """Whether it is a folder; one whose name ends in a slash is made where it is not there."""
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def run(args: argparse.Namespace) -> int:
    """Export, and say how well each result agrees with torch."""
    into_folder = args.output is not None and _is_folder(args.output)
    if (args.scores or args.latencies) and not into_folder:
        raise DataError("--scores and --latencies go onto cards, and only a folder as -o (DIR/) receives one")
    if args.share is not None and args.towards is None:
        raise DataError("--share is of the way to another network: name it by --towards")
    if len(args.models) > 1 and not into_folder:
        raise DataError("several models need a folder as -o: DIR/")
    with made_folder(Path(args.output)) if into_folder else nullcontext():
        return _export(args)


def _export(args: argparse.Namespace) -> int:
    try:
        from upres.lab.export.ship import ship
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres export", "lab") from error
    from upres.bench.report import latencies_of
    from upres.evaluation.results import Results, scores_of

    towards = None if args.towards is None else (args.towards, 0.5 if args.share is None else args.share)
    options: dict[str, Any] = {"pictures": args.int8, "half": args.half, "towards": towards}
    options |= {"scores": scores_of(Results(args.scores).records), "latencies": latencies_of(args.latencies)}
    shipped = [ship(name, args.output, **options) for name in args.models]
    if args.json:
        reports = [
            {
                "model": each.model,
                "format": each.format,
                "output": str(each.output),
                "bytes": each.size_bytes,
                "max_error": each.max_error,
            }
            for each in shipped
        ]
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=2))
        return 0
    for each in shipped:
        agreement = f"within {each.max_error:.1e} of torch"
        if each.format == "onnx-int8":
            agreement = f"within {each.max_error:.0%} of torch's own rounding noise"
        print(f"{each.model}: wrote {each.output}, {each.size_bytes:,} bytes, {agreement}")
    return 0
