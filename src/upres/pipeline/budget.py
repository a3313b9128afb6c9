"""Memory as a number of bytes, turned into the height of bands, the width of tiles and the number of workers."""

from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import NamedTuple

from upres.engines.engine import Session
from upres.errors import Hint, ImageTooLargeError
from upres.image.samples import Size
from upres.models.card import ColorMode, read_card, read_weights
from upres.pipeline.render import Chain

DEFAULT_WORKING_BYTES, FAR_WORKING_BYTES = 256 * 2**20, 2**30
"""Memory for windows where no limit is given; the second for networks that see farther than windows, which get whole
pictures of some megapixels by it."""
WIDE_WORKING_BYTES = 2 * DEFAULT_WORKING_BYTES
"""Likewise, where only so much lets a network go down a wide picture, and make nothing twice."""
WIDE_PIXELS = 1 << 24
"""Pixels of a picture for which that much is taken: others take less in windows."""
LEAST_WORKING_BYTES = 48 * 2**20
"""Below this windows would be mostly halo; it is taken even where the limit leaves less."""
LEAST_COLUMNS = 256
"""The narrowest tile: below this tiles would be mostly halo."""
TOLERANCE = 0.15
"""Share of a limit by which estimates may be over it before a picture is refused."""
ENGINE_FACTORS = {"onnxruntime": 1.5, "torch": 1.5}
"""Memory of an engine over that of OpenVINO, as measured: ONNX Runtime keeps what windows of other heights took, torch
makes each layer anew."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one picture may take while it is computed. The caller gives it: the process belongs to the caller."""

    cores: int
    """Processor cores."""
    working_bytes: int | None = None
    """Memory besides the picture as read and as made; ``None``: `DEFAULT_WORKING_BYTES`, or `FAR_WORKING_BYTES`."""
    limit: int | None = None
    """What the whole process must stay under, where ``working_bytes`` is what that leaves; ``None``: windows that take
    more than what is left are computed all the same."""

    def available(self, *, local: bool) -> int:
        """Memory that windows may take; ``local`` where they give the whole picture's pixels."""
        if self.working_bytes is None:
            return DEFAULT_WORKING_BYTES if local else FAR_WORKING_BYTES
        return max(LEAST_WORKING_BYTES, self.working_bytes)

    def require(self, needed: int) -> None:
        """Refuse before the work what the limit cannot hold.

        Args:
            needed: Memory of the smallest windows.

        Raises:
            ImageTooLargeError: If the process would be over the limit by more than `TOLERANCE`.
        """
        if self.limit is not None and self.working_bytes is not None:
            require_memory(self.limit - self.working_bytes + needed, self.limit)


class Division(NamedTuple):
    """How a picture is cut up."""

    rows: int
    columns: int
    workers: int


def divide(chain: Chain, budget: Budget, *, color_mode: ColorMode, step: int, local: bool = True) -> Division:
    """The largest windows that the budget allows, and how many are computed at the same time.

    Args:
        chain: What is computed.
        budget: Memory and cores.
        color_mode: ``rgb`` where a network of the chain is: all of the time is the network's, which takes the cores by
            itself.
        step: Rows that windows are a multiple of.
        local: Whether windows give the whole picture's pixels; larger ones do better where they do not.

    Raises:
        ImageTooLargeError: If the limit cannot hold the smallest windows.
    """
    height, width = chain.size
    available = budget.available(local=local)
    workers = 1 if color_mode == "rgb" else max(1, min(budget.cores, available // LEAST_WORKING_BYTES))
    each = available // workers
    widths = [width]
    while not chain.full_width and widths[-1] > LEAST_COLUMNS:
        widths.append(-(-widths[-1] // 2))
    fitting = [columns for columns in widths if chain.working_bytes((step, columns)) <= each] or widths[-1:]
    share = -(-height // (workers * step)) * step  # a band for every worker
    sizes = [(min(share, window_height(chain, each, columns=columns, step=step)), columns) for columns in fitting]
    rows, columns = min(sizes, key=lambda size: _computed(chain, size))
    budget.require(chain.working_bytes((min(rows, step), columns)))
    return Division(rows, columns, workers)


def _computed(chain: Chain, size: Size) -> int:
    """Pixels that all windows of this size hold together: low bands of a network that sees far are mostly overlap."""
    count = prod(-(-length // side) for length, side in zip(chain.size, size, strict=True))
    return count * prod(chain.takes(size))


def window_height(chain: Chain, working_bytes: int, *, columns: int, step: int) -> int:
    """Rows that a window of so many columns may have: a multiple of ``step``, at least ``step``, at most all."""
    height = chain.size[0]
    fits, most = 1, -(-height // step)
    while fits < most:  # what windows take grows with their height, though not evenly: strips are as high as they fade
        steps = (fits + most + 1) // 2
        if chain.working_bytes((min(height, steps * step), columns)) <= working_bytes:
            fits = steps
        else:
            most = steps - 1
    return min(height, fits * step)


def require_memory(needed: int, limit: int) -> None:
    """Refuse what a process that shall stay under a limit cannot do.

    Args:
        needed: What it would take, in bytes, as a whole.
        limit: What it may take.

    Raises:
        ImageTooLargeError: If that is over the limit by more than `TOLERANCE`.
    """
    if needed > limit * (1 + TOLERANCE):
        raise ImageTooLargeError(
            f"needs {needed / 2**20:.0f} MiB of memory or more, over the limit of {limit / 2**20:.0f} MiB",
            hint=Hint.MORE_MEMORY,
        )


def network_bytes_per_pixel(path: Path, session: Session) -> int:
    """Memory of engine and colour path for each low-resolution pixel while they work."""
    if session.bytes_per_pixel is not None:
        scale = read_card(path).scale
        return session.bytes_per_pixel + 3 * (3 * 4 + 2) * scale**2 + 12
    return round(_bytes_with_openvino(path, session.facts.precision) * ENGINE_FACTORS.get(session.facts.engine, 1))


@cache
def _bytes_with_openvino(path: Path, precision: str) -> int:
    """As measured, f32 and bf16, windows of 48x500 to 200x2000."""
    card, weights = read_weights(path)
    filters = [array.shape for array in weights.values() if array.ndim == 4]
    if card.color_mode == "luma":
        return 4 * (3 * max((shape[0] for shape in filters), default=1) + 3 * card.scale**2 + 4)
    # six maps of the widest layer's input; the last map, shuffled, as the engine's and as our output, as pixels
    size = 2 if precision == "bf16" else 4
    inputs = [shape[1] for shape in filters]
    each = 3 * (size + 3 * 4 + 2) * card.scale**2 + 12
    squares = max(1, min(inputs, default=1) // 3)  # pixels that a head which never sees three planes takes as one
    if squares > 1:
        each += 2 * 3 * 4  # in and out as squares
    return 6 * max(inputs, default=1) * size // squares + each
