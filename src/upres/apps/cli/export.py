"""``upres export``: write a model for other runtimes."""

import argparse
import json
from pathlib import Path

from upres.errors import MissingExtraError
from upres.models.catalog import find

EPILOG = """examples:
  upres export espcn_x2 -o espcn_x2.onnx
  upres export runs/esr_tm_x2/best.safetensors -o tm.onnx --json

The graph takes pictures of any size as float32 in 0 to 1, (N, 1, H, W) luma or (N, 3, H, W) RGB as the model's card
says, and is compared with torch before it is written; a file that is there already is replaced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("model", metavar="MODEL", help="name of a shipped model, or a .safetensors file")
    parser.add_argument("-o", "--output", metavar="FILE.onnx", help="file to write (default: the model's name .onnx)")
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Export, and say how well the result agrees with torch."""
    try:
        from upres.lab.checkpoint import load
        from upres.lab.export.onnx import export
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres export", "lab") from error
    model = find(args.model)
    network, card = load(model.weights)
    result = export(network, Path(args.output or f"{card.name}.onnx"))
    report = {
        "model": card.name,
        "format": "onnx",
        "output": str(result.path),
        "bytes": result.size_bytes,
        "max_error": result.max_error,
    }
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"{card.name}: wrote {result.path}, {result.size_bytes:,} bytes, within {result.max_error:.1e} of torch")
    return 0
