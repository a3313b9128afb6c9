"""How many pixels reading may decode: a limit of our own, in place of Pillow's, which trips on what we write."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from upres.errors import ImageReadError, ImageTooLargeError

DEFAULT_MAX_PIXELS = 2**30
"""Some 3 GB of 8-bit RGB: far above any camera, and above a 60-megapixel photograph upscaled four times."""

_lock = threading.Lock()
_lifted: list[int | None] = []


class Budget:
    """Pixels that may still be decoded.

    Args:
        max_pixels: The limit for all frames together, or ``None``.
    """

    def __init__(self, max_pixels: int | None) -> None:
        if max_pixels is not None and max_pixels < 1:
            raise ValueError(f"max_pixels must be positive or None, got {max_pixels}")
        self._limit = max_pixels
        self._spent = 0

    def spend(self, width: int, height: int, frames: int = 1) -> None:
        """Ask for frames of this size before they are decoded.

        Raises:
            ImageReadError: If a side is zero.
            ImageTooLargeError: If this is more than what is left.
        """
        self.check(width, height, frames)
        self._spent += width * height * frames

    def check(self, width: int, height: int, frames: int = 1) -> None:
        """Raise as `spend` does, without spending."""
        if width < 1 or height < 1:
            raise ImageReadError(f"its header says {width}x{height} pixels")
        needed = self._spent + width * height * frames
        if self._limit is None or needed <= self._limit:
            return
        times = f" x {frames} frames" if frames > 1 else ""
        raise ImageTooLargeError(
            f"{width}x{height}{times} pixels make {needed / 1e6:.1f} megapixels in all, over the limit of "
            f"{self._limit / 1e6:.1f}; if that is intended, raise max_pixels to {needed} or more"
        )


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
