"""C libraries kept from writing to the terminal."""

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_STDERR = 2

_lock = threading.Lock()
_users = 0
_saved: int | None = None
_replaced: TextIO | None = None
_own: TextIO | None = None


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Descriptor 2 leads nowhere, for C libraries that write their warnings there.

    It belongs to the whole process, so overlapping uses are counted, and what Python prints to ``sys.stderr`` meanwhile
    goes where it always goes, from every thread.
    """
    global _users
    with _lock:
        if _users == 0:
            _redirect()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _restore()


def _redirect() -> None:
    global _saved, _replaced, _own
    try:
        _saved = os.dup(_STDERR)
    except OSError:  # closed when the process was started
        return
    if _writes_to_stderr(sys.stderr):
        sys.stderr.flush()
        if _own is None or not os.path.sameopenfile(_own.fileno(), _STDERR):
            # Not closed when another one takes its place: a thread may still be writing to it.
            _own = io.TextIOWrapper(
                os.fdopen(os.dup(_STDERR), "wb", 0),
                encoding=sys.stderr.encoding,
                errors=sys.stderr.errors,
                write_through=True,
            )
        _replaced, sys.stderr = sys.stderr, _own
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)


def _restore() -> None:
    global _saved, _replaced
    if _saved is None:
        return
    os.dup2(_saved, _STDERR)
    os.close(_saved)
    _saved = None
    if _replaced is not None and sys.stderr is _own:
        sys.stderr = _replaced
    _replaced = None


def _writes_to_stderr(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == _STDERR
    except (OSError, ValueError):  # a stream in memory, or a closed one
        return False
