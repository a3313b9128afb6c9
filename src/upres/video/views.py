"""The planes of a frame as arrays that lie where the frame has them."""

import numpy as np
from av.video.frame import VideoFrame

from upres.image.samples import Plane


def plane_views(frame: VideoFrame) -> list[Plane]:
    """One array for each plane of memory, ``(H, W)``, writable; rows lie apart, padding is left out.

    Planes that hold several samples a pixel (NV12's chroma, packed RGB) are ``(H, W * samples)``.
    """
    views = list[Plane]()
    for index, plane in enumerate(frame.planes):
        components = [each for each in frame.format.components if each.plane == index]
        if frame.format.is_rgb and len(frame.planes) == 1:
            samples = frame.format.padded_bits_per_pixel // (16 if components[0].bits > 8 else 8)
        else:
            samples = max(1, len(components))
        deep = any(each.bits > 8 for each in components)
        rows = np.frombuffer(memoryview(plane), np.uint16 if deep else np.uint8).reshape(plane.height, -1)
        views.append(rows[:, : plane.width * samples])
    return views
