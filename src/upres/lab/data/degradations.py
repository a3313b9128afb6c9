"""What befell a photograph before somebody wants it larger: blur, resizing, noise, JPEG.

Networks trained on clean bicubic pictures take compression blocks and noise for detail and sharpen them. Here the
low-resolution partner is made on the fly from the high-resolution one, differently at each visit, and the network
learns to undo that too. Strengths are drawn evenly from the ranges of a `Degradation`.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from upres.errors import RecipeError
from upres.image.resize import imresize
from upres.lab.data.pictures import PicturePair, Pixels

_KERNELS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)
_SUBSAMPLINGS = (0, 2)
"""Pillow's numbers for 4:4:4 and 4:2:0."""


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """Ranges from which each crop's degradation is drawn; the default is plain bicubic reduction."""

    share: float = 1.0
    """Share of the crops that are degraded; the others are reduced by the bicubic of the papers."""
    blur_sigma: tuple[float, ...] = (0.0, 0.0)
    """Gaussian blur before the reduction, in low-resolution pixels."""
    resize_ratio: tuple[float, ...] = (1.0, 1.0)
    """A size in between, over the final one: below 1 the picture was once smaller. Every kernel of `_KERNELS`."""
    noise_sigma: tuple[float, ...] = (0.0, 0.0)
    """Gaussian noise after the reduction in levels of 255; on each plane by itself, or the same on all, by turns."""
    jpeg_quality: tuple[float, ...] = (100.0, 100.0)
    """Compression at the end, with and without chroma subsampling; 100 leaves it out."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            RecipeError: If a range is not two numbers in order within what makes sense.
        """
        limits = {"blur_sigma": (0, 10), "resize_ratio": (0.1, 10), "noise_sigma": (0, 255), "jpeg_quality": (1, 100)}
        for name, (least, most) in limits.items():
            values = getattr(self, name)
            if len(values) != 2 or not least <= values[0] <= values[1] <= most:
                raise RecipeError(f"degradation.{name}: expected [low, high] within {least} to {most}, got {values}")
        if not 0 <= self.share <= 1:
            raise RecipeError(f"degradation.share: expected 0 to 1, got {self.share}")

    @property
    def is_bicubic(self) -> bool:
        """Whether nothing but the plain reduction is left."""
        return not self.share or replace(self, share=1.0) == BICUBIC

    @property
    def margin(self) -> int:
        """Low-resolution pixels round a crop that its degradation can see: blur, kernels and a JPEG block."""
        return 0 if self.is_bicubic else round(3 * self.blur_sigma[1]) + 8


BICUBIC = Degradation()
"""How the papers make low-resolution pictures."""

PHOTOGRAPH = Degradation(
    share=0.9, blur_sigma=(0.0, 0.6), resize_ratio=(0.7, 1.5), noise_sigma=(0.0, 8.0), jpeg_quality=(40.0, 100.0)
)
"""Photographs as they lie on people's disks: mild blur and noise, resized by something, JPEG of 40 and better."""


def degrade(hr: Pixels, scale: int, degradation: Degradation, rng: np.random.Generator) -> Pixels:
    """A low-resolution partner of ``hr``.

    Args:
        hr: ``(H * scale, W * scale, 3)``.
        scale: How many times smaller the result is.
        degradation: What to draw from.
        rng: Always asked for the same count of numbers besides noise, whatever the ranges are.

    Returns:
        ``(H, W, 3)``.
    """
    degraded, grey = rng.random() < degradation.share, rng.random() < 0.5
    ranges = (degradation.blur_sigma, degradation.resize_ratio, degradation.noise_sigma, degradation.jpeg_quality)
    blur, ratio, noise, quality = (rng.uniform(low, high) for low, high in ranges)
    kernels, subsampling = rng.integers(len(_KERNELS), size=2), int(rng.choice(_SUBSAMPLINGS))
    if not degraded:
        return _bicubic(hr, scale)
    lr = _blur(hr, blur * scale)
    at_once = degradation.resize_ratio == (1.0, 1.0)
    lr = _bicubic(lr, scale) if at_once else _resize_twice(lr, scale, ratio, kernels)
    if noise > 0:
        planes = rng.standard_normal((*lr.shape[:2], 1 if grey else 3), dtype=np.float32)
        lr = _to_bytes(lr + planes * np.float32(noise))
    return _compress(lr, round(quality), subsampling) if quality < 99.5 else lr


def degraded_pairs(
    pairs: Sequence[PicturePair], scale: int, degradation: Degradation, *, seed: int = 0
) -> tuple[PicturePair, ...]:
    """The pairs with whole pictures degraded, each by its place and the seed: a fixed set to validate on."""
    if degradation.is_bicubic:
        return tuple(pairs)
    return tuple(
        replace(pair, lr=degrade(pair.hr, scale, degradation, np.random.default_rng((seed, index))))
        for index, pair in enumerate(pairs)
    )


def _blur(picture: Pixels, sigma: float) -> Pixels:
    """Gaussian blur, edges repeated; below a sigma of 0.1 pixels the picture itself."""
    if sigma < 0.1:
        return picture
    radius = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    rows = picture.astype(np.float32)
    for _ in (0, 1):  # rows, then columns as rows
        padded, length = np.pad(rows, ((radius, radius), (0, 0), (0, 0)), mode="edge"), rows.shape[0]
        filtered = padded[radius : radius + length] * taps[radius]
        for offset in range(radius):
            pair = padded[offset : offset + length] + padded[2 * radius - offset : 2 * radius - offset + length]
            filtered += pair * taps[offset]
        rows = filtered.swapaxes(0, 1)
    return _to_bytes(rows)


def _bicubic(picture: Pixels, scale: int) -> Pixels:
    result: Pixels = imresize(picture, scale=1 / scale)
    return result


def _resize_twice(picture: Pixels, scale: int, ratio: float, kernels: NDArray[np.int64]) -> Pixels:
    """To ``ratio`` times the final size and on to that, as photographs are that went through several programs."""
    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    between = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    image = Image.fromarray(picture).resize(between, _KERNELS[kernels[0]])
    return np.asarray(image.resize((width, height), _KERNELS[kernels[1]]))


def _compress(picture: Pixels, quality: int, subsampling: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file))


def _to_bytes(picture: NDArray[np.float32]) -> Pixels:
    levels: Pixels = np.clip(picture + np.float32(0.5), 0, 255).astype(np.uint8, order="C")
    return levels
