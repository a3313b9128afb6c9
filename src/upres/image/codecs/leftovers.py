"""What files hold beside what their decoders give: handed on, or named in the notes of reading.

Reference: PNG specification (third edition), section 5.6; WebP container specification; GIF89a, sections 25 and 26;
ISO/IEC 23008-12, sections 6.5.8 (auxiliary pictures) and 6.6.2 (derived ones).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from upres.image.codecs import jpeg_segments, png_chunks
from upres.image.codecs.jpeg_segments import GAIN_MAP, NOT_SQUARE
from upres.image.picture import Picture

# Chunks that describe the pixels, are handed on, or speak of the file and not of the picture.
_PNG = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP tEXt zTXt iTXt bKGD hIST pHYs eXIf tIME acTL fcTL fdAT "
    b"iDOT CgBI".split()
)
_WEBP = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ANIM", b"ANMF", b"ALPH", b"ICCP", b"EXIF", b"XMP "})
_GIF = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"XMP DataXMP"})
_GIF_TEXT, _GIF_APPLICATION = 0x01, 0xFF
_AUXILIARY = re.compile(rb"auxC\0{4}(urn:[\x21-\x7e]+)\0")


def with_leftovers(picture: Picture, stream: BinaryIO, kind: str) -> Picture:
    """The picture with what its decoder passed by, and notes of what nobody hands on.

    Args:
        picture: As decoded.
        stream: Its file.
        kind: Name of its format; nothing is added for formats whose codec notes such things itself.
    """
    if kind != "jpeg" and kind not in _NOTES:
        return picture
    stream.seek(0)
    data = stream.read()
    return jpeg_segments.carried(picture, data) if kind == "jpeg" else picture.noting(*_NOTES[kind](data))


def of_png(data: bytes) -> tuple[str, ...]:
    """Notes of chunks that are left out, and of comments whose keyword another one has."""
    every = list(png_chunks.chunks(data))
    notes = _note("PNG chunks", (name for name, _ in every if name not in _PNG))
    odd = any(name == b"pHYs" and content[8:9] == b"\0" and content[:4] != content[4:8] for name, content in every)
    notes += (NOT_SQUARE,) * odd
    keywords = Counter(content.partition(b"\0")[0] for name, content in every if name in (b"tEXt", b"zTXt", b"iTXt"))
    again = sum(count - 1 for count in keywords.values())
    return (*notes, f"{again} comments whose keyword another one has were left out") if again else notes


def of_webp(data: bytes) -> tuple[str, ...]:
    """Notes of chunks that are left out."""
    found, place = list[bytes](), 12
    while place + 8 <= len(data):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        found.append(data[place : place + 4])
        place += 8 + size + size % 2
    return _note("WebP chunks", (name for name in found if name not in _WEBP))


def of_gif(data: bytes) -> tuple[str, ...]:
    """Notes of extensions that are left out."""
    return _note("GIF extensions", (name for name in _gif_extensions(data) if name not in _GIF))


def of_iso(data: bytes) -> tuple[str, ...]:
    """Notes of the pictures that an AVIF or HEIF file adds to its main one."""
    place = data.find(b"meta", 0, 4096)
    size = int.from_bytes(data[place - 4 : place], "big") if place >= 4 else 0
    described = data[place : place + size]
    kinds = {kind.decode() for kind in _AUXILIARY.findall(described) if not kind.endswith(b":alpha")}
    gains = {kind for kind in kinds if "gainmap" in kind.lower()}
    notes = (GAIN_MAP,) if gains or b"tmap" in described else ()
    others = sorted(kinds - gains)
    return (*notes, f"auxiliary pictures left out: {', '.join(others)}") if others else notes


def _gif_extensions(data: bytes) -> Iterator[bytes]:
    place = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while place + 1 < len(data) and data[place] in b"!,":
        kind = data[place + 1] if data[place] == 0x21 else None
        if kind is None:
            flags = data[place + 9] if place + 9 < len(data) else 0
            place += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            place += 2
        if kind == _GIF_APPLICATION:
            yield data[place + 1 : place + 12]
        elif kind == _GIF_TEXT:
            yield b"plain text"
        while place < len(data) and data[place]:
            place += data[place] + 1
        place += 1


def _note(what: str, names: Iterable[bytes]) -> tuple[str, ...]:
    found = dict.fromkeys("".join(chr(byte) if 32 < byte < 127 else " " for byte in name).strip() for name in names)
    return (f"{what} left out: {', '.join(found)}",) if found else ()


_NOTES: dict[str, Callable[[bytes], tuple[str, ...]]] = {
    "png": of_png,
    "webp": of_webp,
    "gif": of_gif,
    "avif": of_iso,
    "heif": of_iso,
}
