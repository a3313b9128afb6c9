"""MixUp: a crop and its truth, blended with those of another crop of the batch.

Reference: Zhang et al., 2018, arXiv:1710.09412; for restoration as in Zamir et al., 2020, arXiv:2003.06792.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from upres.errors import RecipeError

_STREAM = zlib.crc32(b"mix_up")


@dataclass(frozen=True)
class Blend:
    """How the crops of one batch are blended."""

    partners: NDArray[np.int64]
    """Of each crop the place of the one that it is blended with."""
    weights: NDArray[np.float32]
    """Of each crop its own share, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class MixUp:
    """Which batches are blended, and how.

    Raises:
        RecipeError: If a setting makes no sense.
    """

    alpha: float = 0.0
    """Both parameters of the Beta distribution that a crop's own share is drawn from; at 0 nothing is blended."""
    after: float = 0.0
    """Share of a stage's steps before the first blend."""
    share: float = 1.0
    """Share of the batches that are blended from then on."""

    def __post_init__(self) -> None:
        if self.alpha < 0 or not 0 <= self.after <= 1 or not 0 <= self.share <= 1:
            raise RecipeError(
                "mix_up: expected an alpha of 0 or more, and after and share from 0 to 1, got "
                f"alpha {self.alpha}, after {self.after} and share {self.share}"
            )

    def drawn(self, seed: Sequence[int], count: int, *, progress: float) -> Blend | None:
        """The blend of one batch; ``None`` where it stays as it is.

        Args:
            seed: Non-negative numbers that name the batch. Nothing else that is drawn for the batch depends on whether
                there is a blend.
            count: Crops in the batch.
            progress: Share of the stage's steps that lie behind.
        """
        if not self.alpha or progress < self.after:
            return None
        rng = np.random.default_rng((*seed, _STREAM))
        if rng.random() >= self.share:
            return None
        weights = rng.beta(self.alpha, self.alpha, size=count).astype(np.float32)
        return Blend(rng.permutation(count), weights)


UNMIXED = MixUp()
"""No blends."""
