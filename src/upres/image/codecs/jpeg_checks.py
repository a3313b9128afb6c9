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
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a segment."""
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_HUFFMAN = frozenset({0xC0, 0xC1, 0xC2})
# A marker; what lies before it is passed over, as libjpeg does.
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
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
        ImageReadError: If a segment breaks off, there is no scan, or there are too many.
    """
    layout = Layout()
    position, interval = 2, 0
    while (found := _MARKER.search(data, position)) is not None and (code := found[1][0]) != _EOI:
        position = found.end()
        if code in _ALONE:
            continue
        content = _segment(data, position)
        position += 2 + len(content)
        if 0xC0 <= code <= 0xCF and code not in _NOT_FRAMES:
            _read_frame(layout, code, content)
        elif code == _DRI:
            interval = int.from_bytes(content[:2], "big")
        elif code == _SOS:
            following = _NEXT.search(data, position)
            end = following.start() if following else len(data)
            count, first = content[:2] if len(content) > 1 else (0, 0)
            layout.scans.append(Scan(position, end, count, first, interval))
            position = end
            if len(layout.scans) > MOST_SCANS:
                raise ImageReadError(f"a JPEG file of more than {MOST_SCANS} scans; save it anew with fewer")
    if not layout.process or not layout.scans:
        raise ImageReadError("damaged or truncated JPEG file (it has no pixels)")
    return layout


def _segment(data: bytes, position: int) -> bytes:
    """What a marker's segment holds, behind its length."""
    length = int.from_bytes(data[position : position + 2], "big")
    content = data[position + 2 : position + length]
    if length < 2 or len(content) < length - 2:
        raise ImageReadError("damaged or truncated JPEG file (it breaks off)")
    return content


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
            if sum(1 for _ in _RESTART.finditer(data, scan.start, scan.end)) < expected:
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
    while (found := _MARKER.search(data, position)) is not None and found[1][0] not in (_EOI, _SOS):
        position = found.end()
        if found[1][0] in _ALONE:
            continue
        position += 2 + len(_segment(data, position))
        if 0xE0 <= found[1][0] <= 0xEF or found[1][0] == _COM:
            pieces.append(data[found.end() - 2 : position])
    return b"".join([*pieces, pixels[2:]])
