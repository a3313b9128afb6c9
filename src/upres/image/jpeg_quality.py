"""How strongly a JPEG was compressed, from its quantisation steps; in the numbers of libjpeg's quality."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from upres.image.quantiles import quantiles

LUMA_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""Steps of quality 50 for luma, by row and column of the DCT (ITU T.81, table K.1)."""
HEAD = 1 << 18
"""Bytes at a file's beginning that hold its tables, behind previews and profiles."""
_ALL = LUMA_STEPS.size
_LOW = 0.25
"""Quantile of the steps, over those of quality 50."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers that no length follows."""
_DQT, _SOS, _EOI = 0xDB, 0xDA, 0xD9


def quality_of_file(head: bytes) -> float | None:
    """The quality that the luma table at the beginning of a JPEG file stands for.

    Args:
        head: The file, or enough of its beginning to hold the tables.

    Returns:
        1 to 100; ``None`` where it is no JPEG, or the tables are not in ``head``.
    """
    for table in _tables(head):
        return quality_of_table(table)
    return None


def quality_of_path(path: Path) -> float | None:
    """`quality_of_file` of a regular file; ``None`` where there is none or it cannot be read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return quality_of_file(stream.read(HEAD))
    except OSError:
        return None


def quality_of_table(table: Sequence[int]) -> float:
    """The quality of a table of 64 steps in any order.

    Encoders with tables of their own get the quality of the standard table with the same mean step.

    Raises:
        ValueError: If it has not 64 steps.

    Example:
        >>> quality_of_table([(int(step) + 1) // 2 for step in LUMA_STEPS.ravel()])  # made for 75
        74.8
    """
    if len(table) != _ALL:
        raise ValueError(f"expected 64 steps, got {len(table)}")
    return _quality(float(np.sum(table)) / float(LUMA_STEPS.sum()))


def quality_of_steps(steps: Mapping[tuple[int, int], int]) -> float:
    """The quality that the steps of some coefficients stand for, by row and column of the DCT.

    Steps that were found where there are few coefficients may be a multiple of the true one, so the small ones count.

    Raises:
        ValueError: If there is none.
    """
    if not steps:
        raise ValueError("expected at least one step, got none")
    return _quality(float(quantiles([step / LUMA_STEPS[place] for place, step in steps.items()], (_LOW,))[0]))


def _quality(ratio: float) -> float:
    """Quality for steps ``ratio`` times those of quality 50."""
    quality = 100 - 50 * ratio if ratio <= 1 else 50 / ratio
    return float(np.clip(round(quality, 1), 1, 100))


def _tables(head: bytes) -> Iterator[list[int]]:
    """The quantisation tables before the first scan; nothing where the bytes make no sense."""
    place = 2 if head[:2] == b"\xff\xd8" else len(head)
    while place + 4 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in (_SOS, _EOI):
            return
        length = int.from_bytes(head[place + 2 : place + 4], "big")
        if marker == _DQT:
            yield from _tables_of(head[place + 4 : place + 2 + length])
        place += 2 + max(2, length)


def _tables_of(segment: bytes) -> Iterator[list[int]]:
    while segment:
        width = 2 if segment[0] >> 4 else 1
        values = segment[1 : 1 + _ALL * width]
        if len(values) < _ALL * width:
            return
        yield [int.from_bytes(values[start : start + width], "big") for start in range(0, len(values), width)]
        segment = segment[1 + _ALL * width :]
