"""Which networks a picture gets: those for clean pictures, for drawings, the robust ones, or two mixed, by what it is.

Noise is undone before the picture grows, by a network that does nothing else, and the clean networks follow; so is
everything where restoring is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

from upres.errors import ModelError
from upres.models.catalog import Model
from upres.models.choices import BICUBIC, chosen, named, restorer
from upres.pipeline.asked import Asked
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
from upres.pipeline.steps import NetworkStep, Step

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
    self_ensemble: bool = False
    """Whether networks that enlarge work on the picture's mirror image as well."""

    @classmethod
    def of(cls, asked: Asked) -> "Networks":
        """What was asked for.

        Nothing is left to choose where the robust networks lack the arithmetic asked for.

        Raises:
            UnknownModelError: If there is no such model.
            ModelError: If the model enlarges and no picture grows, or restores where that was not asked for.
        """
        if asked.restore is not False:
            networks = cls._restoring(asked, asked.restore)
        elif asked.model is not None:
            found = named(asked.model)
            name = "+".join(model.card.name for model in found.values()) or BICUBIC
            networks = cls(name=name, clean=found, strength=0.0)
        else:
            networks = cls._enlarging(asked)
        if asked.crisp:
            networks = replace(networks, name=_name_of_crisp(asked.crisp), crisp=chosen("crisp"), amount=asked.crisp)
        if asked.best:
            networks = replace(networks, name=f"best {networks.name}", self_ensemble=True)
        return networks

    @classmethod
    def _enlarging(cls, asked: Asked) -> "Networks":
        """The networks that ship, for each picture what it needs where nothing forces a choice."""
        fast, in_int8 = asked.fast, asked.precision == "int8"
        forced = 0.0 if asked.clean else 1.0 if asked.real else asked.strength
        name = " ".join(["fast" if fast else "default", *([] if forced is None else [_name_of(forced)])])
        networks = cls(
            name=name,
            clean=chosen("fast") if fast else chosen("default") | (chosen("int8") if in_int8 else {}),
            robust=chosen("fast-real" if fast else "real"),
            light=chosen("light") if forced is None and not fast else {},
            drawn=chosen("fast-drawn" if fast else "drawn") if forced is None else {},
            against_noise=chosen("fast" if fast else "default", "denoise").get(1) if forced in (None, 1.0) else None,
            strength=forced,
            bounds=(PHOTOGRAPHS_FAST, DRAWINGS_FAST) if fast else (PHOTOGRAPHS, DRAWINGS),
        )
        return networks._of_int8 if forced is None and in_int8 else networks

    @property
    def _of_int8(self) -> "Networks":
        """The same without those, but the clean ones, that have no graph for 8 bits."""

        def quantized(networks: Mapping[int, Model]) -> Mapping[int, Model]:
            return {scale: network for scale, network in networks.items() if network.int8_graph is not None}

        robust, denoiser = quantized(self.robust), self.against_noise
        return replace(
            self,
            robust=robust,
            light=quantized(self.light) if robust else {},
            drawn=quantized(self.drawn),
            against_noise=denoiser if robust and denoiser is not None and denoiser.int8_graph is not None else None,
        )

    @classmethod
    def _restoring(cls, asked: Asked, restore: Restore) -> "Networks":
        """What undoes faults at the picture's size, and the clean networks for what follows."""
        model, fast = asked.model, asked.fast
        own = None if model is None else restorer(model)
        if model is not None and own is None and not asked.grows:
            raise ModelError(f"{model}: expected a network that restores, of scale 1, and this one enlarges")
        restorers = Restorers.of(restore, model=own, strength=asked.strength, fast=fast, exposure=asked.exposure)
        networks = dict[int, Model]()
        if model is not None and own is None:
            networks = dict(named(model))
        elif asked.grows:
            networks = dict(chosen("fast" if fast else "default"))
        enlarging = "+".join(each.card.name for each in networks.values()) if model is not None else "default"
        name = " ".join([*(["fast"] if fast else [enlarging] if asked.grows else []), restorers.name])
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
        wish = self._wish(request, robust=self.robust, strength=strength)
        choice = Choice(wish=wish, name=_name_of(strength) if self.robust else MODEL)
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
            wish = self._wish(request, restorers=(NetworkStep(self.against_noise),))
            return Choice(wish=wish, name=DENOISE, judged=judged, reason=reason)
        if self.drawn and suit_a_drawing(judged, wrong):
            wish = replace(self._wish(request), first=self.drawn)
            return Choice(wish=wish, name=DRAWN, judged=judged, reason=" and ".join(["drawing", *wrong.values()]))
        strength = float(bool(wrong)) if self.strength is None else self.strength
        robust, name = self.robust, _name_of(strength)
        if self.light and wrong and are_light(judged, bounds):
            robust, name = self.light, LIGHT
        wish = self._wish(request, robust=robust, strength=strength)
        return Choice(wish=wish, name=name, judged=judged, reason=reason)

    def _sharpened(self, choice: Choice) -> Choice:
        """That choice with networks that look sharp in the first step in which the picture grows."""
        wish = replace(
            choice.wish, first=choice.wish.opening, robust=self.crisp, strength=self.amount, further=self.clean
        )
        return replace(choice, wish=wish, name=_name_of_crisp(self.amount))

    def _restored(self, request: SizeRequest, restoring: Restoring, judged: Judgement | None) -> Choice:
        return Choice(
            wish=self._wish(request, restorers=restoring.steps),
            name=RESTORE,
            judged=judged,
            reason=" and ".join(restoring.reasons),
            left=restoring.left,
        )

    def _wish(
        self,
        request: SizeRequest,
        *,
        restorers: tuple[Step, ...] = (),
        robust: Mapping[int, Model] | None = None,
        strength: float = 0.0,
    ) -> Wish:
        """These steps before the picture grows, and the clean networks, a share of robust ones mixed in."""
        return Wish(
            request=request,
            restorers=restorers,
            first=self.clean,
            robust=robust or {},
            strength=strength,
            self_ensemble=self.self_ensemble,
        )


def _name_of(strength: float) -> str:
    return {0.0: CLEAN, 1.0: REAL}.get(strength, f"strength {strength:g}")


def _name_of_crisp(amount: float) -> str:
    return CRISP if amount == 1 else f"{CRISP} {amount:g}"
