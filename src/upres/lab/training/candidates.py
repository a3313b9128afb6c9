"""Weights of a network that chooses among candidates, for another number of these or another size of kernel.

In eSR-MAX, eSR-TM, eSR-TR and eSR-CNN one layer makes all candidates, and for each its query and key. A candidate more
is the copy of one that is there, moved a little, as vector quantisers split their codes (Linde, Buzo and Gray, 1980,
doi:10.1109/TCOM.1980.1094577): the largest of two alike is either, and keys are so large that a second copy hardly
counts, so the network begins with nearly the same function. Larger kernels have zeros around.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_APART = 0.05
"""How far copies are moved, in lengths of the filter."""


def candidates_of(network: nn.Module) -> tuple[str, int] | None:
    """The tensor that makes a network's candidates, and how many kinds of maps it makes; ``None`` where none does."""
    roles: Sequence[str] = getattr(network, "roles", ())
    layers = [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]
    return (f"{layers[-1]}.weight", len(roles)) if roles else None


def recast(theirs: Tensor, ours: Tensor, *, kinds: int, scale: int) -> Tensor | None:
    """Their filters with as many candidates, and as large, as ours.

    Args:
        theirs: ``(kinds * C * scale², N, K, K)``.
        ours: The same with another ``C`` or ``K``, of which the shape counts.
        kinds: Values, and where there are any keys and queries.
        scale: Factor of the pixel shuffle.

    Returns:
        Where candidates go, those whose values are longest stay; ``None`` where another dimension differs as well.
    """
    group = kinds * scale**2
    if theirs.shape[1] != ours.shape[1] or len(theirs) % group or len(ours) % group:
        return None
    filters = torch.unflatten(_with_kernel(theirs, ours.shape[-1]), 0, (kinds, -1, scale**2))  # (kinds, C, s², N, K, K)
    before, after = filters.shape[1], len(ours) // group
    if before < after:
        copies = filters[:, torch.arange(after) % before]
        copies[:, before:] += _noise(copies[:, before:])
        filters = copies
    elif before > after:
        shape = filters[0] - filters[0].mean(0)  # what candidates have in common says nothing of one
        kept = shape.flatten(1).norm(dim=1).topk(after).indices.sort().values
        filters = filters[:, kept]
    result: Tensor = filters.flatten(0, 2).contiguous()
    return result


def _with_kernel(filters: Tensor, side: int) -> Tensor:
    more = (side - filters.shape[-1]) // 2
    return F.pad(filters, (more,) * 4)  # less where it is negative


def _noise(filters: Tensor) -> Tensor:
    """Without a mean, so that flat areas keep their brightness."""
    noise: Tensor = torch.randn(filters.shape, generator=torch.Generator().manual_seed(0))
    noise -= noise.mean((-2, -1), keepdim=True)
    lengths: Tensor = _APART * filters.flatten(-3).norm(dim=-1) / noise.flatten(-3).norm(dim=-1).clamp_min(1e-12)
    return noise * lengths[..., None, None, None]
