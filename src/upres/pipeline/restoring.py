"""What is undone in a picture that may keep its size: what was asked for, or what was found in it.

Faults are undone in the opposite order to that in which they befell the picture: the sensor's light first, its noise,
then the JPEG. So `RESTORING` begins with the blocks, and each network sees what it was trained on. A network whose
training held two faults undoes both: one after the other would smooth the picture twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from upres.errors import Hint, UnknownModelError
from upres.image.exposure import Exposure
from upres.models.card import Task
from upres.models.catalog import Model
from upres.models.choices import RESTORING, of_tasks, restorers
from upres.pipeline.enhance import DARK, Light
from upres.pipeline.faults import Bounds, Fault, bounds_for, found, is_covered
from upres.pipeline.judge import Judgement
from upres.pipeline.steps import NetworkStep, Step

Restore = bool | Mapping[Task, float]
"""Whether to restore: what each picture needs, or tasks with the share of their change, 0 for a task that is off."""

_PHOTOGRAPHS = Bounds(90.0, 2.5, 2.5)
"""Noise over that of clean photographs, as the judge finds it, and JPEG that networks learn to undo."""
_DRAWINGS = Bounds(90.0, 13.0, 13.0, blocks=inf)
"""Dithering is no noise, and enlarged sprites are no blocks."""
_FAULTS: Mapping[Task, Fault] = {"deblock": "jpeg", "denoise": "noise"}
"""Task -> the kind of fault that it undoes."""


class Restoring(NamedTuple):
    """What is done to one picture, and why."""

    steps: tuple[Step, ...]
    reasons: tuple[str, ...] = ()
    """What was found and is undone, in words."""
    left: tuple[str, ...] = ()
    """A sentence for each thing that was found and stays, for want of a network."""


@dataclass(frozen=True, kw_only=True)
class Restorers:
    """What the caller allows to be undone."""

    name: str
    """What was asked for, in words that tell it from everything else."""
    networks: Mapping[Task, Model]
    """Task -> the network that may be taken."""
    off: frozenset[Task] = frozenset()
    """Tasks that are not to be done, whatever is found."""
    strength: float = 1.0
    """Share of what networks change that is applied where the picture decides."""
    asked: tuple[Step, ...] | None = None
    """What is done whatever the picture is; ``None``: what it needs."""
    light: Light | None = None
    """How dark pictures are made lighter; ``None``: not at all."""

    @classmethod
    def of(
        cls, wanted: Restore, *, model: Model | None, strength: float | None, fast: bool, exposure: float | None = None
    ) -> "Restorers":
        """What the arguments of `upres.upscaler.Upscaler` stand for.

        Args:
            wanted: As there; not false.
            model: A network of the caller's, which is then the only one.
            strength: Share of the change, where ``wanted`` names none.
            fast: Take the small network of a task where there is one.
            exposure: Stops by which every picture is made lighter; ``None``: those that it lacks.

        Raises:
            UnknownModelError: If this installation has no network for what is asked for.
            ValueError: If the arguments contradict each other, name no task, or a share or the
                exposure is out of range.
        """
        shares = _shares(wanted)
        if exposure is not None:
            Exposure(exposure)
            if shares.get("enhance") == 0:
                raise ValueError("exposure and enhance 0 contradict each other: give one of them")
        chosen = {task: shares[task] for task in RESTORING if shares.get(task)}
        if model is not None and shares:
            raise ValueError("model and tasks to restore each choose the networks: give one of them")
        if chosen and strength is not None:
            raise ValueError("strength is of what the picture decides: give each task its own, or no task")
        share = 1.0 if strength is None else strength
        if not 0 <= share <= 1:
            raise ValueError(f"strength: expected 0 to 1, got {share}")
        if model is not None:
            lifts = exposure is not None and model.card.task == "enhance"  # then it cleans what the curve has lifted
            light = None if exposure is None else Light(share=share, stops=exposure, network=model if lifts else None)
            return cls._of_steps({model.card.task: model}, {} if lifts else {model.card.task: share}, light)
        networks = restorers(fast=fast)
        allowed = {task: network for task, network in networks.items() if shares.get(task) != 0}
        light = Light(share=chosen.get("enhance", share), stops=exposure, network=_cleaning(allowed))
        if chosen:
            others: dict[Task, float] = {task: share for task, share in chosen.items() if task != "enhance"}
            wants_light = "enhance" in chosen or exposure is not None
            return cls._of_steps(of_tasks(others, networks), others, light if wants_light else None)
        if not networks and exposure is None:
            raise UnknownModelError("this installation has no network that restores", hint=Hint.NAME_A_RESTORER)
        name = " ".join(["restore", *(f"{task} 0" for task in RESTORING if task in shares)])
        return cls(
            name=name + _name_of(exposure) + f" at {share:g}" * (share < 1),
            networks={task: network for task, network in networks.items() if task not in shares},
            off=frozenset(shares),
            strength=share,
            light=None if "enhance" in shares else light,
        )

    @classmethod
    def _of_steps(
        cls, networks: Mapping[Task, Model], shares: Mapping[Task, float], light: Light | None
    ) -> "Restorers":
        """These networks, and light, whatever the picture is."""
        steps = tuple(NetworkStep(networks[task], share) for task, share in shares.items())
        names = [f"{task} {share:g}" for task, share in shares.items()]
        if light is not None:
            names.append(f"enhance {light.share:g}{_name_of(light.stops)}")
            networks = {**networks, "enhance": light.network} if light.network is not None else networks
        name = " ".join(["restore", *names])
        return cls(name=name, networks=networks, asked=tuple(step for step in steps if step.strength), light=light)

    @property
    def looks(self) -> bool:
        """Whether it depends on the picture what is done."""
        return self.asked is None or (self.light is not None and self.light.stops is None)

    @property
    def denoiser(self) -> Model | None:
        """The network against noise, where the picture decides whether it works."""
        return self.networks.get("denoise") if self.asked is None else None

    def unseen(self) -> Restoring:
        """What is done to a picture that nobody looked at."""
        return Restoring((*(self.asked or ()), *self._light(0.0)))

    def by(self, judged: Judgement) -> Restoring:
        """What a picture needs in which that was found: nothing where nothing was."""
        if self.asked is not None:
            return Restoring((*self.asked, *self._light(judged.exposure)))
        wrong = found(judged, bounds_for(judged, (_PHOTOGRAPHS, _DRAWINGS)))
        needed = {
            task: words for task, fault in _FAULTS.items() if task not in self.off and (words := wrong.get(fault))
        }
        if "denoise" in needed and "deblock" in needed and "denoise" in self.networks and is_covered(judged):
            needed["denoise"] = f"{needed.pop('deblock')} and {needed['denoise']}"
        lifting = self._light(judged.exposure if _is_dark(judged) else 0.0)
        if len(lifting) > 1:
            needed.pop("denoise", None)  # what cleans the lifted picture undoes its noise
        steps, left = list[Step](), list[str]()
        reasons = [f"{judged.exposure:.1f} stops too dark"] if lifting and _is_dark(judged) else []
        for task in RESTORING:
            if task in needed and task in self.networks:
                reasons.append(needed[task])
                steps += [NetworkStep(self.networks[task], self.strength)] * bool(self.strength)
            elif task in needed:
                left.append(f"{needed[task]} stays: this installation has no network for {task}")
        return Restoring((*steps, *lifting), tuple(reasons), tuple(left))

    def _light(self, missing: float) -> tuple[Step, ...]:
        return () if self.light is None else self.light.steps(missing)


def _is_dark(judged: Judgement) -> bool:
    """Whether it is a photograph that lacks light; drawings may be dark."""
    return judged.exposure >= DARK and bounds_for(judged, (_PHOTOGRAPHS, _DRAWINGS)) is _PHOTOGRAPHS


def _cleaning(networks: Mapping[Task, Model]) -> Model | None:
    """What cleans a lifted picture best: a network that learned from such pictures, or else one against noise."""
    return networks.get("enhance") or networks.get("denoise")


def _name_of(exposure: float | None) -> str:
    return "" if exposure is None else f" exposure {exposure:g}"


def _shares(wanted: Restore) -> dict[Task, float]:
    """The tasks that are named, with their shares.

    Raises:
        TypeError: If it is neither a truth value nor tasks with shares.
        ValueError: If there is no such task, or a share is not from 0 to 1.
    """
    if not isinstance(wanted, bool | Mapping):
        raise TypeError(f"restore: expected True, False or shares of tasks like {{'denoise': 1.0}}, got {wanted!r}")
    shares = {} if isinstance(wanted, bool) else dict(wanted)
    for task, share in shares.items():
        if task not in RESTORING:
            raise ValueError(f"restore: no task '{task}', expected one of {', '.join(RESTORING)}")
        if not 0 <= share <= 1:
            raise ValueError(f"{task}: expected a strength from 0 to 1, got {share}")
    return shares
