"""JPEG XL: pixels by imagecodecs; all that is said about them, by the modules beside this one.

imagecodecs gives and takes no profile, no EXIF, no XMP and no time; it writes 16-bit pictures as linear light.
"""

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs import jxl_boxes, jxl_frames
from upres.image.codecs.arrays import frame_of, joined
from upres.image.codecs.codec import Encoding
from upres.image.codecs.encode_pillow import image_of, save
from upres.image.codecs.jxl_bits import BitWriter
from upres.image.codecs.jxl_header import Color, Header, animation_field, color_field, read_header, with_header
from upres.image.codecs.jxl_icc import read_icc
from upres.image.codecs.tiff_samples import stretched, unmultiplied
from upres.image.colorimetry import profile_of_code_points, profile_of_places
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.metadata import collect
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space, profile_space, to_srgb

_QUALITY = 95
# On a photograph of 512x512 (2-core machine under load): with loss 5 takes 0.14 s and gains 1.7 dB on 4; without loss 3
# takes 0.12 s and is 2 % larger than 5, which takes 0.5 s.
_EFFORTS = {False: 5, True: 3}
_P3, _DISPLAY_P3, _D65, _DCI_WHITE = 11, 12, 1, 11
_DCI_CURVE = 17
_WHITES = {1: (0.3127, 0.3290), 10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
_PRIMARIES = {
    1: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_GAMMAS = {8: 1.0, _DCI_CURVE: 2.6}
_CONVERTED = "its colours were converted to sRGB"


@dataclass(frozen=True)
class _Shown:
    """What a codestream will give when it is decoded."""

    durations_ms: list[float]
    lossless: bool


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The picture in a JPEG XL file, ``uint16`` where it holds more than 8 bits; layers are laid on each other."""
    data = stream.read()
    parts = jxl_boxes.split(data)
    header = read_header(parts.codestream)
    budget.check(header.width, header.height)
    icc, frames_at = None, header.frames_at
    if header.color.has_icc:
        icc, end = read_icc(parts.codestream, header.end)
        frames_at = (end + 7) // 8
    shown = _walk(parts.codestream, header, frames_at, budget, only_first=only_first)
    notes = []
    if icc is None:
        icc, note = _named_profile(header.color)
        notes += [note] if note else []
    elif profile_space(icc) == "cmyk":
        raise ImageReadError("a JPEG XL picture of inks (CMYK); convert it to RGB first")
    elif header.xyb:  # the library would give linear light, with 8 bits
        data = with_header(parts.codestream, color=color_field(grey=header.color.grey), frames_at=frames_at)
        icc = None
        notes.append(_CONVERTED)
    frames = _frames(data, header, shown)
    space: Space = "grey" if frames[0].pixels.ndim == 2 else "rgb"
    # Turns and mirrors are in the codestream and have been carried out; EXIF's orientation only repeats them.
    collected = collect(space=space, icc=icc, exif=parts.exif, xmp=parts.xmp)
    return Picture(
        frames=frames,
        metadata=collected.metadata,
        source=Source(format="jxl", mode=space, bits=min(header.bits, 16), lossless=shown.lossless),
        loop=header.animation.plays if header.animation and len(frames) > 1 else 0,
        notes=(*collected.notes, *notes),
    )


def _walk(data: bytes, header: Header, frames_at: int, budget: Budget, *, only_first: bool) -> _Shown:
    """What is shown, after the budget was asked for every frame."""
    ticks = header.animation.ticks_per_second if header.animation else Fraction(1)
    planes = -(-(header.color_channels + header.extra_channels) // 4)
    durations: list[float] = []
    lossless = not header.xyb
    for count, frame in enumerate(jxl_frames.frames(data, header, frames_at), 1):
        budget.check(frame.width, frame.height, planes)
        budget.check(header.width, header.height, count * planes)
        lossless = lossless and frame.modular
        if frame.shown:
            durations.append(float(1000 * frame.duration / ticks))
    if not header.animation:
        durations = durations[-1:]
    budget.spend(header.width, header.height, 1 if only_first else len(durations))
    return _Shown(durations[:1] if only_first else durations, lossless)


def _frames(data: bytes, header: Header, shown: _Shown) -> tuple[Frame, ...]:
    import imagecodecs

    count = len(shown.durations_ms)
    array = imagecodecs.jpegxl_decode(data, index=0 if count == 1 else None)
    arrays = [array] if count == 1 else list(array)
    if len(arrays) != count:
        raise ImageReadError(f"damaged JPEG XL file ({len(arrays)} frames instead of {count})")
    durations: list[Any] = [None] if count == 1 else shown.durations_ms
    return tuple(_frame(each, header, duration) for each, duration in zip(arrays, durations, strict=True))


def _frame(array: Pixels, header: Header, duration_ms: float | None) -> Frame:
    if array.ndim == 3 and header.color_channels == 1 and not header.has_alpha:
        array = array[0]  # the planes behind it are none of a picture
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):  # written so that NaN fails too
            raise ImageReadError(f"a JPEG XL picture of floats from {low:g} to {high:g}; expected values in [0, 1]")
        samples = np.rint(array.astype(np.float64) * 65535).astype(np.uint16)
    else:
        samples = stretched(array, header.bits)
    frame = frame_of(samples, duration_ms)
    if not header.multiplied or frame.alpha is None:
        return frame
    color = frame.pixels if frame.pixels.ndim == 3 else frame.pixels[..., None]
    straight = unmultiplied(color, frame.alpha).reshape(frame.pixels.shape)
    return Frame(pixels=straight, alpha=frame.alpha, duration_ms=duration_ms)


def _named_profile(color: Color) -> tuple[bytes | None, str | None]:
    """The profile of what the header names, ``None`` for sRGB; and a sentence where no profile says it."""
    curve = 1 / color.gamma if color.gamma else _GAMMAS.get(color.transfer)
    if curve is None and color.white == _D65 and isinstance(color.primaries, int):
        code = _DISPLAY_P3 if color.primaries == _P3 else color.primaries
        return profile_of_code_points(code, color.transfer, grey=color.grey)
    white = _WHITES.get(color.white) if isinstance(color.white, int) else color.white
    places = _PRIMARIES.get(color.primaries) if isinstance(color.primaries, int) else color.primaries
    if white is None or places is None:
        return None, "its colours have no known meaning and were taken for sRGB"
    _, note = profile_of_code_points(1, color.transfer)
    return profile_of_places((*white, *places), curve, grey=color.grey), note


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format; with loss it is in sRGB, without it keeps its profile."""
    import imagecodecs

    metadata, grey = picture.metadata, picture.pixels.ndim == 2
    icc = metadata.icc
    if icc is not None and _is_srgb(icc):
        icc = None
    elif icc is not None and not encoding.lossless:
        ledger.lost.append("colour profile (the colours were converted to sRGB)")
        picture = replace(picture, frames=tuple(_in_srgb(frame, icc) for frame in picture.frames))
        icc = None
    arrays = [joined(frame) for frame in picture.frames]
    if not encoding.lossless and picture.pixels.dtype == np.uint16:
        arrays = [_linear(array) for array in arrays]
    how: dict[str, Any] = {"lossless": True} if encoding.lossless else {"level": encoding.quality or _QUALITY}
    pixels = arrays[0] if len(arrays) == 1 else np.stack(arrays)
    data = bytes(imagecodecs.jpegxl_encode(pixels, effort=_EFFORTS[encoding.lossless], **how))
    parts = jxl_boxes.split(data)
    codestream = _named(parts.codestream, picture, icc, ledger, grey=grey)
    whole = jxl_boxes.Parts(codestream=codestream, exif=metadata.exif, xmp=metadata.xmp, level=parts.level)
    stream.write(jxl_boxes.join(whole))


def _named(data: bytes, picture: Picture, icc: bytes | None, ledger: Ledger, *, grey: bool) -> bytes:
    """The codestream with what imagecodecs cannot say: colour and time."""
    if len(picture.frames) > 1:
        ticks = [round(100 * duration) for duration in (frame.duration_ms or 0.0 for frame in picture.frames)]
        data = jxl_frames.with_durations(data, read_header(data), ticks)
        data = with_header(data, animation=animation_field(Fraction(100000), picture.loop))
    if icc is not None:
        profile = _encoded(icc, ledger, grey=grey)
        if profile is not None:
            return with_header(data, color=color_field(grey=grey, icc=True), icc=profile)
    if picture.pixels.dtype == np.uint16:
        return with_header(data, color=color_field(grey=grey))
    return data


def _encoded(icc: bytes, ledger: Ledger, *, grey: bool) -> BitWriter | None:
    """The profile as a codestream holds it: taken from the one into which imagecodecs turns a JPEG that has it."""
    import imagecodecs

    donor = io.BytesIO()
    pixel = Frame(pixels=np.zeros((8, 8) if grey else (8, 8, 3), np.uint8))
    save([image_of(pixel)], donor, "jpeg", {"icc_profile": icc})
    try:
        data = jxl_boxes.split(bytes(imagecodecs.jpegxl_encode_jpeg(donor.getvalue()))).codestream
        start = read_header(data).end
        found, end = read_icc(data, start)
    except (RuntimeError, ImageReadError):
        found = b""
    if found != icc:
        ledger.lost.append("colour profile (JPEG XL refuses it; the values are unchanged)")
        return None
    writer = BitWriter()
    writer.copy(data, start, end)
    return writer


def _is_srgb(icc: bytes) -> bool:
    """Whether a profile changes no colour by more than rounding."""
    if profile_space(icc) != "rgb":
        return False
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    probe = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    return int(np.abs(to_srgb(probe, "rgb", icc)[0].astype(int) - probe).max()) <= 1


def _in_srgb(frame: Frame, icc: bytes) -> Frame:
    space = profile_space(icc)
    if space not in ("rgb", "grey"):
        return frame
    pixels = to_srgb(frame.pixels, space, icc)[0]
    if frame.pixels.ndim == 2 and pixels.ndim == 3:
        pixels = pixels[..., 1]
    return Frame(pixels=pixels, alpha=frame.alpha, duration_ms=frame.duration_ms)


def _linear(array: Pixels) -> Pixels:
    """16-bit values of sRGB as light; alpha stays."""
    table = np.arange(65536) / 65535
    table = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    light = np.rint(table * 65535).astype(np.uint16)
    if array.ndim == 2:
        return light[array]
    colors = array.shape[2] - (array.shape[2] in (2, 4))
    return np.concatenate([light[array[..., :colors]], array[..., colors:]], axis=2)
