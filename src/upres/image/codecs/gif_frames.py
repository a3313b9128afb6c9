"""What a GIF writes of each frame: the pixels that changed, and what is cleared before the next one.

Reference: GIF89a specification, section 23 (disposal).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from upres.image.codecs.changes import Box, box_of
from upres.image.codecs.gif_palette import Colors, opaque, rgb_of
from upres.image.picture import Frame, Mask, Pixels

KEEP, CLEAR = 1, 2
_SAMPLE = 65536


@dataclass
class Step:
    """One frame of a GIF."""

    colors: Pixels
    """``(H, W, 3)``."""
    written: Mask
    """Pixels that it sets."""
    fresh: Mask
    """Those of them whose colour is another one than before; the rest was cleared and comes back as it was."""
    box: Box
    disposal: int = KEEP


def steps(frames: Sequence[Frame], tolerance: int) -> Iterator[Step]:
    """Every frame as it is written, in order.

    Args:
        frames: 8 bits, of one size.
        tolerance: Levels by which a pixel may differ from what it was when it was written last, and still count as
            unchanged: networks move what stands still by a level where something moves near it.
    """
    height, width = frames[0].pixels.shape[:2]
    reference = np.zeros((height, width, 3), np.uint8)
    known, on_canvas = np.zeros((2, height, width), np.bool_)
    waiting: Step | None = None
    for frame in frames:
        colors, visible = rgb_of(frame), opaque(frame)
        gone = on_canvas & ~visible
        if waiting is not None and bool(gone.any()):
            waiting.disposal = CLEAR
            waiting.box = _around(waiting.box, box_of(gone))
            top, bottom, left, right = waiting.box
            on_canvas[top:bottom, left:right] = False
        if waiting is not None:
            yield waiting
        fresh = visible & (~known | _differs(reference, colors, tolerance))
        written = fresh | (visible & ~on_canvas)
        reference[fresh] = colors[fresh]
        known |= fresh
        on_canvas |= written
        box = (0, height, 0, width) if waiting is None else box_of(written)
        waiting = Step(colors=colors, written=written, fresh=fresh, box=box)
    if waiting is not None:
        yield waiting


def sample(frames: Sequence[Frame]) -> Colors:
    """Colours of the animation: pixels of a grid in the first frame, and of the following ones where they changed."""
    height, width = frames[0].pixels.shape[:2]
    each = _SAMPLE / min(len(frames), 16)
    stride = max(int((height * width / each) ** 0.5), 1)
    found, before = list[Colors](), None
    for frame in frames:
        grid = (slice(stride // 2, None, stride),) * 2
        colors = rgb_of(frame)[grid]
        seen = opaque(frame)[grid]
        if before is not None:
            seen = seen & _differs(before, colors, 0)
        found.append(colors[seen])
        before = colors
    every = np.concatenate(found)
    return every[:: max(len(every) // _SAMPLE, 1)]


def _differs(before: Pixels, after: Pixels, tolerance: int) -> Mask:
    far = before != after if tolerance == 0 else np.maximum(before, after) - np.minimum(before, after) > tolerance
    return np.asarray(far[..., 0] | far[..., 1] | far[..., 2])


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), max(one[3], other[3])
