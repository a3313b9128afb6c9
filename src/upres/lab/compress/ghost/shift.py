"""Maps moved by whole pixels, as copies: in every engine a pad and a slice, never a depthwise convolution."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Offset = tuple[int, int]
"""Rows and columns: a map moved by ``(dy, dx)`` holds at ``(y, x)`` what the map held at ``(y + dy, x + dx)``."""


def window(max_offset: int) -> tuple[Offset, ...]:
    """Every offset up to ``max_offset`` along both axes, row by row.

    Example:
        >>> window(1)[:4]
        ((-1, -1), (-1, 0), (-1, 1), (0, -1))
    """
    steps = range(-max_offset, max_offset + 1)
    return tuple((dy, dx) for dy in steps for dx in steps)


def shifted(maps: Tensor, offset: Offset) -> Tensor:
    """``(N, C, H, W)`` moved by ``offset``, zeros where nothing comes in; a view of ``maps`` where nothing moves."""
    dy, dx = offset
    if (dy, dx) == (0, 0):
        return maps
    padded = F.pad(maps, (max(-dx, 0), max(dx, 0), max(-dy, 0), max(dy, 0)))
    rows = slice(dy, None) if dy >= 0 else slice(None, dy)
    columns = slice(dx, None) if dx >= 0 else slice(None, dx)
    return padded[..., rows, columns]


def picked(maps: Tensor, channels: Tensor) -> Tensor:
    """These channels of ``(N, C, H, W)``, laid out in memory as ``maps`` are."""
    if torch.onnx.is_in_onnx_export():
        # OpenVINO (2026.4) takes a plain gather of all channels for swapped colours, and then permutes the weights of
        # the next convolution by the inverse of what is right; indices of two dimensions it leaves alone
        return maps[:, channels[None]].squeeze(1)
    if maps.is_contiguous() or not maps.is_contiguous(memory_format=torch.channels_last):
        return maps.index_select(1, channels)
    rows = maps.permute(0, 2, 3, 1)  # as a matrix: of four dimensions the same takes twelve times as long
    return rows.reshape(-1, rows.shape[3]).index_select(1, channels).view(*rows.shape[:3], -1).permute(0, 3, 1, 2)


class ChosenShift(torch.autograd.Function):
    """Maps moved by the offsets that were chosen, with a gradient for the weight of every offset in the window.

    ``weights`` is ``(1, K)`` where all maps move alike, else ``(C, K)``, for the ``K`` offsets of `window`. The result
    is that of weights which are one at the chosen offset and zero elsewhere, whatever the weights hold.
    """

    @staticmethod
    def forward(
        ctx: Any, maps: Tensor, weights: Tensor, chosen: Sequence[int], max_offset: int, learns: bool
    ) -> Tensor:
        """``(N, C, H, W)``; ``chosen`` are places in `window`, one or one a channel.

        Where nothing is to be learned the weights' gradient is zero, not missing: several processes wait for one.
        """
        ctx.save_for_backward(maps, weights)
        ctx.chosen, ctx.max_offset, ctx.learns = chosen, max_offset, learns
        offsets = window(max_offset)
        return _moved(maps, [offsets[place] for place in chosen])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        """The gradient moved back; for each offset the product of the gradient and the maps so moved."""
        maps, weights = ctx.saved_tensors
        offsets, d = window(ctx.max_offset), ctx.max_offset
        back = _moved(gradient, [(-offsets[place][0], -offsets[place][1]) for place in ctx.chosen])
        if not ctx.learns:
            return back, torch.zeros_like(weights), None, None, None
        height, width = maps.shape[-2:]
        padded = F.pad(maps, (d, d, d, d))
        products = [
            (padded[..., d + dy : d + dy + height, d + dx : d + dx + width] * gradient).sum(
                (0, 2, 3), dtype=torch.float32
            )
            for dy, dx in offsets
        ]
        for_weights = torch.stack(products, dim=1)  # (C, K)
        if len(ctx.chosen) == 1:
            for_weights = for_weights.sum(0, keepdim=True)
        return back, for_weights.to(weights.dtype), None, None, None


def _moved(maps: Tensor, offsets: Sequence[Offset]) -> Tensor:
    """All maps by one offset, or each by its own; never a view of ``maps``."""
    if len(offsets) == 1:
        result = shifted(maps, offsets[0])
        return result.clone() if offsets[0] == (0, 0) else result
    result = torch.empty_like(maps)
    for offset in set(offsets):
        channels = [channel for channel, own in enumerate(offsets) if own == offset]
        result[:, channels] = shifted(maps[:, channels], offset)
    return result
