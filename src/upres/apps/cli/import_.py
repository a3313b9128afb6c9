"""``upres import``: turn somebody else's weight file into a model that every other verb takes."""

import argparse
import json
import sys

from upres.errors import MissingExtraError

EPILOG = """examples:
  upres import rfdn.pth -o rfdn.safetensors
  upres import eSR-TM_s2_K7_C4.model -o tm.safetensors --json
  upres import unclear.model -o tm.safetensors --architecture esr_tm --scale 2

Opens .pth, .pt, .model and .safetensors files, wrapped as training code leaves them. Architecture, scale and
arguments are read off the tensors, not the file's name. Pickles are read with weights_only: a file that asks for
code to be run is refused. The ONNX graph written beside the output lets `upres upscale --model` and
`upres evaluate` run the model without torch. An output that is there already is replaced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("file", metavar="FILE", help="weight file to convert")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL.safetensors", help="file to write")
    parser.add_argument("--architecture", metavar="NAME", help="what the file holds, where it could be several")
    parser.add_argument("--scale", type=int, metavar="N", help="its scale, where it could be several")
    parser.add_argument("--no-graph", action="store_true", help="do not write the .onnx graph beside the output")
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Convert, and say what the file was."""
    try:
        from upres.lab.foreign.convert import convert
    except ModuleNotFoundError as error:
        raise MissingExtraError("upres import", "lab") from error
    result = convert(
        args.file,
        args.output,
        architecture=args.architecture,
        scale=args.scale,
        with_graph=not args.no_graph,
    )
    for remark in result.remarks:
        print(f"upres: {remark}", file=sys.stderr)
    card = result.card
    report = {
        "architecture": card.architecture,
        "scale": card.scale,
        "arguments": dict(card.spec.arguments),
        "parameters": card.parameters,
        "output": str(result.output),
    }
    if args.json:
        print(json.dumps(report, indent=2))
        return 0
    arguments = ", ".join(f"{key}={value}" for key, value in card.spec.arguments.items())
    files = " and ".join(str(file) for file in (result.output, result.graph) if file)
    print(f"{card.architecture} x{card.scale} ({arguments}), {card.parameters:,} parameters: wrote {files}")
    return 0
