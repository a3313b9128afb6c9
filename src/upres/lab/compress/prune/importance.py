"""What a channel is worth: the norm of its filters, their distance from the others, their part in the loss, or chance.

Every convolution that writes a class has its say; its figures are divided by their mean, so that no layer's scale
decides for the others.

References: Li et al., 2017, arXiv:1608.08710 (norm); He et al., 2019, arXiv:1811.00250 (distance); Molchanov et al.,
2019, arXiv:1906.10771 (part in the loss).
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.complexity import evaluation_mode
from upres.lab.compress.prune.groups import writers_of
from upres.lab.compress.wiring import Wiring

Importance = Literal["l1", "fpgm", "taylor", "random"]

Pairs = Iterable[tuple[Tensor, Tensor]]
"""Batches of crops, low and high resolution, ``(N, C, H, W)`` in [0, 1]."""

BATCHES = 8
"""Of crops that a loss is measured on."""
_TINY = 1e-12


def class_scores(
    network: nn.Module, wiring: Wiring, *, importance: Importance, seed: int = 0, pairs: Pairs = ()
) -> dict[int, float]:
    """Class -> what it is worth, among the classes that the same convolutions write.

    Args:
        network: Left as it was found.
        wiring: Its own.
        importance: ``l1`` is the sum of a filter's absolute weights, ``fpgm`` the sum of its distances to the other
            filters, ``taylor`` the squared change of the loss that its gradients foretell, summed over batches.
        seed: Of ``random``.
        pairs: What ``taylor`` measures the loss on; the first `BATCHES` of them.

    Raises:
        ValueError: If ``taylor`` is given no batch.
    """
    writers = writers_of(network, wiring)
    if importance == "random":
        draws = torch.rand(len(writers), generator=torch.Generator().manual_seed(seed)).tolist()
        return dict(zip(sorted(writers), draws, strict=True))
    layers = {name: network.get_submodule(name) for names in writers.values() for name in names}
    figures = _taylor(network, layers, pairs) if importance == "taylor" else _filters(layers, importance)
    shares = {name: (values / values.mean().clamp_min(_TINY)).tolist() for name, values in figures.items()}
    scores = dict.fromkeys(writers, 0.0)
    for name in layers:
        classes = wiring.outputs[name]
        for number, share in zip(classes, shares[name], strict=True):
            scores[number] += share / classes.count(number)
    return scores


def _filters(layers: Mapping[str, nn.Module], importance: Importance) -> dict[str, Tensor]:
    measure: Callable[[Tensor], Tensor] = {"l1": _norm, "fpgm": _distance}[importance]
    return {name: measure(_rows(layer, layer.weight.detach())) for name, layer in layers.items()}  # type: ignore[operator]


def _norm(rows: Tensor) -> Tensor:
    return rows.abs().sum(1)


def _distance(rows: Tensor) -> Tensor:
    return torch.cdist(rows, rows).sum(1)


def _taylor(network: nn.Module, layers: Mapping[str, nn.Module], pairs: Pairs) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = {name: layer.weight for name, layer in layers.items()}  # type: ignore[misc]
    sums = {name: torch.zeros(len(_rows(layers[name], weight))) for name, weight in weights.items()}
    seen = 0
    with evaluation_mode(network), torch.enable_grad():
        for lr, hr in islice(pairs, BATCHES):
            gradients = torch.autograd.grad(F.l1_loss(network(lr), hr), list(weights.values()))
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
                sums[name] += _rows(layers[name], weight.detach() * gradient).sum(1).square()
            seen += 1
    if not seen:
        raise ValueError("taylor measures what channels are worth on crops of pictures, and was given none")
    return sums


def _rows(layer: nn.Module, weight: Tensor) -> Tensor:
    """One row for each output channel."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    return (weight.transpose(0, 1) if transposed else weight).flatten(1).float()
