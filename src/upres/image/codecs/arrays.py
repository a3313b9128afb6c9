"""Colour and alpha as one array, as many libraries have them."""

import numpy as np

from upres.image.picture import Frame, Pixels


def frame_of(array: Pixels, duration_ms: float | None) -> Frame:
    """An array of 1 to 4 channels, ``(H, W)`` or ``(H, W, C)``, as colour and alpha."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels in (1, 3):
        return Frame(pixels=array.reshape(array.shape[:2]) if channels == 1 else array, duration_ms=duration_ms)
    color = array[..., 0] if channels == 2 else array[..., :3]
    return Frame(
        pixels=np.ascontiguousarray(color), alpha=np.ascontiguousarray(array[..., -1]), duration_ms=duration_ms
    )


def joined(frame: Frame) -> Pixels:
    """A frame as an array of 1 to 4 channels, ``(H, W)`` for grey without alpha, else ``(H, W, C)``."""
    return frame.pixels if frame.alpha is None else np.dstack([frame.pixels, frame.alpha])
