"""Pictures of few colours that stay pictures of few colours: 1 bit by a threshold, palettes where nobody sees them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.image.formats import Format
from upres.image.picture import Frame, Picture, Pixels

_ROOM = 256
_MOST_DIFFERENT = 32768
"""With more colours than these before it is a photograph, and choosing among them would take seconds."""
_FLAT_SHARE = 0.002
"""Share of the picture from which a colour is flat, and is kept to the bit."""
_MOST_FLAT = 192
_MEAN_ERROR, _LARGE_ERROR, _LARGE_SHARE = 0.75, 8, 0.001
"""In levels of 255: what a palette may cost on average, and in how many pixels it may cost more than is hardly seen.
Set14 and RealLR10 in 16 and 256 colours, enlarged by ``--fast``: colour photographs cost 0.4 to 6, greys 0; a drawing
of five colours costs 0.6."""
_CHUNK = 4096


@dataclass(frozen=True)
class Indexed:
    """A picture as numbers of colours."""

    index: NDArray[np.uint8]
    """``(H, W)``."""
    colors: NDArray[np.uint8]
    """``(N, 3)``, or ``(N, 4)`` with alpha; at most 256."""


def is_bilevel(picture: Picture) -> bool:
    """Whether a picture came from a file of 1 bit a pixel and can be one again: grey in 8 bits, without alpha."""
    source = picture.source
    return (
        source is not None
        and source.mode == "1-bit"
        and all(frame.alpha is None and frame.pixels.ndim == 2 for frame in picture.frames)
        and picture.pixels.dtype == np.uint8
    )


def has_palette(picture: Picture, form: Format) -> bool:
    """Whether a picture came from a file of this format that had a palette."""
    return picture.source is not None and (picture.source.mode, picture.source.format) == ("palette", form.name)


def bilevel(frame: Frame) -> NDArray[np.bool_]:
    """White where a pixel is at least half as bright as white."""
    return frame.pixels >= 128


def indexed(frame: Frame) -> Indexed | None:
    """The frame with at most 256 colours, or ``None`` where that would show.

    Colours are kept to the bit where there are no more than 256. Where there are more, those that fill at least 0.2 %
    of the picture are, then those that would be farthest from all of these, and the others become the nearest; the
    result is refused where it is off by 0.75 of 255 levels on average, or by more than 8 in one pixel of a thousand,
    and where there is alpha.

    Reference: Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985 (farthest first).
    """
    if frame.pixels.dtype != np.uint8:
        return None
    values = frame.channels()
    packed = _packed(values)
    different, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colors = _unpacked(different, values.shape[2])
    index = inverse.reshape(packed.shape)
    if len(different) <= _ROOM:
        return Indexed(index.astype(np.uint8), _as_rgb(colors))
    if len(different) > _MOST_DIFFERENT or frame.alpha is not None:
        return None
    palette = _chosen(colors, counts)
    nearest, error = _nearest(colors, palette)
    total = counts.sum()
    if (error * counts).sum() > _MEAN_ERROR * total or counts[error > _LARGE_ERROR].sum() > _LARGE_SHARE * total:
        return None
    return Indexed(nearest[index], _as_rgb(palette))


def _packed(values: Pixels) -> NDArray[np.uint32]:
    result = np.zeros(values.shape[:2], np.uint32)
    for channel in range(values.shape[2]):
        result = result << np.uint32(8) | values[..., channel]
    return result


def _unpacked(packed: NDArray[np.uint32], channels: int) -> NDArray[np.uint8]:
    shifts = np.arange(8 * (channels - 1), -1, -8, dtype=np.uint32)
    return (packed[:, None] >> shifts).astype(np.uint8)


def _as_rgb(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if colors.shape[1] > 2:
        return colors
    return np.concatenate([colors[:, [0, 0, 0]], colors[:, 1:]], axis=1)


def _chosen(colors: NDArray[np.uint8], counts: NDArray[Any]) -> NDArray[np.uint8]:
    """The flat colours, and of the rest again and again that which is worst off with those chosen before."""
    order = np.argsort(-counts, kind="stable")[:_MOST_FLAT]
    chosen = order[counts[order] >= _FLAT_SHARE * counts.sum()].tolist() or [int(order[0])]
    wide, weight = colors.astype(np.float32), np.sqrt(counts).astype(np.float32)
    distance = np.full(len(colors), np.inf, np.float32)
    for place in range(_ROOM):
        if place == len(chosen):
            chosen.append(int((distance * weight).argmax()))
        distance = np.minimum(distance, ((wide - wide[chosen[place]]) ** 2).sum(1))
    return colors[chosen]


def _nearest(colors: NDArray[np.uint8], palette: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Number of the nearest colour of the palette, and the largest difference of a channel."""
    wide = palette.astype(np.int32)
    nearest = np.empty(len(colors), np.uint8)
    error = np.empty(len(colors), np.int32)
    for start in range(0, len(colors), _CHUNK):
        part = slice(start, start + _CHUNK)
        difference = colors[part, None].astype(np.int32) - wide
        found = (difference**2).sum(2).argmin(1)
        nearest[part] = found
        error[part] = np.abs(difference[np.arange(len(found)), found]).max(1)
    return nearest, error
