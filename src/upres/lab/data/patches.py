"""Batches of aligned crops: batch ``n`` of a seed is always the same, whatever ran before it."""

import time
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from upres.errors import DataError
from upres.image.color import LUMA_WEIGHTS, STUDIO_BLACK, STUDIO_SPAN
from upres.lab.data.degradations import BICUBIC, Degradation, degrade, truth
from upres.lab.data.mixing import UNMIXED, MixUp
from upres.lab.data.pictures import PicturePair
from upres.models.card import ColorMode

_LUMA = np.array(LUMA_WEIGHTS, np.float32) / 255


class Batches(Protocol):
    """Where batches come from."""

    def batch(self, step: int, *, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Batch number ``step``, or the part of it that one process of several takes."""
        ...


class PatchSampler:
    """Random aligned crops with flips and quarter turns, as float batches in [0, 1].

    Args:
        pictures: What to crop from. Every reduction among them is equally likely, and within one every crop position
            of every picture.
        scale: Factor between the partners.
        patch_size: Side of the low-resolution crop in pixels.
        batch_size: Crops in a batch.
        color_mode: ``luma`` gives one full-range Y plane, ``rgb`` three planes.
        studio_fraction: Share of luma crops given in studio range (16 to 235), as video planes are.
        degradation: What is done to low-resolution crops besides bicubic reduction, drawn anew for each.
        mix_up: How crops are blended with others of their batch; the default is not at all.
        steps: Batches in all, of which ``mix_up.after`` is a share.
        seed: Two samplers of one seed give the same batches.

    Raises:
        DataError: If no picture is as large as a patch.
    """

    def __init__(
        self,
        pictures: Sequence[PicturePair],
        *,
        scale: int,
        patch_size: int,
        batch_size: int,
        color_mode: ColorMode,
        studio_fraction: float = 0.0,
        degradation: Degradation = BICUBIC,
        mix_up: MixUp = UNMIXED,
        steps: int = 1,
        seed: int = 0,
    ) -> None:
        self.pictures = [p for p in pictures if min(p.lr.shape[:2]) >= patch_size]
        if not self.pictures:
            raise DataError(
                f"no training picture is as large as a patch of {patch_size} low-resolution pixels; "
                "take a smaller patch_size, or larger reductions of the pictures"
            )
        lost = {p.reduction for p in pictures} - {p.reduction for p in self.pictures}
        if lost:
            sizes = ", ".join(f"{reduction:g}" for reduction in sorted(lost))
            warnings.warn(f"pictures reduced to {sizes} are smaller than a patch and not used", stacklevel=2)
        corners = [np.subtract(p.lr.shape[:2], patch_size - 1) for p in self.pictures]
        positions = np.prod(corners, axis=1)
        reductions = np.array([p.reduction for p in self.pictures])
        totals = {reduction: positions[reductions == reduction].sum() for reduction in set(reductions.tolist())}
        shares = positions / np.array([totals[reduction] for reduction in reductions.tolist()])
        self._share = np.cumsum(shares) / shares.sum()
        self.scale, self.patch_size, self.batch_size = scale, patch_size, batch_size
        self.color_mode, self.studio_fraction, self.seed = color_mode, studio_fraction, seed
        self.degradation, self.mix_up, self.steps = degradation, mix_up, steps

    def batch(self, step: int, *, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Batch number ``step``: ``lr (N, C, p, p)`` and ``hr (N, C, p * scale, p * scale)``.

        With several processes each takes its own slice of the same batch, ``batch_size / world_size`` crops.
        """
        rng = np.random.default_rng((self.seed, step))
        picks = np.searchsorted(self._share, rng.random(self.batch_size), side="right")
        corners = rng.random((self.batch_size, 2))
        turns = rng.integers(8, size=self.batch_size)
        studio = rng.random(self.batch_size) < self.studio_fraction
        mine = np.arange(rank, self.batch_size, world_size)
        blend = self.mix_up.drawn((self.seed, step), self.batch_size, progress=step / self.steps)
        needed = mine if blend is None else np.union1d(mine, blend.partners[mine])
        crops = [
            self._crop(self.pictures[picks[i]], corners[i], int(turns[i]), (self.seed, step, i))
            for i in needed.tolist()
        ]
        lr, hr = (self._to_float(np.stack(each), studio[needed]) for each in zip(*crops, strict=True))
        if blend is not None:
            own, other = (np.searchsorted(needed, each) for each in (mine, blend.partners[mine]))
            weights = blend.weights[mine, None, None, None]
            lr, hr = (weights * each[own] + (1 - weights) * each[other] for each in (lr, hr))
        return torch.from_numpy(lr), torch.from_numpy(hr)

    def _crop(
        self, pair: PicturePair, corner: np.ndarray, turn: int, seed: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        size, s = self.patch_size, self.scale
        y = int(corner[0] * (pair.lr.shape[0] - size + 1))
        x = int(corner[1] * (pair.lr.shape[1] - size + 1))
        if self.degradation.is_bicubic:
            lr = pair.lr[y : y + size, x : x + size]
            hr = pair.hr[y * s : (y + size) * s, x * s : (x + size) * s]
        else:
            lr, hr = self._degraded(pair, y, x, seed), self._truth(pair, y, x, seed)
        return _turned(lr, turn), _turned(hr, turn)

    def _degraded(self, pair: PicturePair, y: int, x: int, seed: tuple[int, ...]) -> np.ndarray:
        """The crop at ``(y, x)`` of what the picture looks like degraded, from the surroundings that matter."""
        size, s, margin = self.patch_size, self.scale, self.degradation.margin
        top, left = max(0, y - margin), max(0, x - margin)
        around = pair.hr[top * s : (y + size + margin) * s, left * s : (x + size + margin) * s]
        lr = degrade(around, s, self.degradation, seed)
        return lr[y - top : y - top + size, x - left : x - left + size]

    def _truth(self, pair: PicturePair, y: int, x: int, seed: tuple[int, ...]) -> np.ndarray:
        """What the network shall give for the crop at ``(y, x)``, from the surroundings that matter."""
        side, margin, s = self.patch_size * self.scale, self.degradation.truth_margin, self.scale
        top, left = max(0, y * s - margin), max(0, x * s - margin)
        around = pair.hr[top : y * s + side + margin, left : x * s + side + margin]
        hr = truth(around, s, self.degradation, seed)
        return hr[y * s - top : y * s - top + side, x * s - left : x * s - left + side]

    def _to_float(self, crops: np.ndarray, in_studio: np.ndarray) -> np.ndarray:
        # numpy on purpose: torch would split this among threads that the network is using at the same time
        if self.color_mode == "rgb":
            return np.ascontiguousarray(np.moveaxis(crops, 3, 1) * np.float32(1 / 255))  # (N, 3, H, W)
        luma = crops @ _LUMA
        luma[in_studio] = luma[in_studio] * np.float32(STUDIO_SPAN) + np.float32(STUDIO_BLACK)
        return luma[:, None]  # (N, 1, H, W)


def _turned(crop: np.ndarray, turn: int) -> np.ndarray:
    """One of the eight symmetries of the square."""
    if turn & 4:
        crop = crop[:, ::-1]
    return np.rot90(crop, turn & 3)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Other crops from some point of a stage on, under the same optimiser and schedule."""

    after: float
    """Share of the stage's steps that lie behind then."""
    patch_size: int
    batch_size: int


class GrowingCrops:
    """Several samplers one after another, as a stage goes on to larger crops.

    Args:
        samplers: Number of the first batch that it gives -> sampler; one of them begins at 0.
    """

    def __init__(self, samplers: Mapping[int, PatchSampler]) -> None:
        self._samplers = samplers

    def batch(self, step: int, *, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Batch number ``step`` of the sampler whose turn it is."""
        sampler = self._samplers[max(first for first in self._samplers if first <= step)]
        return sampler.batch(step, rank=rank, world_size=world_size)


class Prefetch:
    """Batches in order, prepared by a thread while the network works on earlier ones; close it when done.

    Args:
        sampler: Where they come from.
        steps: Their numbers.
        rank: Of this process among ``world_size``.
        world_size: Processes that share each batch.
        ahead: Batches that may lie ready.
    """

    def __init__(self, sampler: Batches, steps: range, *, rank: int = 0, world_size: int = 1, ahead: int = 4) -> None:
        self.sampler, self.rank, self.world_size = sampler, rank, world_size
        self.waited_seconds = 0.0
        """How long whoever iterates has had to wait for a batch so far."""
        self._upcoming = iter(steps)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upres-patches")
        self._waiting = deque(self._submit(step) for step in islice(self._upcoming, ahead))

    def __enter__(self) -> "Prefetch":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        while self._waiting:
            started = time.monotonic()
            batch = self._waiting.popleft().result()
            self.waited_seconds += time.monotonic() - started
            self._waiting.extend(self._submit(step) for step in islice(self._upcoming, 1))
            yield batch

    def _submit(self, step: int) -> Future[tuple[Tensor, Tensor]]:
        return self._pool.submit(self.sampler.batch, step, rank=self.rank, world_size=self.world_size)
