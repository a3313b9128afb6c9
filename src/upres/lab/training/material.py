"""The pictures of a run, one set for each scale that its stages train at, and the batches that are cut from them."""

from collections.abc import Callable, Sequence

from upres.lab.data.patches import GrowingCrops, PatchSampler
from upres.lab.data.pictures import PicturePair
from upres.lab.training.recipe import Recipe
from upres.lab.training.validation import Validator
from upres.models.card import ColorMode

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

    def batches(self, recipe: Recipe, index: int, *, scale: int, color_mode: ColorMode) -> GrowingCrops:
        """The batches of a recipe's stage of that index, for a network of this scale and colour mode."""
        stage = recipe.stages[index]
        sizes = {0: (stage.patch_size, stage.batch_size)}
        sizes |= {round(each.after * stage.steps): (each.patch_size, each.batch_size) for each in stage.growth}
        return GrowingCrops(
            {
                first: PatchSampler(
                    self.at(scale)[0],
                    scale=scale,
                    patch_size=patch_size,
                    batch_size=batch_size,
                    color_mode=color_mode,
                    studio_fraction=recipe.studio_fraction,
                    degradation=stage.degradation,
                    mix_up=stage.mix_up,
                    steps=stage.steps,
                    seed=recipe.seed + index,
                )
                for first, (patch_size, batch_size) in sizes.items()
            }
        )
