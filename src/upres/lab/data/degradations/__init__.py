"""What befell a photograph before somebody wants it larger or cleaner: blur, resizing, noise, JPEG.

Networks trained on clean bicubic pictures take compression blocks and noise for detail and sharpen them. Here the
low-resolution partner is made on the fly from the high-resolution one, differently at each visit, and the network
learns to undo that too. Strengths are drawn evenly from the ranges of a `Degradation`. `table.STEPS` lists what there
is, and says how a step is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from upres.errors import RecipeError, near_miss
from upres.lab.data.degradations import table
from upres.lab.data.degradations.blur import Blur
from upres.lab.data.degradations.camera_noise import CameraNoise
from upres.lab.data.degradations.correlated_noise import CorrelatedNoise
from upres.lab.data.degradations.earlier_jpeg import EarlierJpeg
from upres.lab.data.degradations.first_draws import shared_stream
from upres.lab.data.degradations.jpeg import Jpeg
from upres.lab.data.degradations.low_light import LowLight
from upres.lab.data.degradations.noise import Noise
from upres.lab.data.degradations.poisson_noise import PoissonNoise
from upres.lab.data.degradations.resize import Resize, bicubic
from upres.lab.data.degradations.step import Crop, Range, Step
from upres.lab.data.degradations.underexposed import Underexposed
from upres.lab.data.pictures import PicturePair, Pixels

_KERNELS_AND_BLOCK = 8
"""Low-resolution pixels that the widest kernel or a block of JPEG reaches beyond a crop."""


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """From what each crop's degradation is drawn; the default is plain bicubic reduction.

    Example:
        >>> Degradation(steps=(Noise(sigma=(0.0, 8.0)),)) == Degradation().changed(noise_sigma=(0.0, 8.0))
        True

    Raises:
        RecipeError: If the share is not from 0 to 1.
        ValueError: If two steps are of one kind, or one is not in `table.STEPS`.
    """

    share: float = 1.0
    """Share of the crops that are degraded; the others are reduced by the bicubic of the papers."""
    steps: tuple[Step, ...] = ()
    """Given in any order and without those that are off; kept as one of each kind in the order of `table.STEPS`."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise RecipeError(f"degradation.share: expected 0 to 1, got {self.share}")
        given = {type(step): step for step in self.steps}
        if len(given) != len(self.steps) or given.keys() - set(table.STEPS):
            known = ", ".join(kind.__name__ for kind in table.STEPS)
            raise ValueError(f"expected at most one step of each of {known}, got {self.steps}")
        object.__setattr__(self, "steps", tuple(given.get(kind) or kind() for kind in table.STEPS))

    @property
    def is_bicubic(self) -> bool:
        """Whether nothing but the plain reduction is left."""
        return not self.share or all(step.is_off for step in self.steps)

    @property
    def margin(self) -> int:
        """Low-resolution pixels round a crop that its degradation can see."""
        return 0 if self.is_bicubic else _KERNELS_AND_BLOCK + sum(s.margin for s in self.steps if not s.is_off)

    @property
    def truth_margin(self) -> int:
        """High-resolution pixels round a crop that what a network shall give depends on."""
        return sum(step.truth_margin for step in self.steps if not step.is_off)

    def settings(self) -> dict[str, float | Range]:
        """``share`` and every range as ``{step}_{field}``: what recipes and cards hold and ``--set`` names."""
        ranges = {f"{step.name}_{f.name}": getattr(step, f.name) for step in self.steps for f in fields(step)}
        return {"share": self.share, **ranges}

    def changed(self, *, share: float | None = None, **ranges: Range) -> "Degradation":
        """The same with other settings, by the names that `settings` gives them.

        Raises:
            RecipeError: If a name is unknown (the nearest is told) or a range makes no sense.
        """
        known = self.settings().keys() - {"share"}
        for name in sorted(ranges.keys() - known):
            raise RecipeError(f"no setting 'degradation.{name}'.{near_miss(name, known)}")
        steps = []
        for step in self.steps:
            own = {f.name: ranges.get(f"{step.name}_{f.name}", getattr(step, f.name)) for f in fields(step)}
            steps.append(type(step)(**own))
        return Degradation(share=self.share if share is None else share, steps=tuple(steps))


BICUBIC = Degradation()
"""How the papers make low-resolution pictures."""

PHOTOGRAPH = Degradation(
    share=0.9,
    steps=(
        Blur(sigma=(0.0, 0.6), chance=(0.5, 0.5)),
        Resize(ratio=(0.7, 1.5)),
        Noise(sigma=(0.0, 15.0), chance=(0.4, 0.4)),
        CorrelatedNoise(sigma=(2.0, 50.0), chance=(0.3, 0.3)),
        Jpeg(quality=(35.0, 100.0), chance=(0.85, 0.85)),
    ),
)
"""Photographs as they lie on people's disks: by turns mild blur, noise up to that of ISO 6400, JPEG of 35 and up."""

LIGHT = Degradation(steps=(Resize(ratio=(1.0, 1.001)), Jpeg(quality=(80.0, 98.0))))
"""Photographs as cameras and phones save them: reduced by any kernel, JPEG of good quality, and nothing else."""

REDUCED = Degradation(share=0.6, steps=(Resize(ratio=(1.0, 1.001)),))
"""Clean photographs as programs make them small: some by the papers' bicubic, the others by any kernel."""

DRAWN = Degradation(
    share=0.7,
    steps=(Resize(ratio=(1.0, 1.001)), Jpeg(quality=(40.0, 98.0), chance=(0.7, 0.7))),
)
"""Drawings and screens as they are kept: reduced by any kernel, most of them JPEG of 40 and up."""

NOISE = Degradation(
    share=0.95,
    steps=(
        CameraNoise(shot=(3e-6, 1.2e-2), reduced=(0.3, 0.3), processed=(0.8, 0.8), chance=(0.5, 0.5)),
        PoissonNoise(photons=(1e2, 1e4), chance=(0.1, 0.1)),
        Noise(sigma=(0.0, 50.0), chance=(0.45, 0.45)),
        CorrelatedNoise(sigma=(0.0, 50.0), chance=(0.15, 0.15)),
        Jpeg(quality=(50.0, 100.0), chance=(0.5, 0.5)),
    ),
)
"""What networks that only clean learn from: sensors' noise, counted photons and Gaussian noise, by turns behind a good
JPEG."""

DARK = Degradation(
    share=0.98,
    steps=(LowLight(darkening=(2.0, 40.0)), Jpeg(quality=(60.0, 100.0), chance=(0.5, 0.5))),
)
"""What networks learn from that give dark pictures their light."""

LIFTED = Degradation(share=0.98, steps=(Underexposed(darkening=(1.5, 40.0)),))
"""What networks learn from that clean dark pictures to which the runtime has given their light."""

BLOCKS = Degradation(
    share=0.98,
    steps=(
        CameraNoise(shot=(3e-6, 3e-3), reduced=(0.3, 0.3), processed=(1.0, 1.0), chance=(0.2, 0.2)),
        EarlierJpeg(quality=(20.0, 95.0), chance=(0.3, 0.3)),
        Jpeg(quality=(8.0, 92.0), chance=(1.0, 1.0)),
    ),
)
"""What networks learn from that undo JPEG: every quality, by turns behind an earlier JPEG of another grid. Nobody can
tell faint noise that JPEG has flattened from what JPEG itself did, so one crop in five has noise as well."""

CRISP = PHOTOGRAPH.changed(
    second_order_ratio=(0.5, 1.5),
    second_order_noise=(0.0, 5.0),
    second_order_jpeg=(40.0, 95.0),
    second_order_blur=(0.0, 0.7),
    second_order_chance=(0.2, 0.2),
)
"""Photographs, some of which went through it all twice. What is noise is undone before such a picture grows."""


def degrade(hr: Pixels, scale: int, degradation: Degradation, seed: Sequence[int]) -> Pixels:
    """A low-resolution partner of ``hr``, or a damaged one of its own size.

    Args:
        hr: ``(H * scale, W * scale, 3)``.
        scale: How many times smaller the result is; 1 for the pairs that restoration learns from.
        degradation: What to draw from.
        seed: Non-negative numbers that name the crop; the same ones give the same result.

    Returns:
        ``(H, W, 3)``; ``hr`` itself at scale 1 where nothing befalls it.
    """
    crop = Crop(scale, tuple(seed))
    if shared_stream(crop, "share").random() >= degradation.share:
        return bicubic(hr, scale)
    picture = hr
    for step in degradation.steps:
        if step.reduces or step.befalls(crop):
            picture = step.apply(picture, crop)
    return picture


def truth(hr: Pixels, scale: int, degradation: Degradation, seed: Sequence[int]) -> Pixels:
    """What a network shall give for what `degrade` makes of ``hr``: nearly always ``hr`` itself.

    Args:
        hr: As `degrade` takes it, like the rest.
        scale: Likewise.
        degradation: Likewise.
        seed: Likewise.
    """
    crop = Crop(scale, tuple(seed))
    if shared_stream(crop, "share").random() < degradation.share:
        for step in degradation.steps:
            if step.befalls(crop):
                hr = step.truth(hr, crop)
    return hr


def degraded_pairs(
    pairs: Sequence[PicturePair], scale: int, degradation: Degradation, *, seed: int = 0
) -> tuple[PicturePair, ...]:
    """The pairs with whole pictures degraded, each by its place and the seed: a fixed set to validate on."""
    if degradation.is_bicubic:
        return tuple(pairs)
    return tuple(
        replace(
            pair,
            lr=degrade(pair.hr, scale, degradation, (seed, index)),
            hr=truth(pair.hr, scale, degradation, (seed, index)),
        )
        for index, pair in enumerate(pairs)
    )
