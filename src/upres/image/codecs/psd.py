"""PSD, read only: the flattened picture that lies behind the layers.

Reference: Adobe, Photoshop File Formats Specification (2019).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs.decode_pillow import cmyk_to_rgb, turned
from upres.image.metadata import collect
from upres.image.picture import Frame, Picture, Pixels, Source
from upres.image.profiles import Space, srgb_profile, to_srgb

_BITMAP, _GREY, _INDEXED, _RGB, _CMYK, _DUOTONE, _LAB = 0, 1, 2, 3, 4, 8, 9
_CHANNELS = {_BITMAP: 1, _GREY: 1, _INDEXED: 1, _RGB: 3, _CMYK: 4, _DUOTONE: 1, _LAB: 3}
_MODES = {_BITMAP: "1-bit", _INDEXED: "palette", _RGB: "rgb", _CMYK: "cmyk", _LAB: "lab"}
_SPACES: dict[int, Space] = {_INDEXED: "rgb", _RGB: "rgb", _CMYK: "cmyk", _LAB: "lab"}
_RESOLUTION, _IPTC, _ICC, _VERSION, _EXIF, _XMP = 1005, 1028, 1039, 1057, 1058, 1060
_RAW, _RUNS, _ZIP = 0, 1, 2


@dataclass(frozen=True)
class _Header:
    channels: int
    height: int
    width: int
    bits: int
    mode: int

    @property
    def row(self) -> int:
        """Bytes of a row of one channel."""
        return (self.width * self.bits + 7) // 8


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:  # noqa: ARG001
    """The flattened picture in a PSD file, ``uint16`` where it holds 16 bits."""
    data = stream.read()
    header = _header(data)
    budget.spend(header.width, header.height)
    colors, place = _section(data, 26)
    content, place = _section(data, place)
    layers, place = _section(data, place)
    resources = dict(_resources(content))
    if resources.get(_VERSION, b"\0\0\0\0\1")[4:5] == b"\0":
        raise ImageReadError("it holds layers but no flattened picture; save it with maximized compatibility")
    count = _CHANNELS[header.mode]
    transparent = header.channels > count and _is_transparent(layers)
    planes = _planes(data[place:], header, count + transparent)
    notes = []
    if header.channels > count + transparent:
        notes.append("channels that are neither colour nor alpha were left out")
    if layers:
        notes.append("its layers were left out; the flattened picture was read")
    alpha = planes[..., count].copy() if transparent else None
    collected = collect(
        space=_SPACES.get(header.mode, "grey"),
        icc=resources.get(_ICC),
        exif=resources.get(_EXIF),
        xmp=resources.get(_XMP),
        dpi=_dpi(resources.get(_RESOLUTION, b"")),
        iptc=_block(_IPTC, resources[_IPTC]) if _IPTC in resources else None,
    )
    pixels, note = _color(planes[..., :count], header.mode, colors, collected.metadata.icc)
    metadata = collected.metadata
    if note:
        notes.append(note)
        metadata = replace(metadata, icc=srgb_profile())
    if alpha is not None:
        pixels = _without_white(pixels, alpha)
    source = Source(format="psd", mode=_MODES.get(header.mode, "grey"), bits=max(header.bits, 8))
    frame = turned(Frame(pixels=pixels, alpha=alpha), collected.orientation)
    return Picture(frames=(frame,), metadata=metadata, source=source, notes=(*collected.notes, *notes))


def _header(data: bytes) -> _Header:
    try:
        header = _Header(*struct.unpack_from(">HIIHH", data, 12))
    except struct.error:
        raise ImageReadError("truncated PSD file") from None
    if header.mode not in _CHANNELS:
        raise ImageReadError(f"a PSD file in a colour mode that upres does not read ({header.mode}); convert it to RGB")
    depths = {_BITMAP: (1,), _INDEXED: (8,)}.get(header.mode, (8, 16))
    if header.bits not in depths:
        raise ImageReadError(f"a PSD file of {header.bits} bits a channel; convert it to 8 or 16")
    if header.channels < _CHANNELS[header.mode]:
        raise ImageReadError("damaged PSD file (channels are missing)")
    return header


def _section(data: bytes, place: int) -> tuple[bytes, int]:
    """A part behind its length, and where it ends."""
    start = place + 4
    end = start + int.from_bytes(data[place:start], "big")
    if end > len(data):
        raise ImageReadError("truncated PSD file")
    return data[start:end], end


def _resources(content: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while content[place : place + 4] == b"8BIM" and place + 12 <= len(content):
        number = int.from_bytes(content[place + 4 : place + 6], "big")
        place += 6 + (content[place + 6] + 2 & ~1)
        size = int.from_bytes(content[place : place + 4], "big")
        yield number, content[place + 4 : place + 4 + size]
        place += 4 + (size + 1 & ~1)


def _block(number: int, content: bytes) -> bytes:
    head = struct.pack(">4sHHI", b"8BIM", number, 0, len(content))
    return head + content + bytes(len(content) % 2)


def _dpi(content: bytes) -> tuple[float, float] | None:
    if len(content) < 12:
        return None
    across, down = (int.from_bytes(content[start : start + 4], "big") / 65536 for start in (0, 8))
    return (across, down) if across > 0 and down > 0 else None


def _is_transparent(layers: bytes) -> bool:
    """Whether the first channel behind the colours is the flattened picture's opacity: the count of layers says so."""
    return len(layers) >= 6 and int.from_bytes(layers[4:6], "big", signed=True) < 0


def _planes(data: bytes, header: _Header, count: int) -> Pixels:
    """The first channels, ``(H, W, count)``."""
    packing = int.from_bytes(data[:2], "big")
    needed = header.row * header.height * count
    if packing == _RAW:
        content = data[2 : 2 + needed]
    elif packing == _RUNS:
        content = _unpacked(data[2:], header, count)
    elif packing == _ZIP:
        content = zlib.decompressobj().decompress(data[2:], needed) if needed else b""
    else:
        raise ImageReadError(f"a PSD file packed in a way that upres does not read ({packing})")
    if len(data) < 2 or len(content) < needed:
        raise ImageReadError("truncated PSD file")
    if header.bits == 1:
        rows = np.frombuffer(content, np.uint8).reshape(header.height, header.row)
        return ((1 - np.unpackbits(rows, axis=1, count=header.width)) * 255)[..., None]
    kind = np.dtype(">u2" if header.bits == 16 else "u1")
    planes = np.frombuffer(content, kind).reshape(count, header.height, header.width)
    return np.ascontiguousarray(planes.transpose(1, 2, 0), kind.newbyteorder("="))


def _unpacked(data: bytes, header: _Header, count: int) -> bytes:
    import imagecodecs

    rows = header.height * header.channels
    lengths = np.frombuffer(data[: 2 * rows], ">u2").astype(np.int64)
    if lengths.size < rows or 2 * rows + int(lengths.sum()) > len(data):
        raise ImageReadError("truncated PSD file")
    ends = 2 * rows + np.cumsum(lengths)
    result = bytearray()
    for end, length in zip(ends[: header.height * count].tolist(), lengths.tolist(), strict=False):
        row = bytes(imagecodecs.packbits_decode(data[end - length : end], out=header.row))
        if len(row) != header.row:
            raise ImageReadError("damaged PSD file (a row is too short)")
        result += row
    return bytes(result)


def _color(planes: Pixels, mode: int, colors: bytes, icc: bytes | None) -> tuple[Pixels, str | None]:
    """Colour as grey or RGB, and a sentence where it was converted to sRGB."""
    if mode == _INDEXED:
        if len(colors) != 768:
            raise ImageReadError("damaged PSD file (its palette)")
        return np.frombuffer(colors, np.uint8).reshape(3, 256).T[planes[..., 0]], None
    if mode == _CMYK:
        pixels, note, _ = cmyk_to_rgb(np.iinfo(planes.dtype).max - planes, icc)  # stored as what is left of the paper
        return pixels, note
    if mode == _LAB:
        return to_srgb(np.ascontiguousarray(planes), "lab", icc)[0], "CIE Lab was converted to sRGB"
    return (np.ascontiguousarray(planes) if mode == _RGB else planes[..., 0].copy()), None


def _without_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Colour from under the white on which Photoshop lays what is not opaque."""
    full = int(np.iinfo(pixels.dtype).max)
    opacity: Any = alpha.astype(np.int64) if pixels.ndim == 2 else alpha.astype(np.int64)[..., None]
    shown = pixels.astype(np.int64) - (full - opacity)
    straight = (shown * full + opacity // 2) // np.maximum(opacity, 1)
    return np.where(opacity == 0, full, straight.clip(0, full)).astype(pixels.dtype)
