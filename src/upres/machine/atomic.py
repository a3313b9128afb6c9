"""Files that appear whole or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from upres.errors import OutputError


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """A stream to a hidden file beside ``path`` that takes its place when the block ends well.

    On any exception, Ctrl-C included, nothing is left and what stood there before still stands. A symbolic link is
    followed; a replaced file keeps its permissions, a new one gets those of the process's umask. Devices and pipes,
    which nothing can replace, are written directly.

    Raises:
        OSError: If the file cannot be made, written or moved.

    Example:
        >>> with atomic_file("settings.json") as stream:  # doctest: +SKIP
        ...     stream.write(b"{}")
    """
    target = Path(os.path.realpath(path))
    mode = _mode(target)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a folder", str(path))
    if mode is not None and not stat.S_ISREG(mode):
        with target.open("wb") as device:
            yield device
        return
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied", str(path))
    temporary = target.with_name(f".{target.name[:200]}.{os.urandom(6).hex()}.part")
    stream = temporary.open("x+b")
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all; folders that are missing are made.

    Raises:
        OutputError: If the file cannot be made, written or moved.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as stream:
            stream.write(text.encode())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system lets folders be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
