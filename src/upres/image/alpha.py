"""Transparency: no halo when a picture with alpha is enlarged or laid on a background."""

from itertools import product

import numpy as np

from upres.image.picture import Pixels

_ROWS = 256
_RIM = 4
"""Pixels from the visible ones as far as which hidden ones take the colours of their own neighbours: what is seen
through an edge comes from there."""
_TOGETHER = 2**18
"""Pixels of the rim that are filled at a time."""


def bleed(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Colour spread from the visible pixels to under the fully transparent ones.

    What lies under a transparent pixel is arbitrary, most often black, and any filter carries it into the visible edge
    as a dark seam. Here it becomes the alpha-weighted mean of visible neighbours, pixel by pixel outwards. Far from
    them it is that of the nearest visible pixels on a pyramid of halved pictures: which are nearest depends there on
    where the blocks lie. Pixels of any opacity above zero are left as they are.

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
    _fill_rim(result, alpha.copy())
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


def _fill_rim(color: Pixels, weight: Pixels) -> None:
    """Give pixels of weight 0 that lie beside others the weighted mean of these, `_RIM` times, in place."""
    for _ in range(_RIM):
        rim = np.nonzero(_widened(weight > 0) & (weight == 0))
        for start in range(0, len(rim[0]), _TOGETHER):
            rows, columns = (places[start : start + _TOGETHER] for places in rim)
            color[rows, columns] = np.rint(_mean(*_around(color, weight, rows, columns)))
        weight[rim] = 1


def _widened(mask: Pixels) -> Pixels:
    """Where a pixel or one of its eight neighbours is."""
    for _ in range(2):
        wider = mask.copy()
        wider[1:] |= mask[:-1]
        wider[:-1] |= mask[1:]
        mask = wider.T
    return mask


def _around(color: Pixels, weight: Pixels, rows: Pixels, columns: Pixels) -> tuple[Pixels, Pixels]:
    """Sums of colour times weight, and of weight, over the neighbours of these places, which have none themselves."""
    total, weights = np.zeros((len(rows), color.shape[2])), np.zeros(len(rows))
    for down, right in product((-1, 0, 1), repeat=2):
        row, column = rows + down, columns + right
        inside = (row >= 0) & (row < weight.shape[0]) & (column >= 0) & (column < weight.shape[1])
        row, column = np.where(inside, row, 0), np.where(inside, column, 0)
        here = np.where(inside, weight[row, column], 0)
        total += color[row, column] * here[:, None].astype(np.float64)
        weights += here
    return total, weights


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
