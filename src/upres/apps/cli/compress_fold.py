"""``upres compress fold``: branches trained side by side become one convolution, ghosts a part of their reader."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upres.lab.subject import Compressed, Subject

EPILOG = """examples:
  upres compress fold runs/span_x2/best.expanded.safetensors -o span_x2.safetensors
  upres compress fold edsr_ghost.safetensors -o edsr_folded.safetensors
  upres compress fold ecbsr_x4 --dry-run --json

A training leaves both forms: best.expanded.safetensors, with which it can be trained on, and best.safetensors, folded.
The folded network computes the same but for rounding.

Of a network with ghosts (`upres compress ghost`), those that one convolution alone reads become a part of it, and that
is the same but for a frame at the picture's border."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the operation's arguments."""
    parser.epilog = EPILOG


def make(_: argparse.Namespace, before: "Subject") -> "Compressed":
    """The folded network, and for each layer its parameters before and after."""
    from upres.lab.checkpoint import parameter_count
    from upres.lab.compress.fold import fold, foldable_layers
    from upres.lab.subject import Compressed

    network, step = fold(before.network)
    names = foldable_layers(before.network)
    if step["name"] == "fold_ghosts":
        names = tuple(dict.fromkeys(name for entry in step["layers"] for name in (entry["name"], entry["into"])))
    layers = tuple(
        {
            "name": name,
            "before": parameter_count(before.network.get_submodule(name)),
            "after": parameter_count(network.get_submodule(name)),
        }
        for name in names
    )
    return Compressed(network=network, step=step, layers=layers)
