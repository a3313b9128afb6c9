"""``upres export``: write a model for other runtimes, or as the pair of files that the runtime needs."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from upres.errors import DataError, MissingExtraError
from upres.models.catalog import find

EPILOG = """examples:
  upres export espcn_x2 -o espcn_x2.onnx
  upres export runs/esr_tm_x2/best.safetensors -o tm.onnx --json
  upres export runs/esr_tm_x2/best.safetensors -o models/ --scores quality.json

The graph takes pictures of any size as float32 in 0 to 1, (N, 1, H, W) luma or (N, 3, H, W) RGB as the model's card
says, and is compared with torch before it is written; a file that is there already is replaced.
Into a folder go NAME.safetensors and NAME.onnx, as they lie in the package."""


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
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Export, and say how well each result agrees with torch."""
    if args.scores and not (args.output and Path(args.output).is_dir()):
        raise DataError("--scores goes onto cards, and only an existing folder as -o receives one")
    if len(args.models) > 1 and not (args.output and Path(args.output).is_dir()):
        raise DataError("several models need an existing folder as -o")
    reports = [_export(name, args.output, _scores(args.scores)) for name in args.models]
    if args.json:
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=2))
    else:
        for report in reports:
            print(
                f"{report['model']}: wrote {report['output']}, {report['bytes']:,} bytes,"
                f" within {report['max_error']:.1e} of torch"
            )
    return 0


def _export(name: str, output: str | None, scores: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    try:
        from upres.lab import checkpoint
        from upres.lab.export.onnx import export
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres export", "lab") from error
    network, card = checkpoint.load(find(name).weights)
    path = Path(output or f"{card.name}.onnx")
    if path.is_dir():
        card = replace(card, scores=tuple(scores.get(card.name, card.scores)))
        checkpoint.save(path / f"{card.name}.safetensors", network, card)
        path = path / f"{card.name}.onnx"
    result = export(network, path)
    return {
        "model": card.name,
        "format": "onnx",
        "output": str(result.path),
        "bytes": result.size_bytes,
        "max_error": result.max_error,
    }


def _scores(path: str | None) -> dict[str, list[dict[str, Any]]]:
    """What a results file says of each model, as cards hold it."""
    if path is None:
        return {}
    from upres.evaluation.results import Results

    found: dict[str, list[dict[str, Any]]] = {}
    for record in Results(Path(path)).records:
        score = {"dataset": record["dataset"], "protocol": record["protocol"]}
        score |= {"psnr_db": round(record["psnr_db"], 4), "ssim": round(record["ssim"], 5)}
        found.setdefault(record["model"], []).append(score)
    return found
