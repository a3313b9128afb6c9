"""Transparency: no halo when a picture with alpha is enlarged or laid on a background."""

import numpy as np

from upres.image.picture import Pixels

_ROWS = 256


def bleed(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Colour spread from the visible pixels to under the fully transparent ones.

    What lies under a transparent pixel is arbitrary, most often black, and any filter carries it into the visible edge
    as a dark seam. Here it becomes the alpha-weighted mean of the nearest visible pixels, found on a pyramid of halved
    pictures. Pixels of any opacity above zero are left as they are.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)``, ``uint8`` or ``uint16``.
        alpha: ``(H, W)`` of the same type.

    Returns:
        New array, or ``pixels`` itself where nothing is hidden or nothing is visible.

    Reference: Gortler et al., "The Lumigraph", 1996, section 3.4.1 (push-pull).
    """
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return pixels
    color = pixels if pixels.ndim == 3 else pixels[..., None]
    levels = [_first_level(color, alpha)]
    while not levels[-1][1].all():
        levels.append(_halved(*levels[-1]))
    filled = _mean(*levels.pop())
    for total, weight in reversed(levels):
        finer = _doubled(filled, weight.shape)
        visible = weight > 0
        finer[visible] = _mean(total[visible], weight[visible])
        filled = finer
    result = color.copy()
    np.copyto(result, _doubled(np.rint(filled).astype(pixels.dtype), hidden.shape), where=hidden[..., None])
    return result.reshape(pixels.shape)


def flatten(pixels: Pixels, alpha: Pixels, background: tuple[int, int, int] = (255, 255, 255)) -> Pixels:
    """The picture laid on a background, rounded once.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)``, ``uint8`` or ``uint16``.
        alpha: ``(H, W)`` of the same type.
        background: Red, green and blue from 0 to 255, whatever the picture's depth.

    Returns:
        Array of the same type: grey where ``pixels`` and ``background`` are, RGB otherwise. Opaque pixels are exact.
    """
    full = int(np.iinfo(pixels.dtype).max)
    if pixels.ndim == 2 and len(set(background)) > 1:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    color = pixels if pixels.ndim == 3 else pixels[..., None]
    behind = np.array(background[: color.shape[2]], np.uint64 if full > 255 else np.uint32) * (full // 255)
    result = np.empty_like(color)
    for top in range(0, color.shape[0], _ROWS):  # in bands: the wide integers would take four times the picture
        rows = slice(top, top + _ROWS)
        opacity = alpha[rows, :, None].astype(behind.dtype)
        result[rows] = (color[rows] * opacity + behind * (full - opacity) + full // 2) // full
    return result.reshape(pixels.shape)


def _first_level(color: Pixels, alpha: Pixels) -> tuple[Pixels, Pixels]:
    """Colour times alpha, and alpha, summed over blocks of 2x2; in bands, as floats take four times the picture."""
    parts = []
    for top in range(0, color.shape[0], _ROWS):
        weight = alpha[top : top + _ROWS].astype(np.float32)
        parts.append(_halved(color[top : top + _ROWS] * weight[..., None], weight))
    return np.concatenate([total for total, _ in parts]), np.concatenate([weight for _, weight in parts])


def _halved(total: Pixels, weight: Pixels) -> tuple[Pixels, Pixels]:
    """Sums over blocks of 2x2, the last row and column alone where the side is odd."""
    return _paired(_paired(total, 0), 1), _paired(_paired(weight, 0), 1)


def _paired(array: Pixels, axis: int) -> Pixels:
    moved = array.swapaxes(0, axis)
    sums = moved[0::2].copy()
    sums[: moved.shape[0] // 2] += moved[1::2]
    return sums.swapaxes(0, axis)


def _mean(total: Pixels, weight: Pixels) -> Pixels:
    mean: Pixels = total / np.maximum(weight, np.finfo(np.float32).tiny)[..., None]
    return mean


def _doubled(array: Pixels, shape: tuple[int, ...]) -> Pixels:
    return array.repeat(2, axis=0)[: shape[0]].repeat(2, axis=1)[:, : shape[1]]
