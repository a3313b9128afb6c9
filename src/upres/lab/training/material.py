"""The pictures of a run, one set for each scale that its stages train at."""

from collections.abc import Callable, Sequence

from upres.lab.data.pictures import PicturePair
from upres.lab.training.validation import Validator

OtherScale = Callable[[int], tuple[Sequence[PicturePair], Validator]]
"""Gives training pairs and a validator for stages of another scale than the model's."""


class Material:
    """Training pairs and validator of each scale, fetched when first needed.

    Args:
        scale: Of ``own``.
        own: Training pairs and validator.
        other_scale: Where those of another scale come from.
    """

    def __init__(
        self, scale: int, own: tuple[Sequence[PicturePair], Validator], other_scale: OtherScale | None
    ) -> None:
        self._known, self._other_scale = {scale: own}, other_scale

    def at(self, scale: int) -> tuple[Sequence[PicturePair], Validator]:
        """Training pairs and validator for a scale."""
        if scale not in self._known:
            assert self._other_scale is not None
            self._known[scale] = self._other_scale(scale)
        return self._known[scale]
