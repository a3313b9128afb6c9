"""``upres compress ghost``: a share of the maps become shifted copies of the others."""

import argparse
from typing import TYPE_CHECKING, Any

from upres.apps.cli._networks import share
from upres.errors import UnsupportedModelError

if TYPE_CHECKING:
    from upres.lab.compress.ghost.layer import GhostConv
    from upres.lab.subject import Compressed, Subject

EPILOG = """examples:
  upres compress ghost edsr_x2 --share 0.5 --dry-run
  upres compress ghost runs/edsr/best.safetensors --pictures photos/ -o edsr_ghost.safetensors
  upres compress ghost rlfn_c32b6_x2 --share 0.25 --offsets channel -o rlfn_ghost.safetensors
  upres train edsr_baseline_x2 --set start.model=edsr_ghost.safetensors --data photos/ --out runs/ghost

Of every convolution in the blocks, filters are clustered, and of each cluster one is kept: the maps of the others
become copies of that one's map, moved by the offset under which they are most alike. What comes out is to be trained on
(`upres train` with start.model, or with --set 'compress=[{"name": "ghost"}]' from the network as it was); then
`upres compress fold` moves copies into the next convolution where nothing else reads them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the operation's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--share", type=share, default=0.5, metavar="0..1", help="share of ghosts among maps (0.5)")
    parser.add_argument(
        "--offsets",
        choices=("layer", "channel", "depthwise"),
        default="layer",
        help="one offset a layer (default), one a ghost, or depthwise filters that begin as an offset",
    )
    parser.add_argument("--max-offset", type=int, default=1, choices=range(1, 9), metavar="PIXELS", help="1 to 8 (1)")
    parser.add_argument(
        "--intrinsic", choices=("kmeans", "random", "order", "l1"), default="kmeans", help="which filters are kept"
    )
    parser.add_argument(
        "--start", choices=("calibrated", "random", "zero"), default="calibrated", help="which offsets are taken"
    )
    parser.add_argument(
        "--pictures", metavar="DIR", help="high-resolution pictures to find offsets on (default: noise)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of clustering and of what is drawn (0)")


def make(args: argparse.Namespace, before: "Subject") -> "Compressed":
    """The network with ghosts, and for each layer the maps of both kinds and the offsets, null in a dry run.

    Raises:
        UnsupportedModelError: If it cannot have ghosts, or not so many.
    """
    from copy import deepcopy

    from upres.lab.compress.ghost.convert import convert, suitable
    from upres.lab.compress.ghost.layer import ghost_layers, ghost_network
    from upres.lab.compress.quantize.calibration import picture_pairs
    from upres.lab.subject import Compressed

    if args.share == 1:
        raise UnsupportedModelError("of a convolution's maps some must be computed; expected a share of ghosts below 1")
    options: dict[str, Any] = {"share": args.share, "max_offset": args.max_offset, "offsets": args.offsets}
    if args.dry_run:
        step = {"layers": suitable(before.network), **options}
        network = ghost_network(deepcopy(before.network), **step)
        step = {"name": "ghost", **step}
    else:
        card = before.card
        pairs = picture_pairs(args.pictures, scale=card.scale, color_mode=card.color_mode) if args.pictures else None
        network, step = convert(
            before.network, intrinsic=args.intrinsic, start=args.start, seed=args.seed, pairs=pairs, **options
        )
    layers = tuple(
        {
            "name": name,
            "intrinsic": layer.intrinsic,
            "ghost": layer.ghosts,
            "offset": _offset(layer, known=not args.dry_run),
        }
        for name, layer in ghost_layers(network).items()
    )
    return Compressed(network=network, step=step, layers=layers)


def _offset(layer: "GhostConv", *, known: bool) -> list[int] | list[list[int]] | None:
    """``[rows, columns]`` of a layer, a list of them by channel; null where there are filters, or nobody knows yet."""
    if not known or not layer.chosen:
        return None
    offsets = [list(offset) for offset in layer.chosen]
    return offsets[0] if layer.kind == "layer" else offsets
