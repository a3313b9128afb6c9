"""Offsets from pictures: the shift by which a ghost's source is most like the map that the ghost stands for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from upres.lab.compress.ghost.shift import window
from upres.models.card import ColorMode

CROPS = 32
"""Pictures that are looked at."""
_SIDE = 48


class Copies(NamedTuple):
    """Which output channels of a convolution become copies, and of which."""

    ghosts: Sequence[int]
    sources: Sequence[int]


def shift_errors(
    network: nn.Module, copies: Mapping[str, Copies], pictures: Iterable[Tensor], *, max_offset: int
) -> dict[str, Tensor]:
    """How far each ghost is from its source under every offset.

    Args:
        network: As it was trained; it is put into evaluation mode and left there.
        copies: For convolutions by name.
        pictures: Low-resolution batches ``(N, C, H, W)``; the first `CROPS` pictures count.
        max_offset: Of the window.

    Returns:
        Squared errors summed over all pixels, ``(ghosts, offsets)``, in the order of `window`.
    """
    errors = {name: torch.zeros(len(own.ghosts), (2 * max_offset + 1) ** 2) for name, own in copies.items()}

    def look(name: str, _: nn.Module, __: tuple[Tensor, ...], maps: Tensor) -> None:
        errors[name] += _errors(maps, copies[name], max_offset)

    network.eval()
    with ExitStack() as stack, torch.no_grad():
        for name in copies:
            layer = network.get_submodule(name)
            stack.callback(layer.register_forward_hook(partial(look, name)).remove)
        for batch in _first(pictures, CROPS):
            network(batch)
    return errors


def made_up_pictures(color_mode: ColorMode, *, seed: int = 0) -> Iterator[Tensor]:
    """`CROPS` grey pictures of noise whose spectrum falls as that of photographs does, in batches of eight."""
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None]
    falling = 1 / np.hypot(rows, columns).clip(1 / _SIDE)
    channels = 1 if color_mode == "luma" else 3
    for _ in range(CROPS // 8):
        noise = np.fft.rfft2(rng.standard_normal((8, 1, _SIDE, _SIDE)))
        waves = np.fft.irfft2(noise * falling, s=(_SIDE, _SIDE))
        deviation = waves.std((-2, -1), keepdims=True)
        picture = (0.45 + 0.2 * waves / deviation).clip(0, 1).astype(np.float32)
        yield torch.from_numpy(picture).repeat(1, channels, 1, 1)


def _errors(maps: Tensor, copies: Copies, max_offset: int) -> Tensor:
    ghosts, own = maps[:, list(copies.ghosts)].float(), maps[:, list(copies.sources)].float()
    height, width, d = *maps.shape[-2:], max_offset
    padded = F.pad(own, (d, d, d, d))
    moved = (padded[..., d + dy : d + dy + height, d + dx : d + dx + width] for dy, dx in window(d))
    return torch.stack([(ghosts - copy).square().sum((0, 2, 3)) for copy in moved], dim=1)


def _first(batches: Iterable[Tensor], wanted: int) -> Iterator[Tensor]:
    for batch in batches:
        yield batch[:wanted]
        wanted -= len(batch)
        if wanted <= 0:
            return
