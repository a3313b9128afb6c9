"""How the results of a run are written, and what is told about each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from upres.errors import Hint
from upres.image.budget import COMMAND_MAX_PIXELS
from upres.image.wishes import Colors


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How inputs are read and outputs written; each as in `upres.image.io.read` and `write`."""

    format: str | None = None
    quality: int | None = None
    lossless: bool | None = None
    colors: Colors = "keep"
    background: tuple[int, int, int] | None = None
    """Behind transparent pixels in formats without alpha; ``None``: white, and a warning says so."""
    overwrite: bool = False
    keep_date: bool = False
    """Whether an output gets the time of its source's last change."""
    max_pixels: int | None = COMMAND_MAX_PIXELS
    """Of an input, all its frames together."""


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What became of one picture."""

    input: str
    output: str | None
    model: str | None = None
    engine: str | None = None
    choice: str | None = None
    """``clean``, ``real``, ``strength 0.5``, ``restore`` or ``model``: which networks the picture got."""
    steps: tuple[Mapping[str, Any], ...] = ()
    """Task, model and strength of each step in the order they were applied; none where nothing was to be done."""
    judged: Mapping[str, float | None] | None = None
    """What was found wrong with the picture; ``None`` where nobody looked."""
    reason: str = ""
    """Which of that decided, in words."""
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
