"""Sharpened targets: a network that learns from them gives crisper pictures than those that it was shown.

Nothing befalls the picture; what changes is the truth that the network is to give, by an unsharp mask that leaves flat
and finely textured areas alone.

Reference: Wang et al., 2021, arXiv:2107.10833, section 3.4, and its code: a Gaussian of sigma 8, half of the residual,
where that is above 10 levels. There the discriminator sees pictures that are not sharpened; here it sees these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from upres.lab.data.degradations.gaussian import Taps, filtered, gaussian_taps
from upres.lab.data.degradations.step import Crop, Range, Step, to_bytes
from upres.lab.data.pictures import Pixels

_TAPS: Taps = gaussian_taps(8.0)


@dataclass(frozen=True, kw_only=True)
class Sharpened(Step):
    """An unsharp mask on the truth."""

    name: ClassVar[str] = "sharpened"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"amount": (0, 5), "threshold": (0, 255)}

    amount: Range = (0.0, 0.0)
    """Share of the residual, the picture less its blurred self, that is added."""
    threshold: Range = (10.0, 10.0)
    """Levels of 255 from which on a residual counts as an edge."""

    @property
    def truth_margin(self) -> int:
        """The blur, and that of the mask of edges."""
        return 2 * (len(_TAPS) // 2)

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:  # noqa: ARG002  # the truth alone changes
        """The picture as it is."""
        return picture

    def truth(self, picture: Pixels, crop: Crop) -> Pixels:
        """The sharpened picture."""
        rng = crop.stream(self.name)
        amount, threshold = np.float32(rng.uniform(*self.amount)), np.float32(rng.uniform(*self.threshold))
        exact = picture.astype(np.float32)
        residual = exact - _blurred(exact)
        edges = _blurred((np.abs(residual) > threshold).astype(np.float32))
        sharp = np.clip(exact + amount * residual, 0, 255)
        return to_bytes(edges * sharp + (1 - edges) * exact)


def _blurred(picture: np.ndarray) -> np.ndarray:
    radius = len(_TAPS) // 2
    return filtered(np.pad(picture, ((radius, radius), (radius, radius), (0, 0)), mode="reflect"), _TAPS)
