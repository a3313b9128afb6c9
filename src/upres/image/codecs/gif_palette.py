"""The 256 colours of a GIF, and pixels in them.

Flat colours that fill much of a picture are in its palette exactly; the rest is what k-means makes of a sample.
Between two colours pixels are dithered by an ordered pattern that depends on the place alone, so that what stands
still in an animation stays as it is.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from upres.image.picture import Frame, Mask, Pixels

Colors = NDArray[np.uint8]
"""``(N, 3)``."""
Index = NDArray[np.uint8]
"""``(N,)`` or ``(H, W)``: places in a palette."""

_FLAT_SHARE = 1 / 400
"""A colour with this share of the picture is flat: it is kept exactly."""
_MOST_FLAT = 64
_NEAR = 3
"""Levels within which networks' rounding moves a flat colour; what is so near to one becomes it."""
_ROOMS = (16, 64)
"""Numbers of colours tried before all in pictures that are flat for the most part: few make a small file."""
_FINE = 20.0
"""Mean square of the distance to the nearest colour at which more of them are not worth their place."""
_KMEANS_SAMPLE = 8192
_REACH = 1
"""How far beyond a pixel's colour its second palette colour is looked for, in errors of the first one."""
_BAYER = np.array([[0, 2], [3, 1]])
for _ in range(2):
    _BAYER = np.block([[4 * _BAYER, 4 * _BAYER + 2], [4 * _BAYER + 3, 4 * _BAYER + 1]])
_THRESHOLDS = ((_BAYER + 0.5) / _BAYER.size).astype(np.float32)


class Palette:
    """Colours, and the way from pixels to their indices.

    Args:
        colors: At most 256, sorted by red, green and blue.
        exact: Whether every pixel that will be asked for is one of them.
        flat: Colours among them that take the place of those up to `_NEAR` levels from them.
    """

    def __init__(self, colors: Colors, *, exact: bool = False, flat: Colors | None = None) -> None:
        from PIL import Image

        self.colors = colors
        self.exact = exact
        self._channels = colors.T.astype(np.int16)
        codes = _codes(colors)
        self._places = np.zeros(1 << 24, np.uint16)  # by colour; the pages that nothing is written to cost no memory
        if flat is not None:
            around, centres = _neighbours(flat)
            self._places[around] = np.searchsorted(codes, centres) + 1
        self._places[codes] = np.arange(len(colors)) + 1
        self._image = Image.new("P", (1, 1))
        filled = np.concatenate([colors, np.repeat(colors[-1:], 256 - len(colors), axis=0)])
        # Pillow looks colours up by the lower corner of their cell of 4x4x4.
        self._image.putpalette((np.maximum(filled, 2) - 2).tobytes())

    def index(self, pixels: Colors, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Index:
        """The index of each pixel; colours of the palette become themselves, others are dithered.

        Args:
            pixels: ``(N, 3)``.
            rows: Where each lies; the pattern depends on it.
            columns: The same.
        """
        place = self._places[_codes(pixels)]
        result = (place - 1).astype(np.uint8)
        other = np.flatnonzero(place == 0)
        if other.size == 0:
            return result
        if 2 * other.size > len(pixels):
            return np.where(place == 0, self._dithered(pixels, _THRESHOLDS[rows & 7, columns & 7]), result)
        result[other] = self._dithered(pixels[other], _THRESHOLDS[rows[other] & 7, columns[other] & 7])
        return result

    def error(self, pixels: Colors) -> float:
        """Mean square of the distance in RGB between pixels ``(N, 3)`` and their nearest colours."""
        off = self._channels.T[self._nearest(pixels)] - pixels.astype(np.int16)
        return float((off.astype(np.float32) ** 2).sum(axis=1).mean())

    def _dithered(self, pixels: Colors, thresholds: NDArray[np.float32]) -> Index:
        first = self._nearest(pixels)
        errors, beyond = [], np.empty_like(pixels)
        for channel, colors in enumerate(self._channels):  # one by one: numpy is slow over axes of three
            values = pixels[:, channel].astype(np.int16)
            errors.append(values - colors[first])
            beyond[:, channel] = np.clip(values + _REACH * errors[-1], 0, 255)
        second = self._nearest(beyond)
        along, length = np.zeros((2, len(pixels)), np.float32)
        for error, colors in zip(errors, self._channels, strict=True):
            apart = (colors[second] - colors[first]).astype(np.float32)
            along += apart * error
            length += apart * apart
        return np.where(along > thresholds * length, second, first)

    def _nearest(self, pixels: Colors) -> Index:
        """Nearest colours by Pillow, which looks them up by six bits a channel: a hundred times as fast as in numpy."""
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(pixels)[None])
        index: Index = np.array(image.quantize(palette=self._image, dither=Image.Dither.NONE))[0]
        return np.minimum(index, np.uint8(len(self.colors) - 1))


def exact_colors(frames: Iterable[Frame], most: int) -> Colors | None:
    """All colours of the opaque pixels, or ``None`` where they are more than ``most``."""
    from PIL import Image

    found = set[int]()
    for frame in frames:
        pixels = rgb_of(frame)
        if frame.alpha is not None:
            pixels = pixels[opaque(frame)][None]
            if not pixels.size:
                continue
        colors = Image.fromarray(pixels).getcolors(most)
        if colors is None:
            return None
        found |= set(_codes(np.array([color for _, color in colors], np.uint8)).tolist())
        if len(found) > most:
            return None
    return np.array([list(code.to_bytes(3, "big")) for code in sorted(found)] or [[0, 0, 0]], np.uint8)


def made_for(pixels: Colors, most: int) -> Palette:
    """The palette of at most ``most`` colours for a sample of pixels ``(N, 3)``."""
    flat, every = _flat_colors(pixels), len(pixels)
    for color in flat.astype(np.int16):
        pixels = pixels[(np.abs(pixels.astype(np.int16) - color) > _NEAR).any(axis=1)]
    rooms = _ROOMS if 2 * len(pixels) < every else ()
    pixels = pixels[:: max(len(pixels) // _KMEANS_SAMPLE, 1)]
    palette = Palette(flat, flat=flat) if len(flat) else None
    for room in (*rooms, most - len(flat)):
        if not len(pixels) or (palette is not None and palette.error(pixels) <= _FINE):
            break
        colors = np.unique(np.concatenate([flat, _means(pixels, room)]), axis=0)
        palette = Palette(colors, flat=flat)
    return palette or Palette(np.zeros((1, 3), np.uint8))


def rgb_of(frame: Frame) -> Pixels:
    """The frame's colour as ``(H, W, 3)``."""
    return frame.pixels if frame.pixels.ndim == 3 else np.dstack([frame.pixels] * 3)


def opaque(frame: Frame) -> Mask:
    """Which pixels GIF shows, as it knows no half transparency."""
    if frame.alpha is None:
        return np.ones(frame.pixels.shape[:2], np.bool_)
    return np.asarray(frame.alpha >= 128)


def _means(pixels: Colors, room: int) -> Colors:
    """At most ``room`` colours by k-means, begun by median cut and ended when two pixels of a hundred still move."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels)[None])
    made = image.quantize(room, method=Image.Quantize.MEDIANCUT, kmeans=max(len(pixels) // 50, 1))
    return np.array(made.getpalette(), np.uint8).reshape(-1, 3)[: int(np.array(made).max()) + 1]


def _neighbours(flat: Colors) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The codes of all colours near to flat ones, and for each the code of the flat colour."""
    steps = np.mgrid[-_NEAR : _NEAR + 1, -_NEAR : _NEAR + 1, -_NEAR : _NEAR + 1].reshape(3, -1).T
    around = flat.astype(np.int16)[:, None] + steps
    inside = ((around >= 0) & (around <= 255)).all(axis=2)
    centres = np.broadcast_to(_codes(flat)[:, None], inside.shape)
    return _codes(around[inside].astype(np.uint8)), centres[inside]


def _flat_colors(pixels: Colors) -> Colors:
    """Colours that stand out of a sample: many pixels have them, and few have colours a little further off.

    In a gradient every colour has neighbours as frequent as itself; to make one of them take their place would band it.
    """
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    values = np.stack([codes >> 16, codes >> 8 & 255, codes & 255]).astype(np.int16)
    chosen = list[NDArray[np.int16]]()
    for place in np.argsort(counts)[::-1][:_MOST_FLAT]:
        if counts[place] < max(_FLAT_SHARE * len(pixels), 2):
            break
        color = values[:, place]
        apart = np.abs(values - color[:, None]).max(axis=0)
        near, around = counts[apart <= _NEAR].sum(), counts[(apart > _NEAR) & (apart <= 3 * _NEAR)].sum()
        if near > 2 * around and all(np.abs(color - other).max() > _NEAR for other in chosen):
            chosen.append(color)
    return np.unique(np.array(chosen, np.uint8).reshape(-1, 3), axis=0)


def _codes(pixels: Colors) -> NDArray[np.uint32]:
    wide = pixels.astype(np.uint32)
    return np.asarray((wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2], np.uint32)
