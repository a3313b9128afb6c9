"""Colour spaces that a file names by numbers instead of embedding a profile: made into profiles, so that they last.

Few formats share these numbers (PNG's ``cICP``, ``gAMA`` and ``cHRM``, the ``nclx`` box of AVIF and HEIF), but nearly
all of them hold an ICC profile.

Reference: ITU-T H.273, tables 2 and 3; PNG specification (third edition), section 11.3.2.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from upres.image.formats import FORMATS
from upres.image.picture import Picture

Chromaticities = tuple[float, ...]
"""x and y of white, red, green and blue."""

_D65 = (0.3127, 0.3290)
_SRGB: Chromaticities = (*_D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_PRIMARIES: dict[int, Chromaticities] = {
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # DCI-P3
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_HDR = {16: "PQ", 18: "HLG"}
_BOXES = 65536
_SRGB_GAMMA = 1 / 2.2
_CURVE_POINTS = 1024


def with_named_colors(picture: Picture, stream: BinaryIO, kind: str) -> Picture:
    """The picture with a profile for the colour space that its file names, where it has no profile already."""
    place = FORMATS[kind].named_colors
    if picture.metadata.icc is not None or place is None:
        return picture
    stream.seek(0)
    grey = picture.pixels.ndim == 2
    icc, note = _of_chunks(stream, grey=grey) if place == "chunks" else _of_box(stream, grey=grey)
    if note:
        picture = picture.noting(note)
    return replace(picture, metadata=replace(picture.metadata, icc=icc)) if icc else picture


def _of_chunks(stream: BinaryIO, *, grey: bool) -> tuple[bytes | None, str | None]:
    found = dict(_png_head(stream))
    if b"cICP" in found and len(found[b"cICP"]) == 4:
        return profile_of_code_points(found[b"cICP"][0], found[b"cICP"][1], grey=grey)
    if b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return None, None
    gamma = int.from_bytes(found[b"gAMA"], "big") / 100000
    places = _SRGB
    if len(found.get(b"cHRM", b"")) == 32:
        places = tuple(value / 100000 for value in struct.unpack(">8I", found[b"cHRM"]))
    usual = abs(gamma - _SRGB_GAMMA) < 0.03 and (
        grey or max(abs(a - b) for a, b in zip(places, _SRGB, strict=True)) < 0.01
    )
    if usual or gamma <= 0:
        return None, None
    return profile_of_places(places, None if abs(gamma - _SRGB_GAMMA) < 0.03 else 1 / gamma, grey=grey), None


def _png_head(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    stream.seek(8)
    while len(start := stream.read(8)) == 8 and start[4:] not in (b"IDAT", b"IEND"):
        content = stream.read(int.from_bytes(start[:4], "big"))
        if zlib.crc32(start[4:] + content) == int.from_bytes(stream.read(4), "big"):
            yield start[4:], content


def _of_box(stream: BinaryIO, *, grey: bool) -> tuple[bytes | None, str | None]:
    head = stream.read(_BOXES)
    place = head.find(b"colrnclx")
    if place < 0 or place + 12 > len(head):
        return None, None
    return profile_of_code_points(*struct.unpack_from(">HH", head, place + 8), grey=grey)


def profile_of_code_points(primaries: int, transfer: int, *, grey: bool = False) -> tuple[bytes | None, str | None]:
    """The profile for code points of H.273, and a sentence where they say what no such profile can.

    Returns:
        ``None`` for sRGB, for what is displayed as sRGB (BT.601, BT.709), and for the unknown.
    """
    if transfer in _HDR:
        note = f"its HDR brightness curve ({_HDR[transfer]}) cannot be kept; the result will look flat"
    else:
        note = None
    places, gamma = _PRIMARIES.get(primaries), _GAMMAS.get(transfer)
    if gamma is None and (places is None or grey):
        return None, note
    return profile_of_places(places or _SRGB, gamma, grey=grey), note


def profile_of_places(places: Chromaticities, gamma: float | None, *, grey: bool) -> bytes | None:
    """An ICC profile of these primaries, with sRGB's curve where there is no gamma."""
    import imagecodecs

    white, primaries = (*places[:2], 1), [value for index in (2, 4, 6) for value in (*places[index : index + 2], 1)]
    step = np.linspace(0, 1, _CURVE_POINTS)
    curve = np.where(step <= 0.04045, step / 12.92, ((step + 0.055) / 1.055) ** 2.4).astype(np.float32)
    shape = {"transferfunction": curve} if gamma is None else {"gamma": gamma}
    try:
        if grey:
            return bytes(imagecodecs.cms_profile("gray", whitepoint=white, **shape))
        return bytes(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, **shape))
    except (RuntimeError, ValueError):  # primaries that span no triangle
        return None
