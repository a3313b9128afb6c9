"""What is told of a run: how far it is, and what became of it."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from upres.errors import Hint, VideoError

_WINDOW_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is."""

    stage: str
    """``enlarging`` or ``joining``."""
    done: int
    total: int | None
    """Frames; ``None`` where the file does not tell."""
    fps: float
    """Of the last 30 seconds: a pause or a slow part does not spoil what is left."""

    @property
    def seconds_left(self) -> float | None:
        """By that rate; ``None`` where nobody knows."""
        if self.total is None or not self.fps:
            return None
        return max(0, self.total - self.done) / self.fps


@dataclass(frozen=True, kw_only=True)
class VideoReport:
    """What became of one video."""

    input: str
    output: str | None
    frames: int = 0
    seconds: float = 0.0
    fps: float = 0.0
    """Frames of this run by its seconds; what an earlier run did does not count."""
    codec: str = ""
    model: str = ""
    size: tuple[int, int] | None = None
    """Height and width of the result."""
    resumed: int = 0
    """Frames that an earlier run had done."""
    repeated: int = 0
    """Frames equal to the one before, which cost no network."""
    steady: bool = False
    """Whether still regions were steadied by those of the frame before."""
    copied: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    """Of the warnings those that nobody knew before the work."""
    skipped: bool = False
    """True where the output was there already, made from the same source with the same options."""
    error: str | None = None
    hint: Hint | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data: all but ``found`` and the hint; the size as ``width`` and ``height``."""
        height, width = self.size or (None, None)
        return {
            "input": self.input,
            "output": self.output,
            "frames": self.frames,
            "seconds": round(self.seconds, 3),
            "fps": round(self.fps, 3),
            "codec": self.codec,
            "model": self.model,
            "width": width,
            "height": height,
            "resumed": self.resumed,
            "repeated": self.repeated,
            "steady": self.steady,
            "copied": list(self.copied),
            "left_out": list(self.left_out),
            "warnings": list(self.warnings),
            "skipped": self.skipped,
            "error": self.error,
        }


class InterruptedRun(VideoError):  # noqa: N818
    """The user asked the run to stop; what is done is kept."""


@dataclass
class Rate:
    """Frames a second over the last half minute."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def at(self, done: int) -> float:
        """Note that so many frames are done; the rate."""
        now = time.monotonic()
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        first = self._seen[0]
        return (done - first[1]) / (now - first[0]) if now > first[0] else 0.0
