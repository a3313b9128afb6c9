"""Animated PNG: what its chunks promise, held against what is there.

libpng, by imagecodecs, and Pillow show the frames that they find, however many the file says it has.

Reference: PNG specification (third edition), section 11.3.6.
"""

import struct
from dataclasses import dataclass, field

from upres.errors import ImageReadError
from upres.image.budget import check_length
from upres.image.codecs.png_checks import DENSEST, Header, check_pixels
from upres.image.codecs.png_chunks import Chunk

_NAMES = frozenset({b"acTL", b"fcTL", b"fdAT"})


@dataclass
class _AnimationFrame:
    width: int
    height: int
    parts: list[bytes] = field(default_factory=list)
    """Its compressed pixels."""


def frames_of(found: list[Chunk], header: Header) -> int:
    """Frames of the animation in a PNG file; 0 where there is none.

    Args:
        found: The file's chunks.
        header: The first of them.

    Raises:
        ImageReadError: If the animation is not whole.
    """
    names = [name for name, _ in found]
    if b"acTL" not in names[: names.index(b"IDAT")]:
        return 0
    content = found[names.index(b"acTL")][1]
    if len(content) != 8 or names.count(b"acTL") > 1:
        raise ImageReadError("damaged PNG file (it does not say how many frames it has)")
    frames = _Collector(header).collect(found)
    promised = int.from_bytes(content[:4], "big")
    if len(frames) != promised or not frames:
        raise ImageReadError(f"damaged PNG file ({len(frames)} frames instead of {promised})")
    for frame in frames:
        length = sum(map(len, frame.parts))
        check_length(frame.width, frame.height, length, 8 * DENSEST)
        check_pixels(frame.parts, header, frame.width, frame.height, interlaced=header.interlaced)
    return promised


def without_animation(found: list[Chunk]) -> list[Chunk]:
    """The chunks of the still picture."""
    return [chunk for chunk in found if chunk[0] not in _NAMES]


class _Collector:
    """Walks through the chunks and gives each frame its data."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._frames: list[_AnimationFrame] = []
        self._sequence = 0
        self._seen_pixels = False

    def collect(self, found: list[Chunk]) -> list[_AnimationFrame]:
        for name, content in found:
            if name == b"fcTL":
                self._begin(content)
            elif name == b"IDAT":
                self._seen_pixels = True
                if self._frames:
                    self._frames[0].parts.append(content)
            elif name == b"fdAT":
                self._require_next(content)
                if not self._frames or not self._seen_pixels:
                    raise ImageReadError("damaged PNG file (pixels of no frame)")
                self._frames[-1].parts.append(content[4:])
        return self._frames

    def _begin(self, content: bytes) -> None:
        self._require_next(content)
        if len(content) != 26 or (self._frames and not self._seen_pixels):
            raise ImageReadError("damaged PNG file (a frame without pixels)")
        width, height, left, top = struct.unpack_from(">4I", content, 4)
        within = left + width <= self._header.width and top + height <= self._header.height
        whole = (width, height) == (self._header.width, self._header.height)
        if not within or not width or not height or not (whole or self._seen_pixels) or max(content[24:26]) > 2:
            raise ImageReadError(f"damaged PNG file (a frame of {width}x{height} pixels at {left},{top})")
        self._frames.append(_AnimationFrame(width, height))

    def _require_next(self, content: bytes) -> None:
        if content[:4] != self._sequence.to_bytes(4, "big"):
            raise ImageReadError("damaged PNG file (its frames are not in order)")
        self._sequence += 1
