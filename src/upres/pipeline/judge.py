"""What is wrong with a picture, estimated from its file and its pixels: JPEG, noise, blocks, blur.

Networks trained on clean pictures sharpen blocks and noise; networks that remove those lose detail of clean pictures.
So the one or the other is chosen by what is found here (`upres.pipeline.choose`). Everything is measured on luma in
levels of 255, at no more than a quarter of a million pixels, in tiles whose corners lie on JPEG's grid of 8 pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from upres.image.color import BLUE_WEIGHT, RED_WEIGHT
from upres.image.jpeg_quality import LUMA_STEPS, quality_of_steps
from upres.image.picture import Pixels
from upres.image.quantiles import quantiles
from upres.pipeline.brightness import missing_stops

Plane = NDArray[np.float32]

_TILE, _TILES = 256, 4
"""Side and number of the tiles that are looked at where the picture has more pixels than they have."""
_GRID = 8
"""Side of JPEG's blocks."""
_PATCH, _STRIDE = 5, 4
"""Side and distance of the patches in which noise is looked for."""
_FLATTEST, _FLAT, _SMALLER = 0.01, 0.05, 0.65
"""Shares of the patches that are the flattest, and flat; by how much white noise is smaller in the flattest of its own
patches."""
_ALIKE, _NEARLY_ALIKE, _COARSE, _SMOOTH = 1.28, 1.5, 0.36, 0.1
"""By how much flat patches may vary more than the flattest and be noise; and coarse noise, which is at most so fine;
how fine a smooth pattern is at most."""
_LOW = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1), (2, 2), (0, 3), (3, 0))
"""Rows and columns of the DCT coefficients whose steps are looked for."""
_STEPS = np.arange(2, 65)
"""Steps that are tried; a step of 1 is that of the pixels themselves."""
_PERIODIC, _ENOUGH = 0.5, 40
"""Least mean cosine of coefficients that are multiples of a step; how many of them, or of steep pixels, it takes."""
_FINENESS, _BINS = 8, 4096
"""Bins a level, and their number."""
_SERIAL = 2**18
"""Multiply-adds up to which OpenBLAS computes a product in the thread that asks for it. Its other threads wait in a
loop for more to do, on the cores that the network needs: 300 pictures of 320x240 took half as much time again."""
_SAME = 6
"""By how much the pixels' quality has to be lower than the file's to be that of an earlier compression."""
_SPREAD, _MOST_RATIO = 2.0, 2.5
"""By how much the steps of one JPEG, over those of quality 50, may differ among its coefficients, and the largest that
is believed: that of quality 20."""
_LEAST_SIDE = 128
"""Sides from which on a picture has enough blocks to tell them from a pattern."""
_AGREEING = 3
"""Coefficients for which a step has to be found, or the picture was not a JPEG."""
_STEEP, _VISIBLE, _FEW = 60, 12, 16
"""Changes of luma from pixel to pixel that are an edge, and that are seen at all; so few of these tell nothing."""
_EDGE = 20
"""Change of luma that counts as an edge of the picture."""
_SPECTRUM = 1024
_PERIODS = np.arange(5.0, 20.0, 0.05)
"""Sides of blocks that are tried, in pixels: JPEG's 8 or 16 after resizing."""
_ORDERS = np.arange(1, 5)
_HARMONICS = np.where(
    _PERIODS[:, None] / 2 >= _ORDERS, np.rint(_ORDERS * _SPECTRUM / _PERIODS[:, None]).astype(int), -1
)
"""Where the spectrum has the first four; -1 for what lies beyond its end."""
_STRONGEST, _FAINTEST = 0.995, 16.0
"""Quantile of the gradients, and levels over two pixels, from which on edges count as the sharpest."""
_SOFTENING = 0.5
"""Variance of the blur with taps 1, 2, 1, in square pixels."""
_MOST_NOISE = 80.0
"""Levels of what varies in the flattest patches from which on they are a pattern all over the picture."""
_WHITE, _PAPER = 255, 0.2
"""Mean of patches that are nothing but white; share of black and white patches from which on they are the picture's."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What was found; `judge` measures it, and the defaults are those of a picture without faults."""

    jpeg_quality: float | None = None
    """Quality, as libjpeg counts it, of the strongest compression found: by the file's tables, or by the pixels where
    those were compressed before; ``None`` where none was found."""
    noise: float = 0.0
    """Standard deviation of the noise in levels of 255, from the flattest parts; of correlated noise, a part of it."""
    fineness: float = 0.0
    """How fine that noise is: 1 for white noise, 0.3 for grains of some pixels, 0 where there is none."""
    doubtful_noise: float = 0.0
    """The noise that there is if it is not texture, in the same levels, where flat parts are too few to tell."""
    blocks: float = 1.0
    """How much stronger than chance changes repeat at the distance of blocks of 5 to 20 pixels: 1 where there are none,
    15 and more at quality 75; shows also where the picture was resized after compression."""
    block_side: float = 0.0
    """Side of these blocks in pixels: 8 for a JPEG that was not resized, 0 where none were looked for."""
    edges: float = 0.0
    """Share of the changes in a row by more than 12 levels of luma that are steeper than 60: above 0.3 in drawings and
    screens, which go from one flat colour to the next at once, and below in photographs."""
    blur: float = 0.0
    """Standard deviation in pixels of the blur at the sharpest edges; about 0.6 for sharp photographs."""
    exposure: float = 0.0
    """Stops of light that are missing, as `upres.pipeline.brightness` finds; 0 where the picture is light enough."""

    def to_dict(self) -> dict[str, float | None]:
        """JSON-ready data, rounded to what can be trusted."""
        quality = None if self.jpeg_quality is None else float(round(self.jpeg_quality))
        rounded = {"noise": round(self.noise, 1), "blocks": round(self.blocks, 1), "blur": round(self.blur, 2)}
        return {"jpeg_quality": quality, **rounded, "exposure": round(self.exposure, 1)}


def judge(pixels: Pixels, file_quality: float | None = None, opacity: Pixels | None = None) -> Judgement:
    """What is wrong with a picture.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)``, ``uint8`` or ``uint16``, without alpha.
        file_quality: What `upres.image.jpeg_quality` says of the file it came from.
        opacity: Alpha, ``(H, W)``, or ``None``.

    Example:
        >>> judge(np.full((64, 64), 128, np.uint8)).noise
        0.0
    """
    colors = [planes_of(tile) for tile in tiles(pixels)]
    lumas = [luma_of(planes) for planes in colors]
    across, down = _changes(lumas), _changes([luma.T for luma in lumas])
    blocks, side = _repetition(across, down)
    of_luma, distance = _noise(lumas), _distance(pixels)
    noise = max(of_luma, _color_noise(colors))
    if noise.strength <= distance:  # dithering: noise would have left the levels between as well
        noise = _Noise()
    quality = _quality(lumas, _corner(down), _corner(across))
    if file_quality is not None and (quality is None or quality > file_quality - _SAME):
        quality = file_quality
    return Judgement(
        jpeg_quality=quality,
        noise=noise.strength,
        fineness=noise.fineness,
        doubtful_noise=of_luma.doubtful if of_luma.doubtful > distance else 0.0,
        blocks=blocks,
        block_side=side,
        edges=_edges(lumas),
        blur=_blur(lumas),
        exposure=missing_stops(pixels, opacity),
    )


def tiles(pixels: Pixels, side: int = _TILE) -> list[Pixels]:
    """The picture, or four tiles of this side spread evenly over it where it has more pixels than they."""
    height, width = pixels.shape[:2]
    if height * width <= _TILES * side**2:
        return [pixels]
    across = int(np.clip(round(sqrt(_TILES * width / height)), 1, _TILES))
    rows, columns = _starts(height, _TILES // across, side), _starts(width, across, side)
    return [pixels[top : top + side, left : left + side] for top in rows for left in columns]


def _starts(length: int, count: int, side: int) -> list[int]:
    """Where so many tiles begin: at multiples of JPEG's grid, each in the middle of its share of the length."""
    middles = (np.arange(count) + 0.5) * length / count - side / 2
    return [int(start) // _GRID * _GRID for start in np.clip(middles, 0, max(0, length - side))]


def planes_of(tile: Pixels) -> tuple[Plane, ...]:
    """One plane, or red, green and blue, in levels of 255."""
    channels = [tile] if tile.ndim == 2 else [tile[..., channel] for channel in range(3)]
    planes = (np.ascontiguousarray(channel).astype(np.float32) for channel in channels)
    return tuple(plane / np.float32(257) if tile.dtype == np.uint16 else plane for plane in planes)


def _distance(pixels: Pixels) -> float:
    """The least distance of two levels that a channel has, in levels of 255; 0 where every channel has one level."""
    white = np.iinfo(pixels.dtype).max
    found = []
    for channel in np.moveaxis(np.atleast_3d(pixels), 2, 0):
        there = np.zeros(white + 1, np.bool_)
        for tile in tiles(channel):
            there[tile] = True
        found += [np.diff(np.flatnonzero(there)).min(initial=white)] if np.count_nonzero(there) > 1 else []
    return float(min(found, default=0) * 255 / white)


def luma_of(planes: Sequence[Plane]) -> Plane:
    """Luma of red, green and blue; one plane is luma already."""
    if len(planes) == 1:
        return planes[0]
    red, green, blue = planes
    luma: Plane = green + np.float32(RED_WEIGHT) * (red - green) + np.float32(BLUE_WEIGHT) * (blue - green)
    return luma


class _Noise(NamedTuple):
    """Noise in levels of 255, how fine it is, and the noise that texture may be taken for."""

    strength: float = 0.0
    fineness: float = 0.0
    doubtful: float = 0.0


def _color_noise(colors: Sequence[Sequence[Plane]]) -> _Noise:
    """Noise of the differences of colours, at half the size, where JPEG keeps them; two planes are in each."""
    planes = [_halved(tile[side] - tile[1]) for tile in colors if len(tile) == 3 for side in (0, 2)]
    found = _noise(planes)
    return found._replace(strength=found.strength / sqrt(2))


def _halved(plane: Plane) -> Plane:
    """The mean of each 2x2 pixels."""
    height, width = (side // 2 * 2 for side in plane.shape)
    even = plane[:height, :width]
    total: Plane = even[::2, ::2] + even[1::2, ::2]
    total += even[::2, 1::2]
    total += even[1::2, 1::2]
    return total / np.float32(4)


def _noise(planes: Sequence[Plane]) -> _Noise:
    """Standard deviation of noise, and how fine it is: 1 for white noise, 0.3 for grains of some pixels.

    The flattest patches hold the noise and nothing else, where there is noise: then they differ little among each
    other. Texture all over a picture differs more, unless it is coarse noise, of which patches have next to nothing in
    the direction in which they vary least (Chen, Zhu, Heng, ICCV 2015). The strength is that of white noise that is as
    strong in its own flattest patches.
    """
    patches = [
        sliding_window_view(plane, (_PATCH, _PATCH))[::_STRIDE, ::_STRIDE].reshape(-1, _PATCH**2)
        for plane in planes
        if min(plane.shape) >= _PATCH
    ]
    joined = np.concatenate(patches) if patches else np.zeros((0, _PATCH**2), np.float32)
    means = joined.mean(axis=1)
    clipped = (means <= 0) | (means >= _WHITE)
    if np.count_nonzero(clipped) < _PAPER * len(joined):  # what was blown out hides the noise; paper is as it is
        joined, means = joined[~clipped], means[~clipped]
    if len(joined) < _ENOUGH:
        return _Noise()
    rest = joined - means[:, None]
    place = np.arange(_PATCH) - (_PATCH - 1) / 2
    slopes = np.stack(np.meshgrid(place, place)).reshape(2, -1)
    slopes /= np.linalg.norm(slopes, axis=1, keepdims=True)
    energy = (rest**2).sum(axis=1) - (_product(rest, slopes.astype(np.float32)) ** 2).sum(axis=1)
    flattest, flat = (sqrt(max(0.0, float(each))) for each in quantiles(energy, (_FLATTEST, _FLAT)))
    noise = flattest / sqrt(_PATCH**2 - 3) / _SMALLER
    if not 0 < noise < _MOST_NOISE:
        return _Noise()
    centred = joined - joined.mean(axis=0)
    fineness = sqrt(max(0.0, float(np.linalg.eigvalsh(_gram(centred) / len(centred))[0]))) / noise
    alike = flat < _ALIKE * flattest or (fineness < _COARSE and flat < _NEARLY_ALIKE * flattest)
    return _Noise(noise, min(fineness, 1.0)) if alike and fineness > _SMOOTH else _Noise(doubtful=noise)


def blocks_of(plane: Plane, top: int = 0, left: int = 0) -> Plane:
    """``(N, 8, 8)``: the blocks from that corner on."""
    height, width = ((side - start) // _GRID * _GRID for side, start in zip(plane.shape, (top, left), strict=True))
    part = plane[top : top + max(0, height), left : left + max(0, width)]
    blocks: Plane = part.reshape(height // _GRID, _GRID, width // _GRID, _GRID).swapaxes(1, 2).reshape(-1, _GRID, _GRID)
    return blocks


def _changes(lumas: Sequence[Plane]) -> Plane:
    """How strongly, on average over rows, luma changes from each column to the next, edges and slopes left out.

    ``lumas`` are of one width; value i is the change from column i + 1 to i + 2.
    """
    total: Plane = np.zeros(max(0, lumas[0].shape[1] - 3), np.float32)
    for luma in lumas if len(total) else ():
        steps = luma[:, 1:] - luma[:, :-1]
        jumps = np.abs(2 * steps[:, 1:-1] - steps[:, 2:] - steps[:, :-2])
        total += np.minimum(jumps, _EDGE, out=jumps).mean(axis=0) / len(lumas)
    return total


def _corner(changes: Plane) -> int:
    """Where the blocks of 8 begin, by the changes from column to column."""
    first = -2 % _GRID  # the first change leads to column 2
    whole = np.concatenate([np.full(_GRID - first, np.nan), changes, np.full(-(len(changes) + 2) % _GRID, np.nan)])
    return int(np.nan_to_num(np.nanmean(whole.reshape(-1, _GRID), axis=0)).argmax()) if len(changes) >= _GRID else 0


def _quality(lumas: Sequence[Plane], top: int, left: int) -> float | None:
    """The quality of a JPEG whose blocks lie on a grid of 8 pixels that begins there; ``None`` if there is none."""
    blocks = np.concatenate([blocks_of(luma, top, left) for luma in lumas]).reshape(-1, _GRID * _GRID)
    waves = _cosines()
    low = np.stack([np.outer(waves[row], waves[column]).ravel() for row, column in _LOW])
    steps = dict(zip(_LOW, map(_step, _product(blocks, low).T), strict=True))
    found = {place: step for place, step in steps.items() if step is not None}
    if len(blocks) * _GRID**2 < _LEAST_SIDE**2 or len(found) < _AGREEING:
        return None
    low, high = quantiles([step / LUMA_STEPS[place] for place, step in found.items()], (0.25, 0.75))
    if high > _SPREAD * low or low > _MOST_RATIO:
        return None  # the squares of a pattern have steps of all sizes, and large ones
    return quality_of_steps(found)


def _cosines() -> Plane:
    """The DCT of 8 values, a row a frequency."""
    place = np.arange(_GRID)
    waves = np.cos((2 * place + 1) * place[:, None] * np.pi / (2 * _GRID)) / 2
    waves[0] = 1 / sqrt(_GRID)
    return np.asarray(waves, np.float32)


def _step(coefficients: Plane) -> int | None:
    """The greatest step of which those coefficients that are not about zero are multiples; ``None`` if below 2."""
    sizes = np.minimum(np.abs(coefficients) * _FINENESS, _BINS - 1).astype(np.int64)
    counts = np.bincount(sizes, minlength=_BINS).astype(np.float32)
    there = np.flatnonzero(counts)
    multiples, cosines = ((counts[there, None] * combs[there]).sum(axis=0) for combs in _combs())
    found = np.flatnonzero((multiples >= _ENOUGH) & (cosines > _PERIODIC * multiples))
    return int(_STEPS[found[-1]]) if len(found) else None


@cache
def _combs() -> tuple[Plane, Plane]:
    """Which sizes of a coefficient count for each step, those that would not be rounded to 0; and their cosines."""
    sizes = (np.arange(_BINS)[:, None] + 0.5) / _FINENESS
    counting = (sizes >= 0.6 * _STEPS).astype(np.float32)
    cosines = np.cos((np.arange(_BINS)[:, None] + 0.5) * (2 * np.pi / _FINENESS) / _STEPS, dtype="f4")
    return counting, counting * cosines


def _product(rows: Plane, others: Plane) -> Plane:
    """Every row times every other: ``(N, K)`` and ``(M, K)`` to ``(N, M)``."""
    return np.concatenate([part @ others.T for part in _parts(rows, _SERIAL // others.size)])


def _gram(rows: Plane) -> Plane:
    """Every column times every column: ``(N, K)`` to ``(K, K)``."""
    gram: Plane = np.sum([part.T @ part for part in _parts(rows, _SERIAL // rows.shape[1] ** 2)], axis=0)
    return gram


def _parts(rows: Plane, each: int) -> Iterator[Plane]:
    return (rows[start : start + each] for start in range(0, max(1, len(rows)), each))


def _repetition(across: Plane, down: Plane) -> tuple[float, float]:
    """How much stronger than chance luma's changes repeat, at the period at which they do most, and that period."""
    if min(len(across), len(down)) < _LEAST_SIDE - 3:
        return 1.0, 0.0
    both = [np.nanmean(np.append(_power(changes), np.nan)[_HARMONICS], axis=1) for changes in (across, down)]
    shared = np.minimum(*both)  # fences and hatching repeat in one direction, blocks in both
    return max(1.0, float(shared.max())), float(_PERIODS[shared.argmax()])


def _power(changes: Plane) -> Plane:
    """Power of the changes' frequencies, without what varies slowly: 1 on average for 256 columns of chance."""
    width = _GRID + 1
    smooth = np.convolve(np.pad(changes, width // 2, mode="edge"), np.ones(width) / width, "valid")
    power: Plane = np.abs(np.fft.rfft((changes - smooth) * np.hanning(len(changes)), _SPECTRUM)) ** 2
    mean = float(power.mean()) * len(changes) / _TILE
    return power / mean if mean > 0 else np.zeros_like(power)


def _edges(lumas: Sequence[Plane]) -> float:
    """Share of the visible changes from neighbour to neighbour in a row that are steep."""
    changes = [np.abs(luma[:, 1:] - luma[:, :-1]) for luma in lumas]
    steep, visible = (sum(np.count_nonzero(change > least) for change in changes) for least in (_STEEP, _VISIBLE))
    return steep / max(_FEW, visible)


def _blur(lumas: Sequence[Plane]) -> float:
    """By how much the steepest edges become flatter when blurred a little more (Zhuo, Sim, 2011), in the sharpest tile.

    0 where no edge is steep: a picture of fog is not blurred.
    """
    found = []
    for luma in lumas:
        if min(luma.shape) < _GRID:
            continue
        before, after = _steepness(luma[1:-1, 1:-1]), _steepness(_softened(_softened(luma).T).T)
        steep = before >= max(_FAINTEST**2, float(quantiles(before[::2, ::2], (_STRONGEST,))[0]))
        if np.count_nonzero(steep) >= _ENOUGH:
            ratio = float(quantiles(before[steep] / np.maximum(after[steep], 1e-6), (0.5,))[0])
            found.append(sqrt(_SOFTENING / (max(1.001, ratio) - 1)))
    return min(found, default=0.0)


def _softened(luma: Plane) -> Plane:
    """Each row, but the first and the last, mixed with those beside it by 1, 2, 1."""
    softened = luma[:-2] + luma[2:]
    softened *= np.float32(0.5)
    softened += luma[1:-1]
    softened *= np.float32(0.5)
    return softened


def _steepness(luma: Plane) -> Plane:
    """The square of twice the gradient."""
    right, down = luma[1:-1, 2:] - luma[1:-1, :-2], luma[2:, 1:-1] - luma[:-2, 1:-1]
    right *= right
    down *= down
    right += down
    return right
