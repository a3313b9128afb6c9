"""Which piece of a picture a network has to see so that a piece of its result is that of the whole picture.

An output pixel of a convolutional network depends on no input farther away than the network's *reach*. A window with at
least that much around it gives the very pixels that the whole picture would. One class says so for one side of the
picture; rows and columns are two of it. These are its distances, from the outside in::

    margin     reflected pixels that the network is given beyond the picture's edge
    reach      pixels around a piece that the piece depends on
    unit       windows begin at multiples of it, counted from the margin's outer end
    multiple   windows are as long as a multiple of it
    fade       pixels over which two neighbouring strips are mixed, where a network sees farther than any window
"""

from math import lcm

import numpy as np
from numpy.typing import NDArray

WINDOW_STEP = 8
"""Windows are this long or a multiple: engines prepare anew for every shape that they have not seen."""


class Side:
    """One side of a network's input: its length, and the windows that pieces of the result need.

    Args:
        length: Of the picture, in pixels.
        scale: Of the network.
        reach: Pixels at each end of a window that a piece of the result depends on.
        margin: Reflected pixels beyond each end of the picture.
        unit: What the network's kernels handle together; windows begin at a multiple of it.
        multiple: What the network needs its input to be a multiple of.

    Example:
        >>> Side(100, scale=2, reach=3).window(range(40, 60))
        range(17, 33)
    """

    def __init__(
        self, length: int, *, scale: int, reach: int, margin: int = 0, unit: int = 1, multiple: int = 1
    ) -> None:
        self.length, self.margin = length, margin
        self._scale, self._reach, self._multiple = scale, reach, multiple
        self._unit = lcm(unit, multiple)
        self._low = -margin
        self._high = self._low + _rounded_up(length + 2 * margin, multiple)
        self._longest = 0

    def window(self, piece: range) -> range:
        """The pixels of the input, some beyond its ends, that a piece of the result needs.

        Windows are moved rather than cut at the ends, and never become shorter, so that they come in few lengths.
        """
        first = max(self._low, piece.start // self._scale - self._reach)
        count = _rounded_up(self.taken(len(piece)), lcm(WINDOW_STEP, self._multiple))
        self._longest = count = min(self._high - self._low, max(self._longest, count))
        last = min(self._high, first - (first - self._low) % self._unit + count)
        first = last - count
        return range(first - (first - self._low) % self._unit, last)

    def whole(self) -> range:
        """The window of the whole side."""
        return range(self._low, self._high)

    def taken(self, count: int) -> int:
        """Pixels of the input that ``count`` of the result need, wherever they are."""
        return -(-count // self._scale) + 2 * self._reach + self._unit

    def longest(self, count: int) -> int:
        """The length of the longest window that ``count`` pixels of the result get."""
        return self.taken(count) + lcm(WINDOW_STEP, self._multiple) + self._unit - 1


def reflect(indices: range, length: int) -> NDArray[np.intp]:
    """Indices mirrored into ``range(length)``, the outermost one repeated.

    Example:
        >>> reflect(range(-3, 5), 3)
        array([2, 1, 0, 0, 1, 2, 2, 1])
    """
    folded = np.arange(indices.start, indices.stop) % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)


def fade_weights(count: int) -> NDArray[np.float32]:
    """Shares of the second of two neighbours over ``count`` pixels that both have: from 0 to 1 along a cosine.

    Example:
        >>> fade_weights(2).round(2).tolist()
        [0.15, 0.85]
    """
    weights: NDArray[np.float32] = np.sin((np.arange(count, dtype=np.float32) + 0.5) * (np.pi / (2 * count))) ** 2
    return weights


def _rounded_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
