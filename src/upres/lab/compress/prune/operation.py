"""The operation: a pruned copy of a network, and the step that rebuilds it."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.complexity import evaluation_mode
from upres.lab.compress.fold import foldable_layers
from upres.lab.compress.prune.choice import Choice, Which, superfluous
from upres.lab.compress.prune.depth import shorten
from upres.lab.compress.prune.importance import Importance, Pairs
from upres.lab.compress.prune.surgery import take_away
from upres.lab.compress.wiring import probe, wiring_of


def prune(
    network: nn.Module,
    *,
    kind: Which = "inner",
    share: float = 0.0,
    width: int = 0,
    multiple_of: int = 1,
    importance: Importance = "l1",
    keep: Sequence[str] = (),
    seed: int = 0,
    blocks: int | None = None,
    pairs: Pairs | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """A copy of a network without its last blocks, without its least important channels, or both in this order.

    Args:
        network: Its convolutions are plain; left as it is.
        kind: Which channels may go; this and what follows as in `upres.lab.compress.prune.choice.Choice`.
        share: Part of each group that goes.
        width: Channels that stay of each group; where both are 0, no channels go.
        multiple_of: What stays is a multiple of this.
        importance: By what the channels that go are the least.
        keep: Parts of names of convolutions whose groups stay whole.
        seed: Of importance ``random``.
        blocks: How many of ``network.blocks`` stay; ``None``: all.
        pairs: Crops to measure on, where ``importance`` is ``taylor``.

    Returns:
        The copy, and ``{"name": "prune", "layers": ...}``, with ``"blocks"`` where some went: the widths that
        changed, of a convolution outputs and inputs.

    Raises:
        CheckpointError: If there are not more blocks than shall stay.
        UnsupportedModelError: If convolutions are to be folded first, nothing can go, or the code of the network
            cannot run without what goes.
        ValueError: If neither share, width nor blocks are given, or an argument is out of range.

    Example:
        >>> from upres.lab.archs.edsr import EDSR
        >>> prune(EDSR(scale=2, num_channels=8, num_blocks=1), width=6)[1]["layers"]
        {'blocks.0.conv1': [6, 8], 'blocks.0.conv2': [8, 6]}
    """
    choice = None
    if share or width or blocks is None:
        choice = Choice(
            kind=kind,
            share=share,
            width=width,
            multiple_of=multiple_of,
            importance=importance,
            keep=tuple(keep),
            seed=seed,
        )
    require_plain(network)
    pruned = deepcopy(network)
    step: dict[str, Any] = {"name": "prune", "layers": {}}
    if blocks is not None:
        step["layers"] |= shorten(pruned, blocks)
        step["blocks"] = blocks
    if choice is not None:
        wiring = wiring_of(pruned)
        step["layers"] |= take_away(pruned, wiring, superfluous(pruned, wiring, choice, pairs=pairs or ()))
    _require_running(pruned)
    return pruned, step


def require_plain(network: nn.Module) -> None:
    """Refuse a network whose convolutions have several branches.

    Raises:
        UnsupportedModelError: If there are such.
    """
    if foldable_layers(network):
        raise UnsupportedModelError(
            f"{type(network).__name__} computes with several branches a convolution; fold it first, then prune it"
        )


def _require_running(pruned: nn.Module) -> None:
    with evaluation_mode(pruned), torch.no_grad():
        try:
            pruned(probe(pruned))
        except RuntimeError as error:
            raise UnsupportedModelError(
                f"{type(pruned).__name__} cannot be pruned like this, its code counts on channels that go ({error})"
            ) from error
