"""Pictures to GIF: one palette for all frames where it does, and of every frame what changed."""

from typing import BinaryIO

import numpy as np

from upres.image.codecs import gif_blocks
from upres.image.codecs.codec import Encoding
from upres.image.codecs.encode_pillow import comments, delays
from upres.image.codecs.gif_frames import Step, sample, steps
from upres.image.codecs.gif_palette import Palette, exact_colors, made_for
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Picture

_MOST = 256
_TOLERANCE = 3
"""Levels that a palette of 256 colours cannot show anyway."""
_COARSE = 60.0
"""Mean square of the distance to the nearest colour above which a frame may have a palette of its own."""
_OWN_SAMPLE = 4096
_OWN_SHARE = 0.25
"""Share of the picture that must have changed for that: a cut, or a camera that moves."""


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format."""
    writer = _Writer(picture, ledger)
    stream.write(writer.head())
    pauses = _delays(picture, ledger)
    for step, delay in zip(steps(picture.frames, writer.tolerance), pauses, strict=True):
        stream.write(writer.frame(step, delay))
    stream.write(gif_blocks.END)


def _delays(picture: Picture, ledger: Ledger) -> list[int]:
    """Hundredths of a second; not below two, which browsers take for ten, unless the picture says so."""
    wanted = [frame.duration_ms or 0.0 for frame in picture.frames]
    result = [max(delay, 2) if ms > 10 else delay for delay, ms in zip(delays(picture, 10), wanted, strict=True)]
    if any(abs(10 * delay - ms) > 0.01 for delay, ms in zip(result, wanted, strict=True)):
        ledger.lost.append("exact delays (GIF counts hundredths of a second)")
    return result


class _Writer:
    def __init__(self, picture: Picture, ledger: Ledger) -> None:
        frames = picture.frames
        self._picture = picture
        self._holed = any(frame.alpha is not None for frame in frames)
        exact = exact_colors(frames, _MOST - self._holed)
        if exact is None:
            ledger.lost.append("colours (GIF holds 256 a frame)")
            self._shared = made_for(sample(frames), _MOST - 1)
        else:
            self._shared = Palette(exact, exact=True)
        if any(frame.alpha is not None and bool(((frame.alpha > 0) & (frame.alpha < 255)).any()) for frame in frames):
            ledger.lost.append("soft transparency (GIF is opaque or not)")
        self.tolerance = 0 if self._shared.exact else _TOLERANCE
        self._own: Palette | None = None
        self._refused = 0.0
        self._canvas = np.zeros(picture.size, np.uint8)
        self._canvas_is_shared = True
        count = len(self._shared.colors)
        self._transparent = count if count < _MOST and (self._holed or len(frames) > 1) else None

    def head(self) -> bytes:
        picture = self._picture
        colors = self._shared.colors
        if self._transparent is not None:
            colors = np.concatenate([colors, np.zeros((1, 3), np.uint8)])
        parts = [gif_blocks.screen(*picture.size, colors)]
        if len(picture.frames) > 1 and picture.loop != 1:
            parts.append(gif_blocks.repetitions(max(picture.loop - 1, 0)))
        return b"".join([*parts, *(gif_blocks.comment(text) for text in comments(picture.metadata))])

    def frame(self, step: Step, delay: int) -> bytes:
        rows, columns = np.nonzero(step.fresh)
        pixels = step.colors[rows, columns]
        palette = self._palette_for(pixels)
        if len(pixels):
            self._canvas[rows, columns] = palette.index(pixels, rows, columns)
        top, bottom, left, right = step.box
        canvas, written = self._canvas[top:bottom, left:right], step.written[top:bottom, left:right]
        own = None if palette is self._shared else palette.colors
        self._canvas_is_shared = self._canvas_is_shared and own is None
        candidates = []
        if self._transparent is not None and not written.all():
            hole = self._transparent if own is None else len(own)
            colors = None if own is None else np.concatenate([own, np.zeros((1, 3), np.uint8)])
            index = np.where(written, canvas, np.uint8(hole))
            candidates.append(self._block(step, delay, hole, gif_blocks.frame(index, step.box, colors)))
        if written.all() or (self._canvas_is_shared and not self._holed):
            candidates.append(self._block(step, delay, None, gif_blocks.frame(canvas, step.box, own)))
        return min(candidates, key=len)

    def _block(self, step: Step, delay: int, transparent: int | None, data: bytes) -> bytes:
        if len(self._picture.frames) == 1 and transparent is None:
            return data
        return gif_blocks.control(delay=delay, disposal=step.disposal, transparent=transparent) + data

    def _palette_for(self, pixels: np.ndarray) -> Palette:
        """The shared palette, or one for this frame where that is too coarse for it."""
        few = len(self._picture.frames) == 1 or len(pixels) < _OWN_SHARE * self._canvas.size
        if self._shared.exact or self._holed or few:
            return self._shared
        some = pixels[:: max(len(pixels) // _OWN_SAMPLE, 1)]
        shared = self._shared.error(some)
        if shared <= max(_COARSE, self._refused):
            return self._shared
        own = self._own
        if own is None or own.error(some) > shared / 2:
            own = made_for(some, _MOST - 1)
            if own.error(some) > shared / 2:
                self._refused = 1.5 * shared
                return self._shared
        self._own = own
        return own
