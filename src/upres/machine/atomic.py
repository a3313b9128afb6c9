"""Files that appear whole or not at all."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from upres.errors import OutputError
from upres.machine.text import cut_bytes

if os.name == "posix":
    import fcntl

_HIDDEN = re.compile(r"\..+\.[0-9a-f]{12}\.part", re.DOTALL)
"""Names of the hidden files."""
Ready = Callable[[Path], Path | None]
"""Called with a whole hidden file; see `atomic_file`."""
_STEM_BYTES = 200
"""Of the name's 255 bytes; the rest is for the marks around it."""


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """A folder that is there while the block lasts, and stays if something came to lie in it; so do those above it.

    Raises:
        OutputError: If it cannot be made.
    """
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    try:
        yield
    finally:
        for each in new:
            with suppress(OSError):  # it is not empty
                each.rmdir()


@contextmanager
def atomic_file(path: str | Path, *, ready: Ready | None = None) -> Iterator[BinaryIO]:
    """A stream to a hidden file beside ``path`` that takes its place when the block ends well.

    On any exception, Ctrl-C included, nothing is left and what stood there before still stands. A symbolic link is
    followed; a replaced file keeps its permissions, a new one gets those of the process's umask. Devices and pipes,
    which nothing can replace, are written directly. A process that is killed leaves the hidden file, which nobody
    locks any more: `remove_stale` removes it.

    Args:
        path: What the file is to be called.
        ready: Called with the hidden file, whole and on the disk, before it takes its place; not for devices and pipes.
            What it raises is raised, and then nothing takes the place. Where it returns a path of the same folder, the
            file takes that place instead; where that is its own, it stays hidden until `take_place`.

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
    with _hidden_beside(target, stays=True) as (temporary, stream):
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        place = (None if ready is None else ready(temporary)) or target
        if os.name != "posix":
            stream.close()  # there an open file cannot be moved; elsewhere it is moved under its lock
        temporary.replace(place)
    _sync_folder(target.parent)


def take_place(hidden: Path, path: Path) -> None:
    """Give a whole file that `atomic_file` left hidden its place; a symbolic link there is followed.

    Raises:
        OSError: If the file is not there or cannot be moved.
    """
    target = Path(os.path.realpath(path))
    hidden.replace(target)
    _sync_folder(target.parent)


@contextmanager
def hidden_mark(folder: Path) -> Iterator[Path | None]:
    """A hidden file of a folder, as long as the block lasts; ``None`` where the folder takes none."""
    with ExitStack() as stack:
        try:
            path, _ = stack.enter_context(_hidden_beside(folder / "mark", stays=False))
        except OSError:
            yield None
        else:
            yield path


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


def create_text(path: Path, text: str) -> bool:
    """Write ``text`` to a file that is not there yet, whole or not at all; of several writers one succeeds.

    Writers may sit on several machines that share the folder: a hard link is made, which NFS does or refuses as one.

    Returns:
        Whether this call made the file; not where there is one already.

    Raises:
        OutputError: If the file cannot be made, or the file system has no hard links.
    """
    try:
        with _hidden_beside(path, stays=False) as (temporary, stream):
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
            return _linked(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be made ({error.strerror}); it needs a folder that can be written and has hard links"
        ) from error


def remove_stale(folder: Path) -> None:
    """Remove what writers of `atomic_file` left in a folder when they were killed; what a living one writes stays.

    Files of other names, links, and what cannot be locked or removed stay as well.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if _HIDDEN.fullmatch(entry.name)]
    except OSError:
        return
    for path in (folder / name for name in names):
        with suppress(OSError):
            if stat.S_ISREG(path.lstat().st_mode):
                _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    if os.name != "posix":
        path.unlink()  # fails while it is open anywhere
        return
    with path.open("rb") as stream:
        _lock(stream, wait=False)
        path.unlink()


def _linked(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
    except OSError:
        if temporary.stat().st_nlink == 2:  # a server that did it, was asked again, and said that it is there
            return True
        if not path.exists():
            raise
        return False
    return True


@contextmanager
def _hidden_beside(target: Path, *, stays: bool) -> Iterator[tuple[Path, BinaryIO]]:
    """A new hidden file beside the target, locked until the block ends; then it goes, unless it ends well and stays."""
    while True:
        path = target.with_name(f".{cut_bytes(target.name, _STEM_BYTES)}.{os.urandom(6).hex()}.part")
        left = False
        try:
            with path.open("x+b") as stream:
                with suppress(OSError):  # a file system without locks, where nothing is ever called stale
                    _lock(stream, wait=True)
                if os.fstat(stream.fileno()).st_nlink:  # 0: somebody took it for a stale one before its lock
                    yield path, stream
                    left = stays
                    return
        finally:
            if not left:
                with suppress(OSError):
                    path.unlink()


def _lock(stream: BinaryIO, *, wait: bool) -> None:
    if os.name == "posix":
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


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
