"""TGA: the header is read here, the runs are unpacked by Pillow.

Pillow refuses 15 bits a pixel and takes the fourth byte of a pixel for alpha whatever the header says of it.

Reference: Truevision TGA File Format Specification, version 2.0.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs.arrays import joined
from upres.image.codecs.codec import Encoding
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.picture import Frame, Picture, Pixels, Source

_HEADER = 18
_FOOTER = struct.pack("<II", 0, 0) + b"TRUEVISION-XFILE.\0"
_PALETTE, _COLOR, _GREY, _RUNS = 1, 2, 3, 8
_FROM_RIGHT, _FROM_TOP = 0x10, 0x20
_RAW_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class _Header:
    id_length: int
    kind: int
    runs: bool
    first_color: int
    colors: int
    color_bits: int
    width: int
    height: int
    bits: int
    flags: int

    @property
    def alpha_bits(self) -> int:
        return self.flags & 15


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:  # noqa: ARG001
    """The picture in a TGA file."""
    data = stream.read()
    header = _header(data)
    budget.spend(header.width, header.height)
    place = _HEADER + header.id_length
    table = -(-header.color_bits // 8) * header.colors
    colors = data[place : place + table]
    values = _values(data[place + table :], header)
    if header.flags & _FROM_RIGHT:
        values = values[:, ::-1]
    if not header.flags & _FROM_TOP:
        values = values[::-1]
    notes: tuple[str, ...] = ()
    if header.kind == _PALETTE:
        frame = _from_palette(values, colors, header)
    elif header.kind == _GREY:
        frame = Frame(pixels=values[..., 0].copy(), alpha=values[..., 1].copy() if header.bits == 16 else None)
    else:
        frame = _colored(values, header.bits, header.alpha_bits)
    if frame.alpha is not None and not frame.alpha.any():
        frame, notes = Frame(pixels=frame.pixels), ("its alpha is empty and was left out",)
    mode = {_PALETTE: "palette", _GREY: "grey"}.get(header.kind, "rgb")
    return Picture(frames=(frame,), source=Source(format="tga", mode=mode), notes=notes)


def _header(data: bytes) -> _Header:
    if len(data) < _HEADER:
        raise ImageReadError("truncated TGA file")
    id_length, _, kind, first, colors, color_bits, _, _, width, height, bits, flags = struct.unpack_from(
        "<BBBHHBHHHHBB", data
    )
    header = _Header(
        id_length, kind & ~_RUNS, bool(kind & _RUNS), first, colors, color_bits, width, height, bits, flags
    )
    allowed = {_PALETTE: (8, 16), _COLOR: (15, 16, 24, 32), _GREY: (8, 16)}[header.kind]
    if bits not in allowed:
        raise ImageReadError(f"a TGA file of {bits} bits a pixel; expected one of {', '.join(map(str, allowed))}")
    return header


def _values(data: bytes, header: _Header) -> Pixels:
    """The bytes of every pixel, ``(H, W, B)``, in the order of the file."""
    size = (header.bits + 7) // 8
    shape = header.height, header.width, size
    count = header.width * header.height * size
    if not header.runs:
        if len(data) < count:
            raise ImageReadError("truncated TGA file")
        return np.frombuffer(data, np.uint8, count).reshape(shape)
    if len(data) * 128 < count:  # a run of 128 pixels takes at least two bytes
        raise ImageReadError("truncated TGA file")
    from PIL import Image

    mode = _RAW_MODES[size]
    image = Image.frombytes(mode, (header.width, header.height), data, "tga_rle", mode, 1, 8 * size)
    return np.asarray(image).reshape(shape)


def _colored(values: Pixels, bits: int, alpha_bits: int) -> Frame:
    """Colour of blue, green, red and alpha, or of five bits each."""
    if bits > 16:
        pixels = np.ascontiguousarray(values[..., 2::-1])
        return Frame(pixels=pixels, alpha=values[..., 3].copy() if bits == 32 and alpha_bits else None)
    words = values[..., 0] | values[..., 1].astype(np.uint16) << 8
    fives = np.stack([words >> 10 & 31, words >> 5 & 31, words & 31], -1)
    pixels = ((fives * 255 + 15) // 31).astype(np.uint8)
    alpha = ((words >> 15) * 255).astype(np.uint8) if bits == 16 and alpha_bits else None
    return Frame(pixels=pixels, alpha=alpha)


def _from_palette(values: Pixels, colors: bytes, header: _Header) -> Frame:
    size = -(-header.color_bits // 8)
    if header.color_bits not in (15, 16, 24, 32) or len(colors) < size * header.colors:
        raise ImageReadError("damaged TGA file (its palette)")
    index = values[..., 0].astype(np.int32)
    if header.bits == 16:
        index |= values[..., 1].astype(np.int32) << 8
    index -= header.first_color
    if index.min() < 0 or index.max() >= header.colors:
        raise ImageReadError("damaged TGA file (a colour beyond its palette)")
    table = _colored(np.frombuffer(colors, np.uint8).reshape(1, -1, size), header.color_bits, header.alpha_bits)
    alpha = None if table.alpha is None else table.alpha[0][index]
    return Frame(pixels=table.pixels[0][index], alpha=alpha)


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format, without packing, from the top."""
    frame = picture.frames[0]
    height, width = picture.size
    grey = frame.pixels.ndim == 2 and frame.alpha is None
    if not grey and frame.pixels.ndim == 2:
        frame = Frame(pixels=np.dstack([frame.pixels] * 3), alpha=frame.alpha)
    values = joined(frame)
    bits = 8 if grey else 8 * values.shape[2]
    flags = _FROM_TOP | (8 if bits == 32 else 0)
    stream.write(
        struct.pack("<BBBHHBHHHHBB", 0, 0, _GREY if grey else _COLOR, 0, 0, 0, 0, 0, width, height, bits, flags)
    )
    stream.write((values if grey else values[..., [2, 1, 0, 3][: values.shape[2]]]).tobytes())
    stream.write(_FOOTER)
