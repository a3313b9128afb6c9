"""What is done of a video, on the disk: encoded runs of frames that a killed process leaves whole.

Beside ``film_x2.mkv`` lies a folder ``.film_x2.mkv.upres`` while it is made. ``job.json`` says of what and how,
``seg-00012.pkts`` holds the packets of one run of frames and is written whole or not at all.
"""

import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from upres.errors import Hint, OutputError, VideoError
from upres.machine.atomic import atomic_file, remove_stale, write_text
from upres.machine.text import cut_bytes

_MAGIC = b"upres packets 1\n"
_PACKET = struct.Struct("<q?I")
_END = struct.Struct("<II")
_NAME_BYTES = 240


@dataclass(frozen=True, kw_only=True)
class StoredPacket:
    """An encoded frame."""

    pts: int
    """In the source's time base."""
    is_key: bool
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A run of frames, encoded by itself."""

    pts: tuple[int, ...]
    """Of its frames, in the order they are shown."""
    last_duration: int
    last_digest: str
    """Of the samples of its last source frame."""
    computed: int
    """Frames that the network had to compute; the others repeat the one before."""
    extradata: str
    """Of the encoder, in hexadecimal."""


class SegmentStore:
    """The folder of one job. One process at a time works in it.

    Args:
        output: What is made.
        identity: All that the result depends on.
    """

    def __init__(self, output: Path, identity: Mapping[str, str]) -> None:
        self.folder = output.with_name(cut_bytes(f".{output.name}", _NAME_BYTES) + ".upres")
        self._output, self._identity = output, dict(identity)
        self._lock: BinaryIO | None = None

    def open(self, *, anew: bool) -> list[Segment]:
        """Take the folder; what is done already.

        Args:
            anew: Discard what was made of something else, or in another way.

        Raises:
            VideoError: If it holds a job of another source or with other options, or another process works on it.
            OutputError: If the folder cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.take()
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot make this folder ({error.strerror})") from error
        remove_stale(self.folder)
        before = self._known()
        if before is not None and before != self._identity:
            changes = [
                f"{key} {before.get(key, 'none')}, now {self._identity.get(key, 'none')}"
                for key in {**before, **self._identity}
                if before.get(key) != self._identity.get(key)
            ]
            if not anew:
                raise VideoError(f"{self._output} was begun in another way ({'; '.join(changes)})", hint=Hint.OVERWRITE)
            self._clear()
            before = None
        if before is None:
            self._clear()
            write_text(self.folder / "job.json", json.dumps(self._identity, indent=1, sort_keys=True))
        return list(self._segments())

    @contextmanager
    def writing(self, index: int) -> "Iterator[SegmentWriter]":
        """What takes the packets of a segment, which is whole and on the disk when the block ends well.

        Raises:
            OutputError: If it cannot be written.
        """
        try:
            with atomic_file(self._path(index)) as stream:
                yield SegmentWriter(stream)
        except OSError as error:
            raise OutputError(
                f"{self._output}: cannot be written ({error.strerror}); what is done is kept, the same command goes on"
            ) from error

    def packets(self, index: int) -> Iterator[StoredPacket]:
        """The packets of a segment, in the order of the encoder."""
        with self._path(index).open("rb") as stream:
            for _ in range(_read_facts(stream)[1]):
                pts, is_key, size = _PACKET.unpack(stream.read(_PACKET.size))
                yield StoredPacket(pts=pts, is_key=is_key, data=stream.read(size))

    def packet_times(self, index: int) -> list[int]:
        """The times of a segment's packets, in the order of the encoder."""
        times = list[int]()
        with self._path(index).open("rb") as stream:
            for _ in range(_read_facts(stream)[1]):
                pts, _, size = _PACKET.unpack(stream.read(_PACKET.size))
                stream.seek(size, os.SEEK_CUR)
                times.append(pts)
        return times

    def bytes(self) -> int:
        """What the segments take on the disk."""
        return sum(path.stat().st_size for path in self.folder.glob("seg-*.pkts"))

    def close(self) -> None:
        """Let others take the folder, which goes where it holds nothing that a run could go on from."""
        if self._lock is None:
            return
        if not any(self.folder.glob("seg-*.pkts")):
            shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()
        self._lock = None

    def remove(self) -> None:
        """Delete the folder: the result is in its place."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _segments(self) -> Iterator[Segment]:
        index = 0
        while (path := self._path(index)).is_file():
            with path.open("rb") as stream:
                facts, _ = _read_facts(stream)
            yield Segment(**{**facts, "pts": tuple(facts["pts"])})
            index += 1

    def _path(self, index: int) -> Path:
        return self.folder / f"seg-{index:05d}.pkts"

    def _known(self) -> dict[str, str] | None:
        try:
            found: dict[str, str] = json.loads((self.folder / "job.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def _clear(self) -> None:
        for path in self.folder.glob("seg-*.pkts"):
            path.unlink()

    def take(self) -> None:
        """Keep others from the folder.

        Raises:
            VideoError: If another process has it.
        """
        self._lock = (self.folder / "lock").open("a+b")
        if os.name != "posix":
            return
        import fcntl

        try:
            fcntl.flock(self._lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            self._lock = None  # not `close`, which may take the folder away: it is theirs
            raise VideoError(f"{self._output}: another process is making it just now") from error
        except OSError:  # a file system without locks
            return


class SegmentWriter:
    """Packets as they come, so that none wait in memory; what the segment is at its end."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._count = stream, 0
        stream.write(_MAGIC)

    def add(self, packet: StoredPacket) -> None:
        """The next packet."""
        self._stream.write(_PACKET.pack(packet.pts, packet.is_key, len(packet.data)))
        self._stream.write(packet.data)
        self._count += 1

    def finish(self, segment: Segment) -> None:
        """What it was: the last thing that is written."""
        facts = json.dumps(asdict(segment)).encode()
        self._stream.write(facts + _END.pack(len(facts), self._count))


def discard(output: Path) -> None:
    """Delete what a process has left that was killed when the output was in its place already."""
    store = SegmentStore(output, {})
    if not store.folder.is_dir():
        return
    with suppress(OSError, VideoError):  # another process has it
        store.take()
        store.remove()


def _read_facts(stream: BinaryIO) -> tuple[dict[str, Any], int]:
    """What a segment is and how many packets it has; the stream stands before the first one then."""
    begins_well = stream.read(len(_MAGIC)) == _MAGIC
    stream.seek(-_END.size, os.SEEK_END)
    length, count = _END.unpack(stream.read(_END.size))
    if not begins_well or length > stream.tell():
        raise VideoError(f"{stream.name}: expected packets that upres wrote; delete the folder that holds it")
    stream.seek(-_END.size - length, os.SEEK_END)
    facts: dict[str, Any] = json.loads(stream.read(length))
    stream.seek(len(_MAGIC))
    return facts, count


def free_bytes(folder: Path) -> int | None:
    """Room on the disk that holds a folder, or its nearest ancestor that is there; ``None`` where nobody tells."""
    for each in (folder, *folder.absolute().parents):
        with suppress(OSError):
            return shutil.disk_usage(each).free
    return None
