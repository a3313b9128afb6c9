"""Graphs of the native engine in 16-bit integers: what they are calibrated on, and whether they suffice.

The weights are rounded, and what is seen of each channel. Where a value does not fit, the module makes that tile in
floats. How much more than was calibrated fits, is a trade: a wide range rounds everything more coarsely, a narrow one
has more tiles made twice.
"""

from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from upres.engines import _native

Picture = NDArray[np.float32]
"""``(C, H, W)`` in [0, 1]."""

MARGINS = (1.5, 2.0, 3.0, 4.0)
"""How many times what was seen in calibration fits: the last one up to which all suffice is taken."""
LARGEST_ERRORS = (0.7 / 255, 0.9 / 255)
"""Distance from the floats' result anywhere in `ordinary_picture` and in `extreme_picture`: below one level of 8 bits,
since other pictures hold other values.
"""
_HEIGHT, _WIDTH = 72, 96
"""Multiples of all small numbers: networks may take squares of pixels."""


def quantize(runner: "_native.GraphRunner", floats: "_native.GraphRunner", *, colors: int, scale: int) -> bool:
    """Have a network run in integers that change no level of 8 bits by more than one.

    Args:
        runner: The network, which runs in integers afterwards.
        floats: The same one, which is left as it is.
        colors: Planes in and out.
        scale: How many times wider and higher the output is.

    Returns:
        Whether they suffice: whether both pictures that are looked at are within `LARGEST_ERRORS`.
    """
    tests = [picture[:colors] for picture in (ordinary_picture(1), extreme_picture())]
    expected = [_run(floats, picture, scale) for picture in tests]
    runner.look(ordinary_picture(0)[:colors])

    def suffices(margin: float) -> bool:
        runner.quantize(margin)
        return all(
            np.abs(_run(runner, picture, scale) - floats_made).max() <= error
            for picture, floats_made, error in zip(tests, expected, LARGEST_ERRORS, strict=True)
        )

    enough = list(takewhile(suffices, MARGINS))
    if enough and enough[-1] != MARGINS[-1]:
        runner.quantize(enough[-1])  # the one after it did not suffice
    return bool(enough)


def _run(runner: "_native.GraphRunner", picture: Picture, scale: int) -> Picture:
    made = np.empty((1, len(picture), _HEIGHT * scale, _WIDTH * scale), np.float32)
    runner.run(np.ascontiguousarray(picture[None]), made, 1)
    return made


def ordinary_picture(seed: int) -> Picture:
    """What pictures hold: detail as in nature, of an amplitude that falls with its frequency, strokes, and noise."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(_HEIGHT)[:, None], np.fft.rfftfreq(_WIDTH))
    frequency[0, 0] = np.inf

    def texture() -> NDArray[np.float64]:
        waves = rng.standard_normal((*frequency.shape, 2)) @ (1, 1j) / frequency
        field = np.fft.irfft2(waves, (_HEIGHT, _WIDTH))
        made: NDArray[np.float64] = field / field.std()
        return made

    light = 0.45 + 0.22 * texture()
    picture = np.stack([light + 0.04 * texture() for _ in range(3)])
    third, half = _HEIGHT // 3, _WIDTH // 2
    picture[:, :third, :half] = (rng.random((third // 4, half // 4)) > 0.5).repeat(4, 0).repeat(4, 1)
    picture[:, :third, half:] += 0.2 * rng.standard_normal((3, third, half))
    return np.ascontiguousarray(np.clip(picture, 0, 1), np.float32)


def extreme_picture() -> Picture:
    """Every pixel black or white by chance, or of any color: no picture has more detail."""
    values = np.random.default_rng(2).random((3, _HEIGHT, _WIDTH), np.float32)
    values[:, :, : _WIDTH // 2] = values[:1, :, : _WIDTH // 2] > 0.5
    return values
