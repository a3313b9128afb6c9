"""The operation: a pruned copy of a network, and the step that rebuilds it."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab.complexity import evaluation_mode
from upres.lab.compress.fold import foldable_layers
from upres.lab.compress.prune.choice import Choice, superfluous
from upres.lab.compress.prune.depth import shorten
from upres.lab.compress.prune.importance import Batches
from upres.lab.compress.prune.surgery import take_away
from upres.lab.compress.wiring import probe, wiring_of


def prune(
    network: nn.Module, choice: Choice | None = None, *, blocks: int | None = None, batches: Batches = ()
) -> tuple[nn.Module, dict[str, Any]]:
    """A copy of a network without its last blocks, without its least important channels, or both in this order.

    Args:
        network: Its convolutions are plain; left as it is.
        choice: Which channels go; ``None``: none.
        blocks: How many of ``network.blocks`` stay; ``None``: all.
        batches: Crops to measure on, where ``choice.importance`` is ``taylor``.

    Returns:
        The copy, and ``{"name": "prune", "layers": ...}``, with ``"blocks"`` where some went: the widths that
        changed, of a convolution outputs and inputs.

    Raises:
        CheckpointError: If there are not more blocks than shall stay.
        UnsupportedModelError: If convolutions are to be folded first, nothing can go, or the code of the network
            cannot run without what goes.
        ValueError: If neither a choice nor blocks are given.

    Example:
        >>> from upres.lab.archs.edsr import EDSR
        >>> prune(EDSR(scale=2, num_channels=8, num_blocks=1), Choice(width=6))[1]["layers"]
        {'blocks.0.conv1': [6, 8], 'blocks.0.conv2': [8, 6]}
    """
    if choice is None and blocks is None:
        raise ValueError("expected a choice of channels, a number of blocks, or both")
    require_plain(network)
    pruned = deepcopy(network)
    step: dict[str, Any] = {"name": "prune", "layers": {}}
    if blocks is not None:
        step["layers"] |= shorten(pruned, blocks)
        step["blocks"] = blocks
    if choice is not None:
        wiring = wiring_of(pruned)
        step["layers"] |= take_away(pruned, wiring, superfluous(pruned, wiring, choice, batches=batches))
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
