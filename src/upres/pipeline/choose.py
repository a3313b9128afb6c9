"""Which networks a picture gets: those for clean pictures, for drawings, the robust ones, or two mixed, by what it is.

Noise is undone before the picture grows, by a network that does nothing else, and the clean networks follow; so is
everything where restoring is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from upres.errors import ModelError
from upres.models.catalog import Model
from upres.models.choices import BICUBIC, chosen, named, restorer
from upres.pipeline.faults import (
    DRAWINGS,
    DRAWINGS_FAST,
    PHOTOGRAPHS,
    PHOTOGRAPHS_FAST,
    Bounds,
    are_light,
    bounds_for,
    found,
    is_drawing,
    is_of_noise,
    suit_a_drawing,
)
from upres.pipeline.judge import Judgement
from upres.pipeline.plan import Wish
from upres.pipeline.restoring import Restore, Restorers, Restoring
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.steps import NetworkStep

CLEAN, LIGHT, REAL, DRAWN, CRISP = "clean", "light", "real", "drawn", "crisp"
DENOISE, MODEL, RESTORE = "denoise", "model", "restore"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a picture is made, and why."""

    wish: Wish
    name: str
    """``clean``, ``light``, ``real``, ``drawn``, ``denoise``, ``strength 0.5``, ``crisp``, ``crisp 0.5``, ``restore``,
    or ``model`` where the caller named one."""
    judged: Judgement | None = None
    """What was found in the picture; ``None`` where nobody looked."""
    reason: str = ""
    """What decided, in words; empty where nothing was found."""
    left: tuple[str, ...] = ()
    """A sentence for each thing that was found and stays as it is, for want of a network."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """What the caller allows to choose from."""

    name: str
    """What was asked for, in a word or two."""
    clean: Mapping[int, Model]
    """Scale -> network for pictures without faults, and for every step but the first."""
    robust: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network that undoes noise, blocks and blur."""
    light: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network for JPEG of good quality and weak noise; empty: ``robust`` as well, or none."""
    drawn: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network for every step of drawings and screens, clean or JPEG; empty: as photographs."""
    strength: float | None = None
    """Share of the robust networks; ``None``: what each picture needs."""
    bounds: tuple[Bounds, Bounds] = (PHOTOGRAPHS, DRAWINGS)
    """From where on the robust networks are taken, for photographs and for drawings."""
    restorers: Restorers | None = None
    """What is undone at the picture's own size, before it grows; ``None``: nothing."""
    against_noise: Model | None = None
    """What undoes noise before the picture grows by ``clean``; ``None``: ``robust`` does it."""
    crisp: Mapping[int, Model] = field(default_factory=dict)
    """Scale -> network that makes photographs look sharp; empty: what is nearest to the truth."""
    amount: float = 1.0
    """Share of ``crisp``; the rest is what the photograph would get without it."""

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
        crisp: float | None = None,
        restore: Restore = False,
        exposure: float | None = None,
        grows: bool = True,
    ) -> "Networks":
        """What the arguments of `upres.upscaler.Upscaler` stand for.

        Nothing is left to choose where the robust networks lack the arithmetic asked for.

        Args:
            model: As there, like those that are not named here.
            fast: Likewise.
            clean: Likewise.
            real: Likewise.
            strength: Likewise.
            precision: Likewise.
            crisp: Likewise.
            restore: Likewise.
            exposure: Likewise.
            grows: Whether a picture can become larger.

        Raises:
            UnknownModelError: If there is no such model.
            ModelError: If the model enlarges and no picture grows, or restores where that was not asked for.
            ValueError: If they contradict each other, or the strength or ``crisp`` is not from 0 to 1.
        """
        if crisp is not None:
            if any((fast, clean, real, restore is not False)) or (model, strength, exposure) != (None, None, None):
                raise ValueError("crisp chooses the networks by itself: give no other choice, and no restore")
            return cls._crisp(crisp, precision)
        if restore is not False:
            return cls._restoring(
                model, fast=fast, real=real, strength=strength, restore=restore, exposure=exposure, grows=grows
            )
        if exposure is not None:
            raise ValueError("exposure is for pictures that are restored: give it with restore")
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
        drawn = chosen("drawn") if forced is None and not fast else {}
        against_noise = chosen("fast" if fast else "default", "denoise").get(1) if forced in (None, 1.0) else None
        if forced is None and precision == "int8":
            robust = {scale: network for scale, network in robust.items() if network.int8_graph is not None}
            light = {scale: network for scale, network in light.items() if network.int8_graph is not None}
            drawn = {scale: network for scale, network in drawn.items() if network.int8_graph is not None}
            against_noise = None if against_noise is None or against_noise.int8_graph is None else against_noise
        return cls(
            name=name,
            clean=networks,
            robust=robust,
            light=light if robust else {},
            drawn=drawn,
            against_noise=against_noise if robust else None,
            strength=forced,
            bounds=(PHOTOGRAPHS_FAST, DRAWINGS_FAST) if fast else (PHOTOGRAPHS, DRAWINGS),
        )

    @classmethod
    def _crisp(cls, amount: float, precision: str) -> "Networks":
        """What each picture needs, and for photographs those that make them look sharp."""
        if not 0 <= amount <= 1:
            raise ValueError(f"crisp: expected 0 to 1, got {amount}")
        needed = cls.of(None, fast=False, clean=False, real=False, strength=None, precision=precision)
        if amount == 0:
            return needed
        return replace(needed, name=_name_of_crisp(amount), crisp=chosen("crisp"), amount=amount)

    @classmethod
    def _restoring(
        cls,
        model: str | Path | None,
        *,
        fast: bool,
        real: bool,
        strength: float | None,
        restore: Restore,
        exposure: float | None,
        grows: bool,
    ) -> "Networks":
        """What undoes faults at the picture's size, and the clean networks for what follows."""
        if real:
            raise ValueError("real and restore each undo faults: give one of them")
        if model is not None and fast:
            raise ValueError("model and fast each choose the networks: give one of them")
        own = None if model is None else restorer(model)
        if model is not None and own is None and not grows:
            raise ModelError(f"{model}: expected a network that restores, of scale 1, and this one enlarges")
        restorers = Restorers.of(restore, model=own, strength=strength, fast=fast, exposure=exposure)
        networks = dict[int, Model]()
        if model is not None and own is None:
            networks = dict(named(model))
        elif grows:
            networks = dict(chosen("fast" if fast else "default"))
        enlarging = "+".join(each.card.name for each in networks.values()) if model is not None else "default"
        name = " ".join([*(["fast"] if fast else [enlarging] if grows else []), restorers.name])
        return cls(name=name, clean=networks, strength=0.0, restorers=restorers)

    def looks(self, growth: float) -> bool:
        """Whether it depends on the picture what a picture gets that is to become so many times as large."""
        if self.restorers is not None:
            return self.restorers.looks
        return growth > 1 and bool(self.robust) and (self.strength is None or self.against_noise is not None)

    @property
    def models(self) -> list[Model]:
        """All that may be taken, each once."""
        restoring = {} if self.restorers is None else self.restorers.networks
        kinds = (self.clean, self.light, self.robust, self.drawn, self.crisp, restoring)
        everything = chain(*(kind.values() for kind in kinds), () if self.denoiser is None else (self.denoiser,))
        return list({model.weights: model for model in everything}.values())

    @property
    def denoiser(self) -> Model | None:
        """The network against noise that may be taken where a picture decides."""
        return self.against_noise if self.restorers is None else self.restorers.denoiser

    def without_a_look(self, request: SizeRequest) -> Choice:
        """The choice for a picture that nobody looked at: as was asked for, clean where that was nothing."""
        if self.restorers is not None:
            return self._restored(request, self.restorers.unseen(), None)
        strength = self.strength or 0.0
        choice = Choice(
            wish=self._wish(request, strength, self.robust), name=_name_of(strength) if self.robust else MODEL
        )
        return self._sharpened(choice) if self.crisp else choice

    def by(self, request: SizeRequest, judged: Judgement) -> Choice:
        """The choice for a picture in which that was found."""
        if self.restorers is not None:
            return self._restored(request, self.restorers.by(judged), judged)
        choice = self._faithful(request, judged)
        drawing = is_drawing(judged) and choice.name != DENOISE  # strong noise is steep, too
        return self._sharpened(choice) if self.crisp and not drawing else choice

    def _faithful(self, request: SizeRequest, judged: Judgement) -> Choice:
        """The networks that come nearest to the truth."""
        bounds = bounds_for(judged, self.bounds)
        wrong = found(judged, bounds, light=bool(self.light))
        reason = " and ".join(wrong.values())
        if self.against_noise is not None and is_of_noise(judged, wrong):
            wish = Wish(request=request, restorers=(NetworkStep(self.against_noise),), first=self.clean)
            return Choice(wish=wish, name=DENOISE, judged=judged, reason=reason)
        if self.drawn and suit_a_drawing(judged, wrong):
            wish, reason = Wish(request=request, first=self.drawn), " and ".join(["drawing", *wrong.values()])
            return Choice(wish=wish, name=DRAWN, judged=judged, reason=reason)
        strength = float(bool(wrong)) if self.strength is None else self.strength
        robust, name = self.robust, _name_of(strength)
        if self.light and wrong and are_light(judged, bounds):
            robust, name = self.light, LIGHT
        return Choice(wish=self._wish(request, strength, robust), name=name, judged=judged, reason=reason)

    def _sharpened(self, choice: Choice) -> Choice:
        """That choice with networks that look sharp in the first step in which the picture grows."""
        wish = replace(
            choice.wish, first=choice.wish.opening, robust=self.crisp, strength=self.amount, further=self.clean
        )
        return replace(choice, wish=wish, name=_name_of_crisp(self.amount))

    def _restored(self, request: SizeRequest, restoring: Restoring, judged: Judgement | None) -> Choice:
        return Choice(
            wish=Wish(request=request, restorers=restoring.steps, first=self.clean),
            name=RESTORE,
            judged=judged,
            reason=" and ".join(restoring.reasons),
            left=restoring.left,
        )

    def _wish(self, request: SizeRequest, strength: float, robust: Mapping[int, Model]) -> Wish:
        return Wish(request=request, first=self.clean, robust=robust, strength=strength, further=self.clean)


def _name_of(strength: float) -> str:
    return {0.0: CLEAN, 1.0: REAL}.get(strength, f"strength {strength:g}")


def _name_of_crisp(amount: float) -> str:
    return CRISP if amount == 1 else f"{CRISP} {amount:g}"
