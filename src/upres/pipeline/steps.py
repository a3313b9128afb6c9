"""What a plan does to a picture, one thing after the other: networks, and whatever else makes a stage."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from upres.engines.engine import Batch, Session, Slabs
from upres.engines.self_ensemble import SelfEnsemble
from upres.image.samples import Samples, Size
from upres.models.card import ColorMode, Task
from upres.models.catalog import Model
from upres.pipeline.blended import Blended
from upres.pipeline.budget import network_bytes_per_pixel
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.stages import Enlarged, Stage

CONTEXT = 24
"""Low-resolution rows around a window for networks that are not local."""
FADE = 24
"""Low-resolution rows over which their strips fade into each other."""
_BYTES_OF_PLANES = 12
"""Of a pixel of three float32 planes."""


class Step(Protocol):
    """One step of a plan. A plan holds steps and never looks into one: what is no network is a step too."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    @property
    def task(self) -> Task:
        """What it does."""
        ...

    @property
    def scale(self) -> int:
        """How many times larger the picture is after it; 1 where it restores."""
        ...

    @property
    def strength(self) -> float:
        """Share of its change that is applied, from 0 to 1."""
        ...

    @property
    def color_mode(self) -> ColorMode:
        """``rgb`` where a network of it works on three planes."""
        ...

    @property
    def self_ensemble(self) -> bool:
        """Whether its network works on the picture's mirror image as well."""
        ...

    @property
    def models(self) -> tuple[Model, ...]:
        """Networks that it runs."""
        ...

    def stage(self, size: Size, samples: Samples, *, sessions: Sessions, settings: Settings) -> Stage:
        """What makes windows of its result.

        Args:
            size: Of the picture that the step is applied to.
            samples: Likewise.
            sessions: Where networks are opened and kept.
            settings: How networks are run.

        Raises:
            EngineError: If no engine runs a network of it.
        """
        ...


@dataclass(frozen=True)
class NetworkStep:
    """A network, which enlarges the picture, or restores it by a share of what it would change.

    Raises:
        ValueError: If the strength is not from 0 to 1, or a network that enlarges is to do so by a share.
    """

    model: Model
    strength: float = 1.0
    """At scale 1 the picture becomes in + strength * (out - in), in float, before the step's one rounding."""
    self_ensemble: bool = False
    """Whether the network works on the picture's mirror image as well, and the mean of both counts."""

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength: expected 0 to 1, got {self.strength}")
        if self.strength < 1 and self.scale > 1:
            raise ValueError(f"{self.model.card.name} enlarges: expected strength 1, got {self.strength}")

    @property
    def name(self) -> str:
        """The network's name, its share where that is not all, and whether it works twice."""
        share = f" at {self.strength:g}" * (self.strength < 1)
        return self.model.card.name + share + " with self-ensemble" * self.self_ensemble

    @property
    def task(self) -> Task:
        """The network's."""
        return self.model.card.task

    @property
    def scale(self) -> int:
        """The network's."""
        return self.model.card.scale

    @property
    def color_mode(self) -> ColorMode:
        """The network's."""
        return self.model.card.color_mode

    @property
    def models(self) -> tuple[Model, ...]:
        """The network."""
        return (self.model,)

    def stage(self, size: Size, samples: Samples, *, sessions: Sessions, settings: Settings) -> Stage:
        """The network's stage; of one that is not local in strips that fade into each other."""
        card, session = self.model.card, sessions.get(self.model, settings)
        each = network_bytes_per_pixel(self.model.weights, session)
        weakened = self.weakened(session)
        if weakened is not session:
            session, each = weakened, each + _BYTES_OF_PLANES  # what comes of a network beside what went in
        if self.self_ensemble:
            session, each = SelfEnsemble(session), each + _BYTES_OF_PLANES * (1 + card.scale**2)
        stage = Enlarged(
            size,
            samples,
            session,
            scale=card.scale,
            color_mode=card.color_mode,
            halo=CONTEXT if card.halo is None else card.halo,
            min_size=card.min_size,
            multiple_of=card.multiple_of,
            bytes_per_pixel=each,
        )
        return stage if card.halo is not None else Blended(stage, fade=FADE * card.scale)

    def weakened(self, session: Session) -> Session:
        """The network, of whose change the share counts."""
        return Weakened(session, self.strength) if self.strength < 1 else session


class Weakened(Session):
    """A network of scale 1 of whose change a share is applied, in float; no more of the picture is held for it."""

    def __init__(self, session: Session, strength: float) -> None:
        self.facts = session.facts
        self._session, self.strength = session, strength

    def shares(self, batch: Batch) -> np.float32 | Batch:
        """Which share of the change counts: one number, or one a pixel."""
        del batch
        return np.float32(self.strength)

    def __call__(self, batch: Batch, /) -> Batch:
        """What went in, and a share of what the network makes of it."""
        return self.weakened(batch, self._session(batch))

    def weakened(self, batch: Batch, made: Batch) -> Batch:
        """What went in, and a share of what was made of it."""
        change: Batch = made - batch
        change *= self.shares(batch)
        change += batch
        return change

    def slabs(self, height: int, width: int, *, rows: int) -> Slabs | None:
        """As the network's."""
        slabs = self._session.slabs(height, width, rows=rows)
        return None if slabs is None else _WeakenedSlabs(self, slabs, width)


class _WeakenedSlabs:
    """A picture from the top down, which holds what went in until it has been made."""

    def __init__(self, session: Weakened, slabs: Slabs, width: int) -> None:
        self.ends, self.bytes = slabs.ends, slabs.bytes
        self._session, self._slabs = session, slabs
        self._waiting = np.empty((1, 3, 0, width), np.float32)

    def __call__(self, batch: Batch, /) -> Batch:
        """The next slab."""
        waiting = np.concatenate((self._waiting, batch), axis=2)
        made = self._slabs(batch)
        count = made.shape[2]
        self._waiting = waiting[:, :, count:]
        return self._session.weakened(waiting[:, :, :count], made)
