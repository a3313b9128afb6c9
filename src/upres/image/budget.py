"""What reading may decode: limits on pixels and memory, asked before there is a canvas, and sizes held against files.

Pillow has a limit of its own, which trips on what we write, so it is lifted.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from upres.errors import ImageReadError, ImageTooLargeError
from upres.machine.memory import available_bytes

DEFAULT_MAX_PIXELS = 2**30
"""The library's: above a 60-megapixel photograph upscaled four times. Decoding may take 10 GB, if they are free."""
COMMAND_MAX_PIXELS = 2**28
"""The command's own: above any camera; decoding takes some 3 GB."""

_SMALL = 2**20
"""Pixels for which no file is too short: decoders say what is wrong with it at no cost."""
_SMALL_MEMORY = 2**26
"""Bytes for which nobody asks how many are free."""
_PLENTY = 2**26
_DENSEST = 2**19
"""Pixels, and pixels for a byte of file, that an animation of still parts in a usual format does not go beyond: a 4K
frame in which nothing changes takes some 20 bytes."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What decoding takes of memory, and whether a file may be short all the same."""

    kept: float = 3.0
    """Bytes for each pixel of all frames."""
    working: float = 7.0
    """Further bytes for each pixel of one frame while it is decoded."""
    densest: float = _DENSEST
    """Most pixels, frames together, for a byte of the file, where they are more than 67 million."""


USUAL = Cost()
"""Pillow's: three bytes that stay, four in its own image, three in the copy on the way."""
WITHOUT_LENGTH = inf
"""For `Cost.densest`: where one byte can stand for any number of pixels."""


class Budget:
    """Pixels and bytes that may still be taken for decoding one file.

    Args:
        max_pixels: The limit for all frames together, or ``None``.
        max_memory: Bytes that decoding may take; ``None``: what is free on this machine.
        length: The file's, in bytes, where it is known.
    """

    def __init__(self, max_pixels: int | None, *, max_memory: int | None = None, length: int | None = None) -> None:
        if max_pixels is not None and max_pixels < 1:
            raise ValueError(f"max_pixels must be positive or None, got {max_pixels}")
        self._limit = max_pixels
        self._memory = max_memory
        self._length = length
        self._spent = 0
        self._kept = 0.0

    def spend(self, width: int, height: int, frames: int = 1, *, cost: Cost = USUAL) -> None:
        """Ask for frames of this size before they are decoded.

        Raises:
            ImageReadError: If a side is zero, or the file is too short for so many pixels.
            ImageTooLargeError: If this is more than what is left.
        """
        self.check(width, height, frames, cost=cost)
        self._spent += width * height * frames
        self._kept += cost.kept * width * height * frames

    def check(self, width: int, height: int, frames: int = 1, *, cost: Cost = USUAL) -> None:
        """Raise as `spend` does, without spending."""
        if width < 1 or height < 1:
            raise ImageReadError(f"its header says {width}x{height} pixels")
        pixels = width * height
        needed = self._spent + pixels * frames
        times = f" x {frames} frames" if frames > 1 else ""
        if self._limit is not None and needed > self._limit:
            raise ImageTooLargeError(
                f"{width}x{height}{times} pixels make {needed / 1e6:.5g} megapixels in all, over the limit of "
                f"{self._limit / 1e6:.5g}; if that is intended, raise max_pixels to {needed} or more"
            )
        if self._length is not None and needed > max(_PLENTY, cost.densest * self._length):
            raise ImageReadError(_too_short(f"{width}x{height}{times}", self._length))
        self._check_memory(self._kept + cost.kept * pixels * frames + cost.working * pixels, f"{width}x{height}{times}")

    def _check_memory(self, needed: float, what: str) -> None:
        if needed <= _SMALL_MEMORY:
            return
        limit = available_bytes() if self._memory is None else self._memory
        if limit is not None and needed > limit:
            whose = "are free" if self._memory is None else "may be taken"
            raise ImageTooLargeError(
                f"decoding {what} pixels takes some {needed / 2**20:.0f} MiB of memory and {limit / 2**20:.0f} MiB "
                f"{whose}; make the picture smaller first"
            )


def check_length(width: int, height: int, length: int, densest: float) -> None:
    """Refuse a size that so much compressed data cannot hold.

    Args:
        width: Pixels.
        height: Pixels.
        length: Bytes of compressed data.
        densest: Most pixels that a byte of it can stand for.

    Raises:
        ImageReadError: If it is too short, and the picture not so small that it does not matter.
    """
    if width * height > max(_SMALL, densest * length):
        raise ImageReadError(_too_short(f"{width}x{height}", length))


def _too_short(what: str, length: int) -> str:
    return f"damaged or truncated: its header says {what} pixels, which {length} bytes cannot hold"


_lock = threading.Lock()
_lifted: list[int | None] = []


@contextmanager
def pillow_limit_lifted() -> Iterator[None]:
    """Pillow's own limit out of the way, for files whose size `Budget` has approved.

    It is a variable of Pillow's module, so overlapping uses are counted and the last one puts it back.
    """
    from PIL import Image

    with _lock:
        _lifted.append(Image.MAX_IMAGE_PIXELS if not _lifted else _lifted[0])
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        with _lock:
            previous = _lifted.pop()
            if not _lifted:
                Image.MAX_IMAGE_PIXELS = previous
