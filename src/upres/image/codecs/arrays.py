"""Colour and alpha as one array, as many libraries have them."""

from collections.abc import Sequence

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


def alike(frames: Sequence[Frame]) -> list[Pixels]:
    """The frames of an animation as arrays of one shape: grey as RGB and opaque alpha where others have them."""
    rgb = any(frame.pixels.ndim == 3 for frame in frames)
    alpha = any(frame.alpha is not None for frame in frames)
    arrays = []
    for frame in frames:
        pixels = np.dstack([frame.pixels] * 3) if rgb and frame.pixels.ndim == 2 else frame.pixels
        if alpha:
            full = np.full(pixels.shape[:2], np.iinfo(pixels.dtype).max, pixels.dtype)
            pixels = np.dstack([pixels, full if frame.alpha is None else frame.alpha])
        arrays.append(pixels)
    return arrays


def joined(frame: Frame) -> Pixels:
    """A frame as an array of 1 to 4 channels, ``(H, W)`` for grey without alpha, else ``(H, W, C)``."""
    return frame.pixels if frame.alpha is None else np.dstack([frame.pixels, frame.alpha])
