"""Memory as a number of bytes, turned into the height of bands, the width of tiles and the number of workers."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from upres.models.card import ColorMode, read_weights
from upres.pipeline.render import Chain

DEFAULT_WORKING_BYTES = {"luma": 256 * 2**20, "rgb": 2**30}
"""Memory for windows where no limit is given: whole pictures of some megapixels for the networks that see far."""
LEAST_WORKING_BYTES = 48 * 2**20
"""Below this windows would be mostly halo; it is taken even where the limit leaves less."""
LEAST_COLUMNS = 256
"""The narrowest tile: below this tiles would be mostly halo."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one picture may take while it is computed. The caller gives it: the process belongs to the caller."""

    cores: int
    """Processor cores."""
    working_bytes: int | None = None
    """Memory besides the picture as read and as made; ``None``: `DEFAULT_WORKING_BYTES`."""


class Division(NamedTuple):
    """How a picture is cut up."""

    rows: int
    columns: int
    workers: int


def divide(chain: Chain, budget: Budget, *, color_mode: ColorMode, step: int) -> Division:
    """The largest windows that the budget allows, and how many are computed at the same time.

    Args:
        chain: What is computed.
        budget: Memory and cores.
        color_mode: ``rgb`` where a network of the chain is: all of the time is the network's, which takes the cores by
            itself.
        step: Rows that windows are a multiple of.
    """
    height, width = chain.size
    working = budget.working_bytes
    available = DEFAULT_WORKING_BYTES[color_mode] if working is None else max(LEAST_WORKING_BYTES, working)
    workers = 1 if color_mode == "rgb" else max(1, min(budget.cores, available // LEAST_WORKING_BYTES))
    each = available // workers
    columns = width
    while not chain.full_width and columns > LEAST_COLUMNS and chain.working_bytes((step, columns)) > each:
        columns = -(-columns // 2)
    share = -(-height // (workers * step)) * step  # a band for every worker
    return Division(min(share, window_height(chain, each, columns=columns, step=step)), columns, workers)


def window_height(chain: Chain, working_bytes: int, *, columns: int, step: int) -> int:
    """Rows that a window of so many columns may have: a multiple of ``step``, at least ``step``, at most all."""
    fixed = chain.working_bytes((step, columns))
    per_step = max(1, chain.working_bytes((2 * step, columns)) - fixed)
    steps = 1 + max(0, working_bytes - fixed) // per_step
    return min(chain.size[0], steps * step)


@cache
def network_bytes_per_pixel(path: Path, precision: str) -> int:
    """Memory of engine and colour path for each low-resolution pixel while they work; OpenVINO's, as measured."""
    card, weights = read_weights(path)
    filters = [array.shape for array in weights.values() if array.ndim == 4]
    if card.color_mode == "luma":
        return 4 * (3 * max((shape[0] for shape in filters), default=1) + 3 * card.scale**2 + 4)
    # six maps of the widest layer's input; the last map, shuffled, as the engine's and as our output, as pixels
    size = 2 if precision == "bf16" else 4
    widest = max((shape[1] for shape in filters), default=1)
    return 6 * widest * size + 3 * (size + 3 * 4 + 2) * card.scale**2 + 12
