"""The boxes of JPEG 2000 and JPEG XL files.

Reference: ISO/IEC 15444-1, annex I; ISO/IEC 18181-2.
"""

from collections.abc import Iterator

from upres.errors import ImageReadError


def boxes_of(data: bytes, *, start: int = 0, form: str) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each box from there to the end.

    Args:
        data: The file, or what a box holds.
        start: Where the first box begins.
        form: What the format is called in an error.

    Raises:
        ImageReadError: If a box breaks off, or says that it is smaller than its own header.
    """
    place = start
    while place < len(data):
        head, size = 8, int.from_bytes(data[place : place + 4], "big")
        if size == 1:
            head, size = 16, int.from_bytes(data[place + 8 : place + 16], "big")
        elif size == 0:
            size = len(data) - place
        if size < head or place + size > len(data):
            raise ImageReadError(f"truncated {form} file")
        yield data[place + 4 : place + 8], data[place + head : place + size]
        place += size
