"""``upres compress quantize``: convolutions that compute with 8-bit numbers."""

import argparse
from typing import TYPE_CHECKING

from upres.errors import DataError

if TYPE_CHECKING:
    from upres.lab.subject import Compressed, Subject

EPILOG = """examples:
  upres compress quantize rlfn_c32b6_x4 --pictures photos/ -o rlfn_int8_x4.safetensors
  upres compress quantize rlfn_c32b6_x4 --dry-run --json
  upres export rlfn_int8_x4.safetensors -o rlfn_int8_x4.int8.onnx

The output is a checkpoint: float weights, and for each quantised layer the range of its inputs. It can be trained on
and evaluated in torch, which imitates 8 bits and is no faster; the graph that `upres export` makes of it is what
computes in 8 bits. FLOPs stay what they were. Nothing can follow this operation."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the operation's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--pictures", metavar="DIR", help="high-resolution pictures, of which input ranges are taken")
    parser.add_argument("--layers", nargs="+", metavar="NAME", help="convolutions (default: 3x3, from 32 channels on)")


def make(args: argparse.Namespace, before: "Subject") -> "Compressed":
    """The quantised network, and for each layer the range of its inputs, null in a dry run.

    Raises:
        DataError: If pictures are needed and not named.
    """
    from upres.lab.compress.quantize.calibration import quantized
    from upres.lab.compress.quantize.network import quantized_layers
    from upres.lab.subject import Compressed

    if args.pictures is None and not args.dry_run:
        raise DataError("quantize takes the ranges of inputs from pictures; name a folder of some: --pictures DIR")
    pictures = None if args.dry_run else args.pictures
    network, step = quantized(before.network, pictures, layers=args.layers)
    layers = tuple(
        {"name": name, "input_range": None if args.dry_run else layer.input_range.tolist()}
        for name, layer in quantized_layers(network).items()
    )
    return Compressed(network=network, step=step, layers=layers)
