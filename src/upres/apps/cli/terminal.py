"""The terminal as it is: streams that are closed, full or of few letters, text that is not fit to be shown, signals."""

import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from upres.machine.text import printable

_STDERR = 2
_MOST_NEW_OBJECTS = 50_000
"""Python looks for garbage after so many: hardly ever while modules are imported, of which none is garbage."""


class Terminated(BaseException):
    """The process was told to end (SIGTERM): what is half done is cleaned up on the way out, as after Ctrl-C."""


def prepare() -> None:
    """Make the standard streams safe to write anything to.

    Where a process is started with a standard stream closed, the next file that it opens takes its number, and what a
    C library says there would be written into that file. So these numbers are taken here. What the program itself says
    on standard error gets a descriptor of its own: while one thread decodes, that of C libraries leads nowhere
    (`upres.machine.quiet`). Letters that the terminal's encoding lacks are shown as escapes.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if isinstance(sys.stderr, io.TextIOWrapper) and _descriptor(sys.stderr) == _STDERR:
        own = io.FileIO(os.dup(_STDERR), "w")  # unbuffered: what a full disk refused is not tried again at exit
        encoding, errors = sys.stderr.encoding, sys.stderr.errors
        sys.stderr = io.TextIOWrapper(own, encoding=encoding, errors=errors, line_buffering=True, write_through=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # a stream in memory, or closed
        return None


def say(text: str, stream: TextIO | None) -> None:
    """Print a line; what a terminal would obey instead of show is escaped.

    Nothing happens where the stream is closed, or where it is standard error and cannot be written.

    Raises:
        OSError: If standard output cannot be written.
    """
    if stream is None:
        return
    try:
        print(printable(text), file=stream, flush=True)
    except OSError:
        if stream is not sys.stderr:
            raise


def drop(stream: TextIO | None) -> None:
    """Send what a stream still holds, and all that follows, nowhere: Python would complain of it at exit."""
    with suppress(OSError, AttributeError, ValueError):
        assert stream is not None
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def orderly_end() -> Iterator[None]:
    """SIGTERM raises `Terminated` once; a second one ends the process where it stands.

    Only in a program's main thread, and not where the signal is ignored or handled already.
    """

    def end(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def little_garbage(*, own_process: bool) -> Iterator[None]:
    """Have Python look for garbage rarely, and no more when the process ends: 20 ms of a small picture's 200."""
    if own_process:
        gc.set_threshold(_MOST_NEW_OBJECTS)
    try:
        yield
    finally:
        if own_process:
            gc.freeze()
