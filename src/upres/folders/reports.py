"""How the results of a run are written, and what is told about each."""

from dataclasses import asdict, dataclass
from typing import Any

from upres.errors import Hint


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How outputs are written; each as in `upres.image.io.write`."""

    format: str | None = None
    quality: int | None = None
    background: tuple[int, int, int] | None = None
    """Behind transparent pixels in formats without alpha; ``None``: white, and a warning says so."""
    overwrite: bool = False
    keep_date: bool = False
    """Whether an output gets the time of its source's last change."""


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What became of one picture."""

    input: str
    output: str | None
    model: str | None = None
    engine: str | None = None
    seconds: float = 0.0
    error: str | None = None
    hint: Hint | None = None
    """What to do about the error."""
    skipped: bool = False
    """True where the output was there already, made from the same source with the same options."""
    size: tuple[int, int] | None = None
    """Height and width of the output."""
    warnings: tuple[str, ...] = ()
    """What the output could not hold, or what else differs from what one might expect."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data: all but the hint; the size as ``width`` and ``height``."""
        data = asdict(self)
        del data["hint"]
        height, width = data.pop("size") or (None, None)
        return {**data, "seconds": round(self.seconds, 4), "width": width, "height": height}
