"""Colour profiles: which are kept, and how CMYK, Lab and grey become sRGB where they must.

Pictures in RGB and grey keep their profile and their values: upscaling is done in the space the picture is in. Only
what networks or a target format cannot take is converted, by LittleCMS, in the picture's own depth.
"""

from functools import cache
from typing import Any, Literal

import numpy as np

from upres.image.picture import Pixels

Space = Literal["rgb", "grey", "cmyk", "lab"]

_SPACES: dict[bytes, Space] = {b"RGB ": "rgb", b"GRAY": "grey", b"CMYK": "cmyk", b"Lab ": "lab"}
_LCMS_NAMES = {"rgb": "rgb", "grey": "gray", "cmyk": "cmyk", "lab": "lab"}
_BLACK_POINT_COMPENSATION = 0x2000


def profile_space(icc: bytes) -> Space | None:
    """The space a profile describes; ``None`` for any other, and for bytes that are no profile."""
    return _SPACES.get(icc[16:20]) if icc[36:40] == b"acsp" else None


def profile_name(icc: bytes) -> str:
    """What a profile calls itself, or an empty string."""
    for index in range(min(int.from_bytes(icc[128:132], "big"), 100)):
        entry = icc[132 + 12 * index : 144 + 12 * index]
        if entry[:4] == b"desc":
            start, size = int.from_bytes(entry[4:8], "big"), int.from_bytes(entry[8:12], "big")
            return _text(icc[start : start + size])
    return ""


def _text(tag: bytes) -> str:
    if tag[:4] == b"mluc":
        size, start = int.from_bytes(tag[20:24], "big"), int.from_bytes(tag[24:28], "big")
        return tag[start : start + size].decode("utf-16-be", "replace").strip("\0 ")
    return tag[12 : 12 + int.from_bytes(tag[8:12], "big")].decode("latin-1").strip("\0 ")


@cache
def srgb_profile() -> bytes:
    """The ICC profile of sRGB."""
    import imagecodecs

    return bytes(imagecodecs.cms_profile("srgb"))


def to_srgb(pixels: Pixels, space: Space, icc: bytes | None) -> tuple[Pixels, bool]:
    """Pixels of any space in sRGB.

    Args:
        pixels: ``(H, W)`` or ``(H, W, C)``, ``uint8`` or ``uint16``; CMYK as amounts of ink, Lab with a and b offset to
            the middle of their range.
        space: What the channels are.
        icc: Their profile. Without one that fits, CMYK is taken for plain complements, Lab for CIE Lab (D50), and RGB
            and grey for sRGB.

    Returns:
        Pixels of the same depth, grey where they were grey and RGB otherwise; and whether ``icc`` was used.
    """
    fits = icc is not None and profile_space(icc) == space
    if icc is not None and fits:
        try:
            return _transform(pixels, space, icc), True
        except RuntimeError:  # LittleCMS does not understand the profile
            pass
    if space == "lab":
        return _transform(pixels, space, _lab_profile()), False
    return (_complement(pixels) if space == "cmyk" else pixels), False


@cache
def _lab_profile() -> bytes:
    from PIL import ImageCms

    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())


def _transform(pixels: Pixels, space: Space, icc: bytes) -> Pixels:
    import imagecodecs

    result: Any = imagecodecs.cms_transform(
        pixels,
        icc,
        srgb_profile(),
        colorspace=_LCMS_NAMES[space],
        outcolorspace="rgb",
        outdtype=pixels.dtype,
        flags=_BLACK_POINT_COMPENSATION,
    )
    return np.ascontiguousarray(result[..., 0]) if space == "grey" else np.asarray(result)


def _complement(ink: Pixels) -> Pixels:
    """RGB of CMYK inks that are exact complements: ``(1 - ink)(1 - black)``, rounded."""
    full = np.iinfo(ink.dtype).max
    paper = full - ink.astype(np.uint32)
    product = paper[..., :3] * paper[..., 3:].astype(np.uint64)
    return ((product + full // 2) // full).astype(ink.dtype)
