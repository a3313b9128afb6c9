"""Pictures whose ends meet: textures that are laid side by side, panoramas of a full turn."""

from dataclasses import replace
from math import gcd
from typing import Literal

import numpy as np

from upres.image.picture import Frame, Pixels
from upres.pipeline.plan import Plan

Wrap = Literal["x", "y", "both"]

_REACH = 64
"""Least pixels of the other end that are put in front of each end: more than the halo of any local network."""
_PERIOD = 6
"""Networks that are not local reduce inside by 2 and by 3; pixels are added such that these steps fall alike."""


def wrapped(frame: Frame, plan: Plan, wrap: Wrap) -> tuple[Frame, Plan, tuple[slice, slice]]:
    """A frame with its other ends around it, the plan for it, and where the result of the frame alone lies in that.

    As many pixels are added as become a whole number of pixels of the result, so that the result is cut out of that of
    the picture laid side by side.

    Example:
        >>> from upres.pipeline.sizes import SizeRequest
        >>> plan = Plan(size=(20, 30), steps=(), exact=False)
        >>> frame, larger, _ = wrapped(Frame(pixels=np.zeros((10, 20), np.uint8)), plan, "x")
        >>> frame.pixels.shape, larger.size
        ((10, 156), (20, 234))
    """
    size = frame.pixels.shape[0], frame.pixels.shape[1]
    chosen = wrap in ("y", "both"), wrap in ("x", "both")
    added = tuple(
        _added(length, out) if wanted else 0 for length, out, wanted in zip(size, plan.size, chosen, strict=True)
    )
    before = tuple(more * out // length for more, length, out in zip(added, size, plan.size, strict=True))

    def padded(pixels: Pixels) -> Pixels:
        return np.pad(pixels, [(more, more) for more in added] + [(0, 0)] * (pixels.ndim - 2), mode="wrap")

    larger = replace(frame, pixels=padded(frame.pixels), alpha=None if frame.alpha is None else padded(frame.alpha))
    height, width = (out + 2 * more for out, more in zip(plan.size, before, strict=True))
    rows, columns = (slice(more, more + out) for more, out in zip(before, plan.size, strict=True))
    return larger, replace(plan, size=(height, width)), (rows, columns)


def _added(length: int, out: int) -> int:
    """Pixels for each end: a whole number in the result, and in step with a picture that lies before this one."""
    step = length // gcd(length, out)
    return next(
        more
        for more in range(step, _REACH + step * _PERIOD + 1, step)
        if more >= _REACH and not (more - length) % _PERIOD
    )
