"""JPEG files as markers: what decoding will take, and whether there is data for every block.

libjpeg fills what is missing before a marker with grey and only warns, which nobody hears; it decodes as many scans as
a file says it has.

Reference: ITU-T T.81, annexes B, F and G.
"""

import re
import struct
from dataclasses import dataclass, field
from math import ceil

from upres.errors import ImageReadError

_EOI, _SOS, _DRI, _COM = 0xD9, 0xDA, 0xDD, 0xFE
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
# The first marker behind entropy-coded data that is neither a stuffed byte nor a restart.
_NEXT = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# Any bits will do that are no marker and begin unlike the zeros which libjpeg puts in for missing ones.
_OTHER_BITS = b"\xfe\xfd\xfb\xf7" + bytes((89 * place + 237) % 251 for place in range(252))

MOST_SCANS = 100
"""Encoders write about ten; each takes as long as a picture."""


@dataclass
class Scan:
    """A scan's entropy-coded data, as positions in the file."""

    start: int
    end: int
    components: int
    first: int
    """Index of its first component."""
    interval: int
    """Units between restarts; 0 where there are none."""


@dataclass
class Layout:
    """What the markers of a JPEG file say."""

    process: int = 0
    """Low byte of the frame's marker."""
    bits: int = 8
    width: int = 0
    height: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Component -> its horizontal and vertical sampling factors."""
    scans: list[Scan] = field(default_factory=list)
    ended: bool = False
    """Whether the end mark is there."""

    @property
    def is_huffman(self) -> bool:
        """Whether what is missing is missing: arithmetic coders leave out trailing zeros."""
        return self.process in _HUFFMAN

    @property
    def densest(self) -> float:
        """Most pixels that a byte can stand for.

        A block of 8x8 takes two bits at least, one in a progressive file; where colour is stored, there are more
        blocks than those of the densest component.
        """
        if not self.is_huffman:
            return 2.0**19
        return 512.0 if self.process in _PROGRESSIVE else 256.0


def layout_of(data: bytes) -> Layout:
    """The layout of the first picture in a file.

    Raises:
        ImageReadError: If a marker breaks off before the first scan, or there are too many scans.
    """
    layout = Layout()
    position, interval = 2, 0
    while (code := _marker(data, position)) is not None and code != _EOI:
        while data[position + 1] == 0xFF:
            position += 1
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        content = data[position + 4 : position + 2 + length]
        if length < 2 or len(content) < length - 2:
            break
        position += 2 + length
        if 0xC0 <= code <= 0xCF and code not in _NOT_FRAMES:
            _read_frame(layout, code, content)
        elif code == _DRI and len(content) >= 2:
            interval = int.from_bytes(content[:2], "big")
        elif code == _SOS and content:
            following = _NEXT.search(data, position)
            end = following.start() if following else len(data)
            layout.scans.append(Scan(position, end, content[0], content[1] if len(content) > 1 else 0, interval))
            position = end
            if len(layout.scans) > MOST_SCANS:
                raise ImageReadError(f"a JPEG file of more than {MOST_SCANS} scans; save it anew with fewer")
    layout.ended = _marker(data, position) == _EOI
    return layout


def _marker(data: bytes, position: int) -> int | None:
    """Code of the marker at a position, fill bytes passed over, or ``None`` where there is none."""
    found = _MARKER.match(data, position)
    return None if found is None else found[1][0]


def _read_frame(layout: Layout, code: int, content: bytes) -> None:
    if len(content) < 6 or layout.process:
        raise ImageReadError("damaged JPEG file (its header is too short, or there twice)")
    layout.process = code
    layout.bits, layout.height, layout.width, count = struct.unpack_from(">BHHB", content)
    if len(content) < 6 + 3 * count:
        raise ImageReadError("damaged JPEG file (its header is too short)")
    for start in range(6, 6 + 3 * count, 3):
        factors = content[start + 1]
        layout.sampling[content[start]] = factors >> 4, factors & 15


def check_restarts(data: bytes, layout: Layout) -> None:
    """Refuse a file with fewer restarts than its pixels make.

    Raises:
        ImageReadError: In this case, or where a sampling factor is none.
    """
    if not all(across in range(1, 5) and down in range(1, 5) for across, down in layout.sampling.values()):
        raise ImageReadError("damaged JPEG file (its header says what no JPEG can be)")
    for scan in layout.scans:
        if scan.interval:
            expected = (_units(layout, scan) - 1) // scan.interval
            if len(_RESTART.findall(data, scan.start, scan.end)) < expected:
                raise ImageReadError("damaged or truncated JPEG file (parts of its pixels are missing)")


def _units(layout: Layout, scan: Scan) -> int:
    """Units that a scan consists of: blocks of one component, or groups of those of several."""
    widest = max((across for across, _ in layout.sampling.values()), default=1)
    highest = max((down for _, down in layout.sampling.values()), default=1)
    if scan.components > 1:
        return ceil(layout.width / (8 * widest)) * ceil(layout.height / (8 * highest))
    across, down = layout.sampling.get(scan.first, (1, 1))
    return ceil(ceil(layout.width * across / widest) / 8) * ceil(ceil(layout.height * down / highest) / 8)


def with_other_bits(data: bytes, layout: Layout) -> bytes:
    """The file with bits behind each scan that decoders pass over where the scan is whole, and take for pixels else."""
    pieces, position = [], 0
    for scan in layout.scans:
        pieces += [data[position : scan.end], _OTHER_BITS]
        position = scan.end
    return b"".join([*pieces, data[position:]])


def with_metadata_of(data: bytes, pixels: bytes) -> bytes:
    """The picture ``pixels`` with the application segments and comments of the file ``data`` before its own segments.

    Args:
        data: A file that `layout_of` has walked through.
        pixels: Another one.
    """
    pieces, position = [pixels[:2]], 2
    while (code := _marker(data, position)) is not None and code not in (_EOI, _SOS):
        while data[position + 1] == 0xFF:
            position += 1
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if 0xE0 <= code <= 0xEF or code == _COM:
            pieces.append(data[position:end])
        position = end
    return b"".join([*pieces, pixels[2:]])
