"""Where the tensors of a ``.safetensors`` file lie in it: graphs take constants from there, and hold none twice."""

import json
from pathlib import Path
from typing import NamedTuple

from upres.errors import CheckpointError

_LONGEST_HEADER = 2**24


class Place(NamedTuple):
    """One tensor's bytes."""

    dtype: str
    """As the file names it: ``F32``, ``F16`` ..."""
    sides: tuple[int, ...]
    start: int
    """Bytes from the beginning of the file."""
    length: int
    """Bytes."""


def places(path: Path) -> dict[str, Place]:
    """Name and place of each tensor; all lie within the file.

    Raises:
        CheckpointError: If it is no ``.safetensors`` file.
        OSError: If it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
        try:
            if header > min(size - 8, _LONGEST_HEADER):
                raise ValueError(f"a header of {header:,} bytes")
            entries = json.loads(file.read(header))
            found = {name: _place(entry, 8 + header) for name, entry in entries.items() if name != "__metadata__"}
            if any(
                place.length < 0 or place.start < 8 or place.start + place.length > size for place in found.values()
            ):
                raise ValueError("a tensor beyond its end")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise CheckpointError(f"{path}: not a readable .safetensors file ({error})") from error
    return found


def _place(entry: dict[str, object], data: int) -> Place:
    start, end = (int(number) for number in entry["data_offsets"])  # type: ignore[attr-defined]
    sides = tuple(int(side) for side in entry["shape"])  # type: ignore[attr-defined]
    return Place(str(entry["dtype"]), sides, data + start, end - start)
