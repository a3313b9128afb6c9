"""A network twice: on a picture and on its mirror image, and the mean of both results.

Geometric self-ensemble (Timofte et al., 2016, "Seven ways to improve example-based single image super resolution",
CVPR) with left and right exchanged alone: rows keep their order, so that a picture still goes from the top down.
"""

import numpy as np

from upres.engines.engine import Batch, Session, Slabs


class SelfEnsemble(Session):
    """The mean of what a network makes of a batch and, turned back, of the batch's mirror image."""

    def __init__(self, session: Session) -> None:
        self.facts = session.facts
        self._session = session

    def __call__(self, batch: Batch, /) -> Batch:
        """The mean of both results."""
        return _mean(self._session(batch), self._session(_mirrored(batch)))

    def slabs(self, height: int, width: int, *, rows: int) -> Slabs | None:
        """Both pictures side by side, where the network goes down one."""
        straight, mirrored = (self._session.slabs(height, width, rows=rows) for _ in range(2))
        return None if straight is None or mirrored is None else _Slabs(straight, mirrored, (height, width))


class _Slabs:
    """A picture and its mirror image from the top down."""

    def __init__(self, straight: Slabs, mirrored: Slabs, size: tuple[int, int]) -> None:
        height, width = size
        given, made = (max(np.diff((0, *rows))) for rows in zip(*straight.ends, strict=True))
        scale = straight.ends[-1][1] // height
        batches = 4 * 3 * width * (int(given) + int(made) * scale)
        self.ends, self.bytes = straight.ends, straight.bytes + mirrored.bytes + batches
        self._straight, self._mirrored = straight, mirrored

    def __call__(self, batch: Batch, /) -> Batch:
        """The mean of both next slabs."""
        return _mean(self._straight(batch), self._mirrored(_mirrored(batch)))


def _mirrored(batch: Batch) -> Batch:
    return np.ascontiguousarray(batch[..., ::-1])


def _mean(straight: Batch, mirrored: Batch) -> Batch:
    """The mean of a result and that of the mirror image, in the place of the first."""
    straight += mirrored[..., ::-1]
    straight *= np.float32(0.5)
    return straight
