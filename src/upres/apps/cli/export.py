"""``upres export``: write a model for other runtimes, or as the pair of files that the runtime needs."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from upres.errors import DataError, MissingExtraError
from upres.models.catalog import find

_Figures = dict[str, list[dict[str, Any]]]
"""Name of a model -> figures as its card holds them."""

EPILOG = """examples:
  upres export espcn_x2 -o espcn_x2.onnx
  upres export runs/esr_tm_x2/best.safetensors -o tm.onnx --json
  upres export runs/esr_tm_x2/best.safetensors -o models/ --scores quality.json --latencies speed.json
  upres export rlfn_c32b6_x4 --int8 photos/ -o rlfn_c32b6_x4.int8.onnx
  upres export runs/rlfn_c32b6_int8_x4/best.safetensors -o models/

The graph takes pictures of any size as float32 in 0 to 1, (N, 1, H, W) luma or (N, 3, H, W) RGB as the model's card
says, and is compared with torch before it is written; a file that is there already is replaced.
Into a folder go NAME.safetensors and NAME.onnx, as they lie in the package; of a quantised network NAME.int8.onnx
alone, which belongs beside them. --int8 quantises a network as it is, with ranges from some pictures; training it
further (`upres train rlfn_c32b6_int8_x4`) loses less. docs/reports/int8.md has the figures."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("models", nargs="+", metavar="MODEL", help="names of shipped models, or .safetensors files")
    parser.add_argument(
        "-o", "--output", metavar="FILE.onnx|DIR", help="file to write, or a folder (default: the model's name .onnx)"
    )
    parser.add_argument(
        "--scores",
        metavar="FILE.json",
        help="into a folder: put the scores of this `upres evaluate --out` file on the card",
    )
    parser.add_argument(
        "--latencies",
        metavar="FILE.json",
        action="append",
        default=[],
        help="into a folder: put the latencies of this `upres bench speed -o` file on the card; repeatable",
    )
    parser.add_argument(
        "--int8", metavar="DIR", help="quantise first, with input ranges from the pictures in this folder"
    )
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Export, and say how well each result agrees with torch."""
    into_folder = args.output is not None and Path(args.output).is_dir()
    if (args.scores or args.latencies) and not into_folder:
        raise DataError("--scores and --latencies go onto cards, and only an existing folder as -o receives one")
    if len(args.models) > 1 and not into_folder:
        raise DataError("several models need an existing folder as -o")
    measured = _scores(args.scores), _latencies(args.latencies)
    reports = [_export(name, args.output, measured, args.int8) for name in args.models]
    if args.json:
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=2))
    else:
        for report in reports:
            agreement = f"within {report['max_error']:.1e} of torch"
            if report["format"] == "onnx-int8":
                agreement = f"within {report['max_error']:.0%} of torch's own rounding noise"
            print(f"{report['model']}: wrote {report['output']}, {report['bytes']:,} bytes, {agreement}")
    return 0


def _export(name: str, output: str | None, measured: tuple[_Figures, _Figures], pictures: str | None) -> dict[str, Any]:
    try:
        from upres.lab import checkpoint
        from upres.lab.compress.quantize.calibration import quantize
        from upres.lab.compress.quantize.network import quantized_layers
        from upres.lab.export.int8 import export_int8
        from upres.lab.export.onnx import export
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres export", "lab") from error
    network, card = checkpoint.load(find(name).weights)
    if pictures is not None:
        quantize(network, pictures)
    eight_bit = bool(quantized_layers(network))
    suffix = ".int8.onnx" if eight_bit else ".onnx"
    path = Path(output or f"{card.name}{suffix}")
    if path.is_dir():
        if not eight_bit:  # a quantised network's graph lies beside the float network's files
            scores, latencies = measured
            card = replace(
                card,
                scores=tuple(scores.get(card.name, card.scores)),
                latencies=tuple(latencies.get(card.name, card.latencies)),
            )
            checkpoint.save(path / f"{card.name}.safetensors", network, card)
        path = path / f"{card.name}{suffix}"
    result = (export_int8 if eight_bit else export)(network, path)
    return {
        "model": card.name,
        "format": "onnx-int8" if eight_bit else "onnx",
        "output": str(result.path),
        "bytes": result.size_bytes,
        "max_error": result.max_error,
    }


def _scores(path: str | None) -> _Figures:
    """What a results file says of each model, as cards hold it."""
    if path is None:
        return {}
    from upres.evaluation.results import Results

    found: _Figures = {}
    for record in Results(Path(path)).records:
        score = {"dataset": record["dataset"], "protocol": record["protocol"]}
        score |= {"psnr_db": round(record["psnr_db"], 4), "ssim": round(record["ssim"], 5)}
        found.setdefault(record["model"], []).append(score)
    return found


def _latencies(paths: Sequence[str]) -> _Figures:
    """What speed reports say of each model, as cards hold it."""
    from upres.bench.report import read_report

    found: _Figures = {}
    for path in map(Path, paths):
        report = read_report(path)
        name = report["environment"].get("name")
        place = {"cpu": report["environment"]["cpu"], **({"machine": name} if name else {}), "file": path.name}
        for row in report["rows"]:
            latency = {key: row[key] for key in ("engine", "precision", "width", "height", "threads")}
            latency["latency_ms"] = round(row["latency_ms_median"], 3)
            found.setdefault(row["model"], []).append(latency | place)
    return found
