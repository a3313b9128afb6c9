"""Two networks on one picture, mixed: how much of noise and compression is undone is a number between."""

from collections.abc import Sequence

import numpy as np

from upres.image.samples import Plane, Planes, Size, Window
from upres.pipeline.stages import Piece, Stage, part_of, values


class Mixed:
    """Two stages on the same picture, mixed: ``share`` of the second.

    Raises:
        ValueError: If their results differ in size or format.
    """

    def __init__(self, first: Stage, second: Stage, *, share: float) -> None:
        if (first.size, first.samples) != (second.size, second.samples):
            raise ValueError(f"expected results alike, got {first.size} and {second.size}")
        self.size, self.samples = first.size, first.samples
        self.full_width, self.in_order = (
            first.full_width or second.full_width,
            first.in_order or second.in_order,
        )
        self.stages, self.share = (first, second), share
        """What is mixed, and how much of the second."""
        self._needed: dict[Window, list[Window | None]] = {}

    def needs(self, window: Window) -> Window | None:
        """What either of them needs."""
        self._needed[window] = [stage.needs(window) for stage in self.stages]
        found = [needed for needed in self._needed[window] if needed is not None]
        if not found:
            return None
        sides = (range(min(s.start for s in side), max(s.stop for s in side)) for side in zip(*found, strict=True))
        return Window(*sides)

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:
        """Both results, mixed and rounded once more."""
        needed = [self._needed.pop(window) for window in windows]
        results = []
        for stage, wanted in zip(self.stages, zip(*needed, strict=True), strict=True):
            parts = [
                None if want is None or piece is None else part_of(piece, want, self.samples)
                for want, piece in zip(wanted, inputs, strict=True)
            ]
            results.append(stage.make(windows, parts))
        return [
            tuple(self._mixed(one, other) for one, other in zip(*planes, strict=True))
            for planes in zip(*results, strict=True)
        ]

    def _mixed(self, one: Plane, other: Plane) -> Plane:
        mixed = one + np.float32(self.share) * (other.astype(np.float32) - one)
        rounded: Plane = np.rint(mixed, out=mixed).astype(one.dtype)
        return rounded

    def takes(self, size: Size) -> Size:
        """The larger of what they take."""
        first, second = (stage.takes(size) for stage in self.stages)
        return max(first[0], second[0]), max(first[1], second[1])

    def working_bytes(self, size: Size) -> int:
        """Theirs, which engines keep, and the results at 4 bytes a value."""
        return sum(stage.working_bytes(size) for stage in self.stages) + 8 * values(self.samples, size)
