"""What a picture loses in a format that cannot hold all of it: changed here, in the open, before it is encoded."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from upres.errors import ImageWriteError
from upres.image.alpha import flatten
from upres.image.exif import exif_with_dpi
from upres.image.formats import Format
from upres.image.metadata import for_upright
from upres.image.picture import Frame, Metadata, Picture, Pixels
from upres.image.profiles import profile_space, to_srgb
from upres.image.xmp import merged, with_extension

Background = tuple[int, int, int]

WHITE: Background = (255, 255, 255)
_DPI = (1, 65535)
"""Least and most dots an inch that every format can say; no picture is printed with fewer or more."""
_WORDS = {
    "exif": "EXIF",
    "xmp": "XMP",
    "xmp_extended": "extended XMP",
    "dpi": "resolution (dpi)",
    "text": "comments",
    "iptc": "IPTC captions",
}


@dataclass
class Ledger:
    """What is given up on the way to a file."""

    lost: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def fit(picture: Picture, form: Format, ledger: Ledger, *, background: Background | None) -> Picture:
    """The picture as the format can hold it; what that costs is entered into the ledger.

    Raises:
        ImageWriteError: If it is too large for the format.
    """
    picture = _fit_frames(picture, form, ledger)
    _check_size(picture, form)
    picture = _fit_profile(picture, form, ledger, background)
    if not form.alpha and any(frame.alpha is not None for frame in picture.frames):
        ledger.lost.append(f"transparency (laid on {_color_name(background or WHITE)})")
        picture = picture.map(lambda frame: _flat(frame, background or WHITE))
    if form.bits < 16 and picture.pixels.dtype == np.uint16:
        if picture.source is None or picture.source.bits > form.bits:
            ledger.lost.append(f"depth ({form.name.upper()} is written in {form.bits} bits)")
        picture = picture.map(shallow) if form.bits == 8 else picture
    picture = _fit_pages(picture, form, ledger)
    return replace(picture, metadata=_fit_metadata(picture, form, ledger))


def _fit_pages(picture: Picture, form: Format, ledger: Ledger) -> Picture:
    """Pages with what the format can say of them."""
    if not form.pages:
        ledger.lost += picture.frames[0].page.meaning if picture.frames[0].page else ()
        return picture

    def sound(frame: Frame) -> Frame:
        if frame.page is None or _is_sound(frame.page.dpi):
            return frame
        return replace(frame, page=replace(frame.page, dpi=None))

    odd = [str(place) for place, frame in enumerate(picture.frames[1:], 2) if sound(frame) is not frame]
    if odd:
        ledger.lost.append(f"resolution of page {', '.join(odd)} (it is none that a picture has)")
    return picture.map(sound)


def _is_sound(dpi: tuple[float, float] | None) -> bool:
    return dpi is None or all(_DPI[0] <= value <= _DPI[1] for value in dpi)


def _fit_frames(picture: Picture, form: Format, ledger: Ledger) -> Picture:
    count = len(picture.frames)
    if count == 1:
        return picture
    if picture.is_animation and form.pages:
        ledger.lost.append("the animation's timing (its frames became pages)")
        return picture.map(lambda frame: replace(frame, duration_ms=None))
    if picture.loop and not form.counts_plays:
        ledger.lost.append(f"number of plays ({picture.loop}; {form.name.upper()} plays for ever)")
    if form.animation if picture.is_animation else form.pages:
        return _fit_times(picture, form, ledger) if picture.is_animation else picture
    ledger.lost.append(f"{'frames' if picture.is_animation else 'pages'} 2 to {count}")
    return replace(picture, frames=(replace(picture.frames[0], duration_ms=None),))


def _fit_times(picture: Picture, form: Format, ledger: Ledger) -> Picture:
    """Plays and delays that the format's fields can count; a picture's file may name any."""
    if form.counts_plays and picture.loop > form.max_plays:
        ledger.lost.append(f"number of plays ({picture.loop}; {form.name.upper()} counts to {form.max_plays})")
        picture = replace(picture, loop=form.max_plays)
    longest = max(frame.duration_ms or 0 for frame in picture.frames)
    if longest > form.max_delay_ms:
        ledger.lost.append(
            f"delays of {longest / 1000:g} s ({form.name.upper()} counts to {form.max_delay_ms / 1000:g} s)"
        )
        limit = float(form.max_delay_ms)
        picture = picture.map(lambda frame: replace(frame, duration_ms=min(frame.duration_ms or 0.0, limit)))
    return picture


def _check_size(picture: Picture, form: Format) -> None:
    for frame in picture.frames:
        height, width = frame.pixels.shape[:2]
        if max(height, width) > form.max_side:
            raise ImageWriteError(
                f"{width}x{height} pixels are too many for {form.name.upper()}, which holds {form.max_side} a side; "
                "write PNG or TIFF instead"
            )
    if picture.is_animation and len({frame.pixels.shape[:2] for frame in picture.frames}) > 1:
        raise ValueError("the frames of an animation must have one size")


def _fit_profile(picture: Picture, form: Format, ledger: Ledger, background: Background | None) -> Picture:
    """Convert to sRGB where the file could not say what the values mean."""
    icc = picture.metadata.icc
    if icc is None:
        return picture
    grey_becomes_rgb = profile_space(icc) == "grey" and (
        not form.grey
        or any(frame.pixels.ndim == 3 for frame in picture.frames)
        or (picture.alpha is not None and (not form.grey_with_alpha or len(set(background or WHITE)) > 1))
    )
    if "icc" in form.metadata and not grey_becomes_rgb:
        return picture
    ledger.lost.append("colour profile (the colours were converted to sRGB)")

    def convert(frame: Frame) -> Frame:
        return replace(frame, pixels=to_srgb(frame.pixels, "grey" if frame.pixels.ndim == 2 else "rgb", icc)[0])

    return replace(picture.map(convert), metadata=replace(picture.metadata, icc=None))


def _flat(frame: Frame, background: Background) -> Frame:
    if frame.alpha is None:
        return frame
    return replace(frame, pixels=flatten(frame.pixels, frame.alpha, background), alpha=None)


def shallow(frame: Frame) -> Frame:
    """The frame in 8 bits."""
    return replace(frame, pixels=_to_8_bit(frame.pixels), alpha=None if frame.alpha is None else _to_8_bit(frame.alpha))


def _to_8_bit(array: Pixels) -> Pixels:
    """16 bits rounded to 8; adding 128 and dividing by 257 in wider integers is exact."""
    result: Pixels = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return result


def _fit_metadata(picture: Picture, form: Format, ledger: Ledger) -> Metadata:
    metadata = for_upright(picture.metadata, *picture.size)
    if metadata.dpi and not _is_sound(metadata.dpi):
        ledger.lost.append("resolution ({:g} x {:g} dpi is none that a picture has)".format(*metadata.dpi))
        metadata = replace(metadata, dpi=None)
    metadata = _join_xmp(metadata, form, ledger)
    if metadata.dpi and not metadata.exif and form.dpi_in_exif:
        metadata = replace(metadata, exif=exif_with_dpi(metadata.dpi))
    for name, word in _WORDS.items():
        value = getattr(metadata, name)
        if not value:
            continue
        if name not in form.metadata:
            ledger.lost.append(word)
        elif len(value) > form.metadata_limits.get(name, len(value)):
            most = round(form.metadata_limits[name] / 1024)
            ledger.lost.append(f"{word} (over the {most} kB that {form.name.upper()} can hold)")
        elif name == "text" and form.keyless_comments and {key for key, _ in value} != {"Comment"}:
            ledger.lost.append(word)
        else:
            continue
        nothing: Any = () if name == "text" else None
        metadata = replace(metadata, **{name: nothing})
    return metadata if metadata.xmp else replace(metadata, xmp_extended=None)


def _join_xmp(metadata: Metadata, form: Format, ledger: Ledger) -> Metadata:
    """One packet in formats that hold any length."""
    xmp, extended = metadata.xmp, metadata.xmp_extended
    if not xmp or not extended or "xmp" not in form.metadata or "xmp_extended" in form.metadata:
        return metadata
    joined = merged(xmp, extended)
    if joined is None:
        ledger.lost.append(_WORDS["xmp_extended"])
    return replace(metadata, xmp=joined or with_extension(xmp, None), xmp_extended=None)


def _color_name(color: Background) -> str:
    names = {WHITE: "white", (0, 0, 0): "black"}
    return names.get(color, "#{:02x}{:02x}{:02x}".format(*color))
