"""How much light a picture lacks: the stops that bring its bright tones where those of good photographs are.

Good photographs differ in their shadows and agree about their highlights. So a picture is judged by a weighted mean of
the logarithms of a few of its quantiles, with weights for which good photographs differ least, and with nothing else:
a lamp in the dark counts as little as it covers. Where lamps are far brighter than the middle of the picture it is
night, which is lifted by half as much.

``python -m upres.pipeline.brightness ../shared/data/train`` fits the weights anew to a folder of photographs and writes
``brightness.json`` beside this file. Photographs with much darker or lighter means are left out: whether those lack
light is just what they cannot tell.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError
from upres.image.color import BLUE_WEIGHT, RED_WEIGHT
from upres.image.exposure import Exposure
from upres.image.io import extensions, read_pixels
from upres.image.picture import Pixels
from upres.image.quantiles import quantiles

WEIGHTS = Path(__file__).with_name("brightness.json")
MOST_STOPS = 4.0
"""Stops that are given without being asked for: what is so dark that it needs more is night, and holds mostly noise."""

_SIDE, _SAMPLES = 256, 4
"""Longest side of the thumbnail that is looked at; pixels of a row and rows that each of its pixels is the mean of."""
_QUANTILES = (0.5, 0.75, 0.9, 0.97, 0.99, 0.999)
_DARKEST = 1 / 255
"""Tones below are no darker than this: of black, no light makes anything."""
_NIGHT = (3.8, 6.0)
"""Stops between the brightest tones and the middle one from which on a picture counts as night with lamps in it, and
from which on it is given half of the stops: it is dark on purpose, and between its lamps there is noise."""
_HALVINGS = 12
"""Of the stops' range; a thousandth of a stop is left."""
_MEANS = (60.0, 180.0)
"""Mean luma of the photographs that weights are fitted to."""
_RIDGE = 0.03
"""What is added to the variances: weights spread over several quantiles rather than lean on one."""
_DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Brightness:
    """What good photographs agree about."""

    quantiles: tuple[float, ...]
    weights: tuple[float, ...]
    """Of the logarithm of each quantile; their sum is 1."""
    target: float
    """The weighted mean for photographs of good exposure."""
    facts: Mapping[str, Any]
    """On what it rests."""

    def missing(self, tones: NDArray[np.float64]) -> float:
        """Stops that a picture lacks whose thumbnail has these tones; 0 where it is light enough, less at night."""
        found = np.maximum(quantiles(tones, self.quantiles), _DARKEST)
        low, high = 0.0, MOST_STOPS
        if self._of(found, low) >= self.target:
            return low
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._of(found, middle) < self.target else (low, middle)
        contrast = float(np.log2(found[-1] / found[0]))
        return float(np.interp(contrast, _NIGHT, (1.0, 0.5))) * (low + high) / 2

    def _of(self, quantiles: NDArray[np.float64], stops: float) -> float:
        return float(np.dot(self.weights, np.log(Exposure(stops).of(quantiles))))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        rounded = [float(f"{value:.{_DIGITS}g}") for value in (*self.weights, self.target)]
        fitted = {"quantiles": self.quantiles, "weights": rounded[:-1], "target": rounded[-1]}
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in {**self.facts, **fitted}.items())
        path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


@cache
def load(path: Path = WEIGHTS) -> Brightness:
    """The weights that come with the package, or those of another file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    quantiles, weights = (tuple(content.pop(key)) for key in ("quantiles", "weights"))
    return Brightness(quantiles=quantiles, weights=weights, target=content.pop("target"), facts=content)


def missing_stops(pixels: Pixels, opacity: Pixels | None = None) -> float:
    """Stops of light that a picture lacks, from 0 to `MOST_STOPS`.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)``, ``uint8`` or ``uint16``.
        opacity: Alpha, ``(H, W)``: what is mostly transparent says nothing. ``None``: all is seen.

    Example:
        >>> missing_stops(np.full((64, 64), 255, np.uint8))
        0.0
    """
    small = _thumbnail(pixels)
    tones = small.max(axis=2) if small.ndim == 3 else small
    if opacity is not None:
        tones = tones[_thumbnail(opacity) > 0.5]
    return load().missing(tones) if tones.size else 0.0


def _thumbnail(pixels: Pixels) -> NDArray[np.float64]:
    """The picture at `_SIDE` pixels or less, values from 0 to 1; each the mean of some of the pixels it stands for."""
    factor = -(-max(pixels.shape[:2]) // _SIDE)
    step = -(-factor // _SAMPLES)
    picked = pixels[::step, ::step]
    each = min(factor // step, *picked.shape[:2])
    height, width = (side // each for side in picked.shape[:2])
    squares = picked[: height * each, : width * each].reshape(height, each, width, each, *picked.shape[2:])
    small: NDArray[np.float64] = squares.mean(axis=(1, 3)) / np.iinfo(pixels.dtype).max
    return small


def fit(folder: str | Path) -> Brightness:
    """What the photographs in a folder agree about.

    Raises:
        DataError: If fewer than two of them have a mean luma within `_MEANS`.
        ImageError: If a picture cannot be read.
    """
    files = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in extensions())
    thumbnails = [_thumbnail(read_pixels(file)) for file in files]
    tones = [small.max(axis=2) if small.ndim == 3 else small for small in thumbnails if _is_middling(small)]
    if len(tones) < 2:
        raise DataError(
            f"{folder}: expected photographs of mean luma {_MEANS[0]:g} to {_MEANS[1]:g}, got {len(tones)} of"
            f" {len(files)}"
        )
    logarithms = np.log([np.maximum(quantiles(each, _QUANTILES), _DARKEST) for each in tones])
    weights = np.linalg.solve(np.cov(logarithms.T) + _RIDGE * np.eye(len(_QUANTILES)), np.ones(len(_QUANTILES)))
    weights /= weights.sum()  # of all that sum to 1, those with the least variance, and ridge
    facts = {"written_by": "python -m upres.pipeline.brightness", "folder": Path(folder).resolve().name}
    return Brightness(
        quantiles=_QUANTILES,
        weights=tuple(weights),
        target=float((logarithms @ weights).mean()),
        facts={**facts, "pictures": len(files), "of them middling": len(tones)},
    )


def _is_middling(small: NDArray[np.float64]) -> bool:
    red, green, blue = (small[..., channel].mean() if small.ndim == 3 else small.mean() for channel in range(3))
    luma = 255 * (green + RED_WEIGHT * (red - green) + BLUE_WEIGHT * (blue - green))
    return bool(_MEANS[0] <= luma <= _MEANS[1])


if __name__ == "__main__":
    fit(sys.argv[1]).save(WEIGHTS)
