"""PPM, PGM, PBM and PAM: samples as they are behind a header of words.

Reference: the manual pages pbm(5), pgm(5), ppm(5) and pam(5) of Netpbm.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from upres.errors import ImageReadError
from upres.image.budget import Budget
from upres.image.codecs.arrays import frame_of
from upres.image.codecs.codec import Encoding
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.palette import bilevel, is_bilevel
from upres.image.picture import Picture, Pixels, Source

_WORD = re.compile(rb"(?:\s|#[^\n\r]*)*([^\s#]+)")
_COMMENT = re.compile(rb"#[^\n\r]*")
_MOST = 65535
_PAM_CHANNELS = {b"BLACKANDWHITE": 1, b"GRAYSCALE": 1, b"GRAYSCALE_ALPHA": 2, b"RGB": 3, b"RGB_ALPHA": 4}


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    channels: int
    top: int
    """The sample that is white."""
    start: int
    """Where the samples begin."""
    text: bool = False
    """Whether they are written in digits."""
    bitmap: bool = False
    """Whether they are bits, 1 for black."""

    @property
    def count(self) -> int:
        return self.width * self.height * self.channels


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The first picture in a file, ``uint16`` where white is above 255."""
    data = stream.read()
    header = _pam(data) if data[1:2] == b"7" else _classic(data)
    budget.spend(header.width, header.height)
    if header.text:
        samples, end = _of_text(data, header), len(data)
    else:
        samples, end = _of_bytes(data, header)
    array = samples.reshape(header.height, header.width, header.channels)
    if header.bitmap:
        array = 1 - array
    frame = frame_of(_full_range(array, header.top), None)
    bits = header.top.bit_length()
    mode = "1-bit" if bits == 1 and header.channels == 1 else "grey" if header.channels < 3 else "rgb"
    picture = Picture(frames=(frame,), source=Source(format="ppm", mode=mode, bits=max(bits, 8)))
    further = not only_first and re.match(rb"\s*P[1-7]\s", data[end:])
    return picture.noting("further pictures in the file were left out") if further else picture


def _classic(data: bytes) -> _Header:
    """The header of all kinds but PAM: numbers, comments between them, one blank."""
    kind = int(data[1:2])
    bitmap = kind in (1, 4)
    place, numbers = 2, []
    for _ in range(2 if bitmap else 3):
        number, place = _number(data, place)
        numbers.append(number)
    top = 1 if bitmap else numbers[2]
    return _checked(
        _Header(numbers[0], numbers[1], 3 if kind in (3, 6) else 1, top, place + 1, text=kind < 4, bitmap=bitmap)
    )


def _number(data: bytes, place: int) -> tuple[int, int]:
    found = _WORD.match(data, place)
    if found is None or not found[1].isdigit() or len(found[1]) > 9:
        raise ImageReadError("damaged PPM file (its header lacks a number)")
    return int(found[1]), found.end()


def _pam(data: bytes) -> _Header:
    """The header of a PAM: lines of a name and a value."""
    end = data.find(b"ENDHDR\n", 0, 4096)
    if end < 0:
        raise ImageReadError("damaged PPM file (its header has no end)")
    lines = [line.split() for line in data[2:end].splitlines() if line.strip() and not line.startswith(b"#")]
    fields = {line[0]: line[1] for line in lines if len(line) == 2}
    sizes = [fields.get(name, b"") for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")]
    if not all(size.isdigit() and len(size) < 10 for size in sizes):
        raise ImageReadError("damaged PPM file (its header lacks a number)")
    width, height, channels, top = (int(size) for size in sizes)
    if channels != _PAM_CHANNELS.get(fields.get(b"TUPLTYPE", b""), channels) or not 1 <= channels <= 4:
        raise ImageReadError(f"a PAM of {channels} channels a pixel; expected grey or RGB, with or without alpha")
    return _checked(_Header(width, height, channels, top, end + len(b"ENDHDR\n")))


def _checked(header: _Header) -> _Header:
    if not 1 <= header.top <= _MOST:
        raise ImageReadError(f"damaged PPM file (white is {header.top}, expected 1 to {_MOST})")
    return header


def _of_text(data: bytes, header: _Header) -> Pixels:
    text = _COMMENT.sub(b"", data[header.start :])
    if header.bitmap:
        samples = np.frombuffer(re.sub(rb"[^01]", b"", text), np.uint8) - ord("0")
    else:
        if len(text) < 2 * header.count - 1:
            raise ImageReadError("truncated PPM file")
        samples = np.array(text.split(maxsplit=header.count)[: header.count], np.bytes_).astype(np.uint32)
    if samples.size < header.count:
        raise ImageReadError("truncated PPM file")
    return samples[: header.count]


def _of_bytes(data: bytes, header: _Header) -> tuple[Pixels, int]:
    """The samples, and where they end."""
    if header.bitmap:
        row = (header.width + 7) // 8
        end = header.start + row * header.height
        _require(data, end)
        packed = np.frombuffer(data[header.start : end], np.uint8).reshape(header.height, row)
        return np.unpackbits(packed, axis=1, count=header.width), end
    kind = np.dtype(">u2" if header.top > 255 else "u1")
    end = header.start + header.count * kind.itemsize
    _require(data, end)
    return np.frombuffer(data, kind, header.count, header.start), end


def _require(data: bytes, end: int) -> None:
    if end > len(data):
        raise ImageReadError("truncated PPM file")


def _full_range(samples: Pixels, top: int) -> Pixels:
    if samples.max() > top:
        raise ImageReadError(f"damaged PPM file (a sample of {samples.max()}, although white is {top})")
    target, full = (np.uint16, 65535) if top > 255 else (np.uint8, 255)
    if top == full:
        return samples.astype(target)
    return ((samples.astype(np.uint64) * full + top // 2) // top).astype(target)


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format: RGB as PPM, grey as PGM, what was of 1 bit as PBM."""
    pixels = picture.pixels
    height, width = picture.size
    if encoding.colors == "keep" and is_bilevel(picture):
        stream.write(f"P4\n{width} {height}\n".encode())
        stream.write(np.packbits(~bilevel(picture.frames[0]), axis=1).tobytes())
        return
    kind = "P6" if pixels.ndim == 3 else "P5"
    stream.write(f"{kind}\n{width} {height}\n{np.iinfo(pixels.dtype).max}\n".encode())
    stream.write(np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).tobytes())
