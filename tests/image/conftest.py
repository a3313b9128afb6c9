"""Pictures and ICC profiles for this room's tests; the profiles are by hand, as Pillow builds only sRGB and Lab."""

import struct

import numpy as np
import pytest


@pytest.fixture
def rgb():
    """A smooth 40x60 picture whose channels, rows and columns all differ."""
    y, x = np.mgrid[:40, :60]
    return np.stack([x * 4, y * 6, (x + y) * 2], -1).astype(np.uint8)


@pytest.fixture
def alpha():
    """From transparent to opaque, from left to right, with both in it."""
    return np.broadcast_to(np.linspace(0, 255, 60).round().astype(np.uint8), (40, 60)).copy()


@pytest.fixture
def deep():
    """Random 16-bit RGBA whose low bytes no 8-bit path could keep."""
    return np.random.default_rng(1).integers(0, 65536, (23, 31, 4)).astype(np.uint16)


@pytest.fixture
def display_p3():
    return matrix_profile(
        [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)], 2.2, "Display P3"
    )


@pytest.fixture
def grey_icc():
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(1.8)}, "Grey gamma")


@pytest.fixture
def cmyk_icc():
    return cmyk_profile()


def matrix_profile(primaries, gamma, name):
    """RGB profile with a D50 matrix (columns are the XYZ of red, green and blue) and one gamma."""
    tags = {b"rXYZ": _xyz(primaries[0]), b"gXYZ": _xyz(primaries[1]), b"bXYZ": _xyz(primaries[2])}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma))
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags, name)


def cmyk_profile():
    """A press whose inks are much paler than plain complements, so that using or ignoring it shows."""
    grid = b""
    for index in range(16):
        c, m, y, k = (index >> 3) & 1, (index >> 2) & 1, (index >> 1) & 1, index & 1
        lightness = max(0, 255 - 60 * c - 70 * m - 10 * y - 180 * k)
        grid += bytes((lightness, 128 - 30 * c + 60 * m, 128 - 40 * c - 5 * m + 80 * y))
    ramp = bytes(range(256))
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + grid + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut}, "Pale press")


def _xyz(values):
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _gamma(value):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def _profile(kind, space, connection, tags, name):
    text = name.encode() + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {
        b"desc": description,
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        **tags,
    }
    table, heap, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", start + len(heap), len(data))
        heap += data.ljust(-(-len(data) // 4) * 4, b"\0")
    size = start + len(heap)
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, kind, space, connection)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _xyz((0.9642, 1.0, 0.8249))[8:]
    return header.ljust(128, b"\0") + table + heap
