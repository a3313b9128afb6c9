"""What the convolutions of a network give on one picture, layer by layer as they run."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from upres.lab.complexity import evaluation_mode
from upres.lab.compress.ghost.layer import GhostConv, ghost_layers

LEAST_SIDE = 8
"""Maps that are smaller are not shown: the weights of channel attention are one pixel each."""

Look = Callable[[str, Tensor], None]
"""Gets the name of a convolution and its output, ``(C, H, W)`` float32, before the activation that follows."""


@torch.no_grad()
def visit(network: nn.Module, batch: Tensor, look: Look) -> None:
    """Run a network once and show what each of its convolutions gives; no more than one output is kept at a time.

    A convolution that runs several times (a shared block) is shown each time, from the second on as ``name@2``. Of a
    ghost layer all maps are shown, the copies among them.

    Args:
        network: Left as it was found.
        batch: ``(1, C, H, W)``.
        look: Called for every convolution that gives several maps of `LEAST_SIDE` pixels or more, in the order in which
            they run.
    """
    calls: Counter[str] = Counter()

    def seen(name: str, _: nn.Module, __: tuple[Any, ...], output: Tensor) -> None:
        if min(output.shape[-2:]) < LEAST_SIDE:
            return
        calls[name] += 1
        look(name if calls[name] == 1 else f"{name}@{calls[name]}", output[0].detach().float())

    ghosts = ghost_layers(network)
    inside = {f"{name}.primary" for name in ghosts}
    convolutions = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d | GhostConv)}
    with evaluation_mode(network), ExitStack() as stack:
        for name, layer in convolutions.items():
            if layer.out_channels > 1 and name not in inside:
                stack.callback(layer.register_forward_hook(partial(seen, name)).remove)
        network(batch)
