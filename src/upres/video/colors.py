"""YUV planes to RGB and back, for networks that work on RGB: the only case in which planes leave their colours."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from upres.image.resize import imresize
from upres.image.samples import Plane, Planes, Samples, Size

MATRICES = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Number of ITU-T H.273 -> weights of red and blue in luma."""
_FULL = 65535

_Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class YuvCoding:
    """How numbers of YUV planes stand for colours.

    Args:
        samples: Of the planes.
        matrix: Key of `MATRICES`; others count as BT.709.
    """

    samples: Samples
    matrix: int

    def to_rgb(self, planes: Planes) -> NDArray[np.uint16]:
        """``(H, W, 3)`` in 16 bits; ``(H, W)`` for a grey picture. Chroma is interpolated from where it lies."""
        luma = self._luma(planes[0])
        if self.samples.layout == "grey":
            return _levels(luma)
        blue, red = (self._full_size(self._chroma(plane), luma.shape) for plane in planes[1:3])
        from_red, from_blue = MATRICES.get(self.matrix, MATRICES[1])
        r = luma + np.float32(2 * (1 - from_red)) * red
        b = luma + np.float32(2 * (1 - from_blue)) * blue
        g = (luma - np.float32(from_red) * r - np.float32(from_blue) * b) / np.float32(1 - from_red - from_blue)
        return _levels(np.stack([r, g, b], axis=2))

    def from_rgb(self, rgb: NDArray[np.uint16]) -> Planes:
        """Planes of the samples' format; chroma is reduced with an antialiasing kernel to where it lies."""
        values = rgb.astype(np.float32) / np.float32(_FULL)
        if self.samples.layout == "grey":
            return (self._luma_levels(values),)
        from_red, from_blue = MATRICES.get(self.matrix, MATRICES[1])
        r, g, b = values[..., 0], values[..., 1], values[..., 2]
        luma = np.float32(from_red) * r + np.float32(1 - from_red - from_blue) * g + np.float32(from_blue) * b
        blue, red = (b - luma) / np.float32(2 * (1 - from_blue)), (r - luma) / np.float32(2 * (1 - from_red))
        shape = self.samples.shapes((luma.shape[0], luma.shape[1]))[1]
        return (self._luma_levels(luma), *(self._chroma_levels(self._reduced(each, shape)) for each in (blue, red)))

    @property
    def _steps(self) -> tuple[float, float, float]:
        """Black, the distance from black to white, and that from least to most of chroma."""
        if not self.samples.studio:
            return 0.0, float(self.samples.white), float(self.samples.white)
        unit = (self.samples.white + 1) / 256
        return 16 * unit, 219 * unit, 224 * unit

    def _luma(self, plane: Plane) -> _Floats:
        black, distance, _ = self._steps
        values: _Floats = (plane.astype(np.float32) - np.float32(black)) / np.float32(distance)
        return values

    def _chroma(self, plane: Plane) -> _Floats:
        values: _Floats = (plane.astype(np.float32) - np.float32(self._middle)) / np.float32(self._steps[2])
        return values

    @property
    def _middle(self) -> float:
        return (self.samples.white + 1) / 2

    def _luma_levels(self, values: _Floats) -> Plane:
        black, distance, _ = self._steps
        return self._rounded(values * np.float32(distance) + np.float32(black))

    def _chroma_levels(self, values: _Floats) -> Plane:
        return self._rounded(values * np.float32(self._steps[2]) + np.float32(self._middle))

    def _rounded(self, values: _Floats) -> Plane:
        levels: Plane = np.floor(np.clip(values, 0, self.samples.white) + np.float32(0.5)).astype(self.samples.dtype)
        return levels

    def _full_size(self, chroma: _Floats, shape: tuple[int, ...]) -> _Floats:
        down, right = self.samples.subsampling
        if (down, right) == (1, 1):
            return chroma
        larger = imresize(chroma, size=(chroma.shape[0] * down, chroma.shape[1] * right), shift=self._shift(up=True))
        return larger[: shape[0], : shape[1]]

    def _reduced(self, chroma: _Floats, shape: tuple[int, ...]) -> _Floats:
        down, right = self.samples.subsampling
        if (down, right) == (1, 1):
            return chroma
        missing = [
            (0, side * step - length) for side, step, length in zip(shape, (down, right), chroma.shape, strict=True)
        ]
        size: Size = (shape[0], shape[1])
        return imresize(np.pad(chroma, missing, mode="edge"), size=size, shift=self._shift(up=False))

    def _shift(self, *, up: bool) -> tuple[Fraction, Fraction]:
        """How far the other grid's samples lie from their centred place, in samples of the grid that is read.

        A chroma sample that is not centred lies half a luma sample, a quarter of its own, before the middle.
        """
        off = self.samples.siting == "topleft", self.samples.siting != "centre"
        each = Fraction(1, 4) if up else Fraction(-1, 2)
        shifts = [
            each if is_off and step == 2 else Fraction(0)
            for is_off, step in zip(off, self.samples.subsampling, strict=True)
        ]
        return shifts[0], shifts[1]


def _levels(values: _Floats) -> NDArray[np.uint16]:
    levels: NDArray[np.uint16] = np.floor(np.clip(values, 0, 1) * np.float32(_FULL) + np.float32(0.5)).astype(np.uint16)
    return levels
