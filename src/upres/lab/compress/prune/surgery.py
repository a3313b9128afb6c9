"""Layers made narrower, and the transform ``prune`` that rebuilds such a network from the widths in its card."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

import torch
from torch import Tensor, nn

from upres.errors import CheckpointError
from upres.lab.compress.prune.depth import drop_blocks
from upres.lab.compress.prune.groups import CUTTABLE, is_depthwise
from upres.lab.compress.wiring import Wiring

_Kept = tuple[Tensor, ...]
"""Indices that stay, of the outputs and, of a convolution, of the inputs."""


def prune_network(network: nn.Module, *, layers: Mapping[str, Sequence[int]], blocks: int | None = None) -> nn.Module:
    """The network, changed in place, as narrow as a card says: the transform ``prune`` of a `ModelSpec`.

    Of each dimension the first channels stay; a checkpoint then fills them.

    Args:
        network: In the form that was pruned.
        layers: Convolution -> outputs and inputs; PReLU -> channels.
        blocks: How many of ``network.blocks`` stay; ``None``: all.

    Raises:
        CheckpointError: If a layer does not exist, cannot be cut, or is not as wide.
    """
    if blocks is not None:
        drop_blocks(network, blocks)
    found = dict(network.named_modules())
    for name, widths in layers.items():
        layer = found.get(name)
        if not isinstance(layer, CUTTABLE):
            raise CheckpointError(f"prune: {type(network).__name__} has no convolution or PReLU '{name}'")
        _require_widths(name, layer, widths)
        _cut(layer, tuple(torch.arange(width, device="cpu") for width in widths))
    return network


def take_away(network: nn.Module, wiring: Wiring, gone: Set[int]) -> dict[str, list[int]]:
    """Cut these classes out of every layer, in place, and tell the widths that changed as `prune_network` takes them.

    Args:
        network: Whose wiring it is.
        wiring: What hangs together.
        gone: Classes.
    """
    before = {name: layer_widths(layer) for name, layer in _cuttable(network).items()}
    for name, layer in _cuttable(network).items():
        if name in wiring.outputs:
            _cut(layer, (_left(wiring.outputs[name], gone), _left(wiring.inputs[name], gone)))
        elif isinstance(layer, nn.PReLU) and (classes := wiring.axes.get(f"{name}.weight", (None,))[0]):
            _cut(layer, (_left(classes, gone),))
    after = {name: layer_widths(layer) for name, layer in _cuttable(network).items()}
    return {name: list(widths) for name, widths in after.items() if widths != before[name]}


def layer_widths(layer: nn.Module) -> tuple[int, ...]:
    """Outputs and inputs of a convolution, or the channels of a PReLU."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return layer.out_channels, layer.in_channels
    assert isinstance(layer, nn.PReLU)
    return (layer.num_parameters,)


def output_widths(network: nn.Module) -> dict[str, int]:
    """Convolution -> its output channels."""
    return {
        name: layer_widths(layer)[0] for name, layer in _cuttable(network).items() if not isinstance(layer, nn.PReLU)
    }


def _cuttable(network: nn.Module) -> dict[str, nn.Module]:
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, CUTTABLE)}


def _left(classes: Sequence[int], gone: Set[int]) -> Tensor:
    """Places of the channels that stay."""
    return torch.tensor([place for place, number in enumerate(classes) if number not in gone], device="cpu")


def _require_widths(name: str, layer: nn.Module, widths: Any) -> None:
    most = layer_widths(layer)
    fits = isinstance(widths, list | tuple) and len(widths) == len(most)
    fits = fits and all(type(width) is int and 1 <= width <= limit for width, limit in zip(widths, most, strict=True))
    if not fits or not all(width % _equal_parts(layer) == 0 for width in widths):
        raise CheckpointError(f"prune: {name} has widths {list(most)}, and {widths!r} are none that it can be cut to")


def _equal_parts(layer: nn.Module) -> int:
    """Groups whose number stays; those of a depthwise convolution go with its channels."""
    groups = layer.groups if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) else 1
    return 1 if is_depthwise(layer) else groups


def _cut(layer: nn.Module, kept: _Kept) -> None:
    """Keep these outputs and inputs of a layer."""
    if isinstance(layer, nn.PReLU):
        layer.num_parameters = len(kept[0])
        layer.weight = _picked(layer.weight, (kept[0],))
        return
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    outputs, inputs = kept
    if is_depthwise(layer):  # a filter an input
        layer.groups, within = len(inputs), torch.zeros(1, dtype=torch.int64, device="cpu")
    else:  # of every group as many stay, so the first group tells the places within one
        within = inputs[: len(inputs) // layer.groups]
    axes = (inputs, outputs) if isinstance(layer, nn.ConvTranspose2d) else (outputs, within)
    layer.out_channels, layer.in_channels = len(outputs), len(inputs)
    layer.weight = _picked(layer.weight, axes)
    layer.bias = None if layer.bias is None else _picked(layer.bias, (outputs,))


def _picked(parameter: Tensor, kept: Sequence[Tensor]) -> nn.Parameter:
    value = parameter.detach()
    for dimension, places in enumerate(kept):
        value = value.index_select(dimension, places.to(value.device))
    return nn.Parameter(value, requires_grad=parameter.requires_grad)
