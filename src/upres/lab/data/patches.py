"""Batches of aligned crops: batch ``n`` of a seed is always the same, whatever ran before it."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from upres.errors import DataError
from upres.lab.data.pictures import PicturePair
from upres.models.card import ColorMode

_LUMA = np.array([0.299, 0.587, 0.114], np.float32) / 255
_STUDIO_SCALE, _STUDIO_OFFSET = np.float32(219 / 255), np.float32(16 / 255)


class PatchSampler:
    """Random aligned crops with flips and quarter turns, as float batches in [0, 1].

    Args:
        pictures: What to crop from; every crop position of every picture is equally likely.
        scale: Factor between the partners.
        patch_size: Side of the low-resolution crop in pixels.
        batch_size: Crops in a batch.
        color_mode: ``luma`` gives one full-range Y plane, ``rgb`` three planes.
        studio_fraction: Share of luma crops given in studio range (16 to 235), as video planes are.
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
        seed: int = 0,
    ) -> None:
        self.pictures = [p for p in pictures if min(p.lr.shape[:2]) >= patch_size]
        if not self.pictures:
            raise DataError(f"no training picture is as large as a patch of {patch_size} low-resolution pixels")
        positions = [(p.lr.shape[0] - patch_size + 1) * (p.lr.shape[1] - patch_size + 1) for p in self.pictures]
        self._share = np.cumsum(positions) / np.sum(positions)
        self.scale, self.patch_size, self.batch_size = scale, patch_size, batch_size
        self.color_mode, self.studio_fraction, self.seed = color_mode, studio_fraction, seed

    def batch(self, step: int, *, rank: int = 0, world_size: int = 1) -> tuple[Tensor, Tensor]:
        """Batch number ``step``: ``lr (N, C, p, p)`` and ``hr (N, C, p * scale, p * scale)``.

        With several processes each takes its own slice of the same batch, ``batch_size / world_size`` crops.
        """
        rng = np.random.default_rng((self.seed, step))
        picks = np.searchsorted(self._share, rng.random(self.batch_size), side="right")
        corners = rng.random((self.batch_size, 2))
        turns = rng.integers(8, size=self.batch_size)
        studio = rng.random(self.batch_size) < self.studio_fraction
        mine = range(rank, self.batch_size, world_size)
        crops = [self._crop(self.pictures[picks[i]], corners[i], int(turns[i])) for i in mine]
        in_studio = studio[rank::world_size]
        return (
            self._to_float(np.stack([lr for lr, _ in crops]), in_studio),
            self._to_float(np.stack([hr for _, hr in crops]), in_studio),
        )

    def _crop(self, pair: PicturePair, corner: np.ndarray, turn: int) -> tuple[np.ndarray, np.ndarray]:
        size, s = self.patch_size, self.scale
        y = int(corner[0] * (pair.lr.shape[0] - size + 1))
        x = int(corner[1] * (pair.lr.shape[1] - size + 1))
        lr = pair.lr[y : y + size, x : x + size]
        hr = pair.hr[y * s : (y + size) * s, x * s : (x + size) * s]
        return _turned(lr, turn), _turned(hr, turn)

    def _to_float(self, crops: np.ndarray, in_studio: np.ndarray) -> Tensor:
        # numpy on purpose: torch would split this among threads that the network is using at the same time
        if self.color_mode == "rgb":
            planes = np.moveaxis(crops, 3, 1) * np.float32(1 / 255)
            return torch.from_numpy(np.ascontiguousarray(planes))  # (N, 3, H, W)
        luma = crops @ _LUMA
        luma[in_studio] = luma[in_studio] * _STUDIO_SCALE + _STUDIO_OFFSET
        return torch.from_numpy(luma[:, None])  # (N, 1, H, W)


def _turned(crop: np.ndarray, turn: int) -> np.ndarray:
    """One of the eight symmetries of the square."""
    if turn & 4:
        crop = crop[:, ::-1]
    return np.rot90(crop, turn & 3)


@contextmanager
def prefetch(
    sampler: PatchSampler, steps: range, *, rank: int = 0, world_size: int = 1, ahead: int = 4
) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """The batches of ``steps`` in order, prepared by a thread while the network works on earlier ones."""

    def prepare(step: int) -> tuple[Tensor, Tensor]:
        return sampler.batch(step, rank=rank, world_size=world_size)

    with ThreadPoolExecutor(1, thread_name_prefix="upres-patches") as pool:
        waiting = deque(pool.submit(prepare, step) for step in steps[:ahead])

        def consume() -> Iterator[tuple[Tensor, Tensor]]:
            for upcoming in range(ahead, ahead + len(steps)):
                batch = waiting.popleft().result()
                if upcoming < len(steps):
                    waiting.append(pool.submit(prepare, steps[upcoming]))
                yield batch

        try:
            yield consume()
        finally:
            pool.shutdown(cancel_futures=True)
