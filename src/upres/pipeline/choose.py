"""Which networks a picture gets: those for clean pictures, the robust ones, or both mixed, by what is wrong with it.

The bounds are where one network's mean PSNR passes the other's on degraded photographs (docs/reports/judge.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from pathlib import Path

from upres.models.catalog import Model
from upres.models.choices import BICUBIC, chosen, named
from upres.pipeline.judge import Judgement
from upres.pipeline.plan import Wish
from upres.pipeline.sizes import SizeRequest

CLEAN, LIGHT, REAL, MODEL = "clean", "light", "real", "model"


@dataclass(frozen=True)
class Bounds:
    """Where networks that undo faults come nearer to the truth, for one kind of picture."""

    quality: float
    """JPEG quality below which the robust networks do."""
    noise: float
    """Noise in levels of 255 from which on they do, if it is at least as fine as `_FINE`."""
    strong_noise: float
    """Noise from which on they do, whatever it is; and from which on the network for strong noise does."""
    blocks: float = 8.0
    """Repetition of blocks that were resized from which on they do."""
    light: tuple[float, float] = (inf, inf)
    """JPEG qualities from which on and below which the networks for light faults are nearer than both others."""


_FINE = 0.5
"""How fine noise is that the clean networks sharpen; weak coarse noise nobody takes for detail."""
_DRAWING = 0.06
"""Share of steep edges from which on a picture counts as a drawing."""
PHOTOGRAPHS = Bounds(88.5, 3.4, 7.5, light=(74.5, 94.0))
DRAWINGS = Bounds(88.5, 13.0, 13.0, blocks=inf, light=(79.0, 88.5))
"""Where they do for the RGB networks."""
PHOTOGRAPHS_FAST, DRAWINGS_FAST = Bounds(83.0, 3.4, 7.5), Bounds(61.0, 13.0, 13.0, blocks=inf)
"""Where the small robust networks do. Enlarged sprites repeat as blocks do."""
_GRID, _NEAR = 8.0, 0.2
"""Side of a JPEG's blocks that were not resized; such blocks of which no step was found are of high quality."""
_LEAST_BLUR = 0.82
"""Blur in pixels from which on it is."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a picture is made, and why."""

    wish: Wish
    name: str
    """``clean``, ``light``, ``real``, ``strength 0.5``, or ``model`` where the caller named one."""
    judged: Judgement | None = None
    """What was found in the picture; ``None`` where nobody looked."""
    reason: str = ""
    """What decided, in words; empty where nothing was found."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What the caller allows to choose from."""

    name: str
    """What was asked for, in a word or two."""
    clean: Mapping[int, Model]
    """Scale -> network for pictures without faults, and for every step but the first."""
    robust: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network that undoes noise, blocks and blur."""
    noisy: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> robust network for strong noise; empty: ``robust`` as well."""
    light: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network for JPEG of good quality and weak noise; empty: ``robust`` as well, or none."""
    strength: float | None = None
    """Share of the robust networks; ``None``: what each picture needs."""
    bounds: tuple[Bounds, Bounds] = (PHOTOGRAPHS, DRAWINGS)
    """From where on the robust networks are taken, for photographs and for drawings."""

    @classmethod
    def of(
        cls,
        model: str | Path | None,
        *,
        fast: bool,
        clean: bool,
        real: bool,
        strength: float | None,
        precision: str,
    ) -> "Networks":
        """What the arguments of `upres.upscaler.Upscaler` stand for.

        Nothing is left to choose where the robust networks lack the arithmetic asked for.

        Raises:
            UnknownModelError: If there is no such model.
            ValueError: If they contradict each other, or the strength is not from 0 to 1.
        """
        if (model is not None) + clean + real + (strength is not None) > 1:
            raise ValueError("model, clean, real and strength each choose the networks: give one of them")
        if model is not None and fast:
            raise ValueError("model and fast each choose the networks: give one of them")
        if strength is not None and not 0 <= strength <= 1:
            raise ValueError(f"strength: expected 0 to 1, got {strength}")
        if model is not None:
            found = named(model)
            return cls(name="+".join(m.card.name for m in found.values()) or BICUBIC, clean=found, strength=0.0)
        forced = 0.0 if clean else 1.0 if real else strength
        name = " ".join(["fast" if fast else "default", *([] if forced is None else [_name_of(forced)])])
        networks, robust = (chosen("fast"), chosen("fast-real")) if fast else (chosen("default"), chosen("real"))
        light = chosen("light") if forced is None and not fast else {}
        if forced is None and precision == "int8":
            robust = {scale: network for scale, network in robust.items() if network.int8_graph is not None}
            light = {scale: network for scale, network in light.items() if network.int8_graph is not None}
        return cls(
            name=name,
            clean=networks,
            robust=robust,
            noisy=chosen("noisy") if robust and not fast else {},
            light=light if robust else {},
            strength=forced,
            bounds=(PHOTOGRAPHS_FAST, DRAWINGS_FAST) if fast else (PHOTOGRAPHS, DRAWINGS),
        )

    @property
    def to_be_chosen(self) -> bool:
        """Whether it depends on the picture which networks are taken."""
        return bool(self.robust) and (self.strength is None or (self.strength > 0 and bool(self.noisy)))

    @property
    def models(self) -> list[Model]:
        """All that may be taken, each once."""
        everything = chain(self.clean.values(), self.light.values(), self.robust.values(), self.noisy.values())
        return list({model.weights: model for model in everything}.values())

    def without_a_look(self, request: SizeRequest) -> Choice:
        """The choice for a picture that nobody looked at: as was asked for, clean where that was nothing."""
        strength = self.strength or 0.0
        return Choice(
            wish=self._wish(request, strength, self.robust), name=_name_of(strength) if self.robust else MODEL
        )

    def by(self, request: SizeRequest, judged: Judgement) -> Choice:
        """The choice for a picture in which that was found."""
        bounds = self.bounds[1 if judged.edges > _DRAWING else 0]
        reasons = faults(judged, bounds, light=bool(self.light))
        strength = float(bool(reasons)) if self.strength is None else self.strength
        robust, name = self.robust, _name_of(strength)
        if self.noisy and judged.noise >= bounds.strong_noise:
            robust = self.noisy
        elif self.light and reasons and _are_light(judged, bounds):
            robust, name = self.light, LIGHT
        wish = self._wish(request, strength, robust)
        return Choice(wish=wish, name=name, judged=judged, reason=" and ".join(reasons))

    def _wish(self, request: SizeRequest, strength: float, robust: Mapping[int, Model]) -> Wish:
        return Wish(request=request, first=self.clean, robust=robust, strength=strength, further=self.clean)


def faults(judged: Judgement, bounds: Bounds = PHOTOGRAPHS, *, light: bool = False) -> list[str]:
    """What is so wrong with a picture that other networks than the clean ones are nearer to the truth.

    Args:
        judged: What was found in the picture.
        bounds: From where on it counts.
        light: Whether there are networks for light faults beside the robust ones.

    Returns:
        A few words for each; none for a clean picture.

    Example:
        >>> faults(Judgement(jpeg_quality=60.0, noise=4.2, fineness=0.9))
        ['JPEG of quality 60', 'noise of 4 levels']
    """
    found = []
    if judged.jpeg_quality is not None and judged.jpeg_quality < (bounds.light[1] if light else bounds.quality):
        found.append(f"JPEG of quality {judged.jpeg_quality:.0f}")
    elif _has_resized_blocks(judged, bounds):
        found.append("blocks of an earlier JPEG")
    if judged.noise >= (bounds.noise if judged.fineness >= _FINE else bounds.strong_noise):
        found.append(f"noise of {judged.noise:.0f} levels")
    if judged.blur >= _LEAST_BLUR:
        found.append(f"blur of {judged.blur:.1f} pixels")
    return found


def _are_light(judged: Judgement, bounds: Bounds) -> bool:
    """Whether the networks for light faults can undo what was found."""
    compressed = judged.jpeg_quality is not None and judged.jpeg_quality < bounds.light[0]
    return not compressed and not _has_resized_blocks(judged, bounds) and judged.blur < _LEAST_BLUR


def _has_resized_blocks(judged: Judgement, bounds: Bounds) -> bool:
    return judged.blocks >= bounds.blocks and abs(judged.block_side - _GRID) > _NEAR


def _name_of(strength: float) -> str:
    return {0.0: CLEAN, 1.0: REAL}.get(strength, f"strength {strength:g}")
