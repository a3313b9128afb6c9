"""``upres compress prune``: narrower convolutions, and fewer blocks."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from upres.apps.cli.arguments import count
from upres.errors import DataError, UpresError

if TYPE_CHECKING:
    from upres.lab.subject import Compressed, Subject

EPILOG = """examples:
  upres compress prune edsr_x2 --share 0.5 --dry-run
  upres compress prune rlfn_c32b6_x4 --kind all --width 16 --importance fpgm -o rlfn_narrow_x4.safetensors
  upres compress prune rlfn_s_x4 --kind stream --width 46 --blocks 4 --dry-run --json
  upres compress prune e_rfdn_x4 --kind all --share 0.2 --keep attention --dry-run

What is left loses quality until it is trained on: a recipe with start.model names it. Channels that are added, shared
or shuffled go together; which these are is found in the network itself. A processor takes 16, 32 or 48 channels as
fast as a few less: --multiple-of 16."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the operation's arguments."""
    parser.epilog = EPILOG
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--share", type=_share, metavar="PART", help="part of the channels of each group that goes")
    amount.add_argument("--width", type=count, metavar="N", help="channels of each group that stay, where it has more")
    parser.add_argument(
        "--kind",
        choices=("inner", "stream", "all"),
        default="inner",
        help="inner: between two convolutions (default); stream: what several layers add up; all: these, what is "
        "concatenated and what is shuffled",
    )
    parser.add_argument("--blocks", type=count, metavar="N", help="blocks that stay, the first ones")
    parser.add_argument(
        "--multiple-of", type=count, default=1, metavar="N", help="round what stays to a multiple of this"
    )
    parser.add_argument(
        "--importance",
        choices=("l1", "fpgm", "taylor", "random"),
        default="l1",
        help="what goes: small filters (default), filters like the others, what the loss hardly depends on, chance",
    )
    parser.add_argument("--pictures", metavar="DIR", help="high-resolution pictures; taylor measures the loss on them")
    parser.add_argument(
        "--keep",
        nargs="+",
        default=(),
        metavar="NAME",
        help="leave what only layers write that have this in their name",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of random")


def make(args: argparse.Namespace, before: "Subject") -> "Compressed":
    """The pruned network, and for each convolution that changed its output channels, 0 where it went.

    Raises:
        UpresError: If nothing is asked for.
        DataError: If pictures are needed and not named.
    """
    from upres.lab.compress.prune.operation import prune
    from upres.lab.compress.prune.surgery import output_widths
    from upres.lab.subject import Compressed

    if args.share is None and args.width is None and args.blocks is None:
        raise UpresError("prune is told how much goes or stays: --share 0.5, --width 32, --blocks 4")
    taylor = args.importance == "taylor" and not args.dry_run
    network, step = prune(
        before.network,
        kind=args.kind,
        share=args.share or 0.0,
        width=args.width or 0,
        multiple_of=args.multiple_of,
        importance="l1" if args.dry_run else args.importance,  # counts are the same whichever channels go
        keep=args.keep,
        seed=args.seed,
        blocks=args.blocks,
        pairs=_pairs(args.pictures, before) if taylor else (),
    )
    was, left = output_widths(before.network), output_widths(network)
    layers = tuple(
        {"name": name, "before": width, "after": left.get(name, 0)}
        for name, width in was.items()
        if left.get(name, 0) != width
    )
    return Compressed(network=network, step=step, layers=layers)


def _pairs(pictures: str | None, before: "Subject") -> Iterable[Any]:
    from upres.lab.compress.quantize.calibration import picture_pairs

    if pictures is None:
        raise DataError("taylor measures the loss on pictures; name a folder of some: --pictures DIR")
    return picture_pairs(pictures, scale=before.card.scale, color_mode=before.card.color_mode)


def _share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got '{text}'")
    return share
