"""What pictures are read from: files, pipes, bytes and streams, never without an end."""

import io
import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from upres.errors import ImageReadError, ImageTooLargeError
from upres.image.formats import describe, sniff

PictureSource = str | Path | bytes | bytearray | memoryview | BinaryIO

HEAD = 64
"""Bytes that tell a format."""
MAX_STREAM_BYTES = 2**31
"""Of a pipe or a stream, which may have no end; above an uncompressed 16-bit RGB picture of 268 megapixels."""
_PATIENCE_MS = 5000
"""How long a pipe may have no writer; with one, it may take as long as it likes."""
_PIECE = 2**20


@contextmanager
def opened(source: PictureSource) -> Iterator[BinaryIO]:
    """A seekable stream of the source's content.

    Raises:
        ImageReadError: If it is a device or a socket, nobody writes to the pipe, or what comes out of a pipe or a
            stream does not begin like a picture.
        ImageTooLargeError: If a pipe or a stream gives more than `MAX_STREAM_BYTES`.
        OSError: If the file cannot be opened.
    """
    if isinstance(source, str | Path):
        with _opened_path(source) as stream:
            yield stream
    elif isinstance(source, bytes | bytearray | memoryview):
        yield io.BytesIO(source)
    else:
        name = getattr(source, "name", None)
        yield io.BytesIO(_bounded(source, name if isinstance(name, str) else ""))


@contextmanager
def _opened_path(path: str | Path) -> Iterator[BinaryIO]:
    with open(path, "rb", opener=_at_once) as stream:  # Path.open takes no opener
        descriptor = stream.fileno()
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            yield stream
        elif stat.S_ISFIFO(mode):
            _await_writer(descriptor)
            os.set_blocking(descriptor, True)
            yield io.BytesIO(_bounded(stream, str(path)))
        else:
            raise ImageReadError("is a folder, not a file" if stat.S_ISDIR(mode) else "is a device, not a file")


def _at_once(path: str, flags: int) -> int:
    """Open without waiting, as opening a pipe does for a writer and some devices do for a carrier."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _await_writer(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(_PATIENCE_MS):
        raise ImageReadError(f"is a pipe that nobody writes to (waited {_PATIENCE_MS // 1000} s)")


def _bounded(stream: BinaryIO, name: str) -> bytes:
    """All that a stream gives, unless it is no picture or has no end."""
    pieces = [stream.read(HEAD)]
    if pieces[0] and sniff(pieces[0], name) is None:
        raise ImageReadError(f"not a picture that upres reads: {describe(pieces[0], name)}")
    total = len(pieces[0])
    while piece := stream.read(_PIECE):
        pieces.append(piece)
        total += len(piece)
        if total > MAX_STREAM_BYTES:
            raise ImageTooLargeError(f"gives more than {MAX_STREAM_BYTES >> 20} MiB; name a file instead")
    return b"".join(pieces)
