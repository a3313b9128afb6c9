"""Dark pictures made lighter: a curve for the whole picture, then a network that cleans by as much as it lifted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from upres.engines.engine import Batch, Session
from upres.image.exposure import Exposure
from upres.image.samples import Planes, Samples, Size, Window
from upres.models.card import ColorMode, Task
from upres.models.catalog import Model
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.stages import Piece, Stage
from upres.pipeline.steps import NetworkStep, Step, Weakened

DARK = 1.5
"""Stops from which on a picture lacks light: one of the 141 of BSD100 and CID22's validation set lacks as much."""
_BYTES_OF_A_LIFT = 40
"""Of a pixel: its brightness as an index, a factor, an offset, and three planes in float32 and in 16 bits."""
_WHOLE = 1.0
"""What a tone has to be multiplied by beside 1 for the whole change of the cleaning network to count."""
_TONES = np.linspace(0, 1, 1025)


@dataclass(frozen=True, kw_only=True)
class Light:
    """What the caller allows to be done about darkness."""

    share: float = 1.0
    """Share of the stops that are given, and of what the network then changes."""
    stops: float | None = None
    """Stops, whatever the picture is; ``None``: what it lacks."""
    network: Model | None = None
    """What cleans the lifted picture."""

    def steps(self, missing: float) -> tuple[Step, ...]:
        """What a picture gets that lacks so many stops; nothing where there is nothing to give."""
        stops = round(self.share * (missing if self.stops is None else self.stops), 2)
        if not stops:
            return ()
        exposure = Exposure(stops)
        lift = LiftStep(exposure, self.share)
        return (lift,) if self.network is None else (lift, CleanStep(self.network, self.share, exposure=exposure))


@dataclass(frozen=True)
class LiftStep:
    """More light, by one curve."""

    exposure: Exposure
    strength: float = 1.0
    """Share of the stops that were asked for or found; these are what is left of them."""

    @property
    def name(self) -> str:
        """The stops."""
        return f"exposure {self.exposure.stops:g}"

    @property
    def task(self) -> Task:
        """Giving light."""
        return "enhance"

    @property
    def scale(self) -> int:
        """The picture keeps its size."""
        return 1

    @property
    def color_mode(self) -> ColorMode:
        """No network takes the cores for itself."""
        return "luma"

    @property
    def self_ensemble(self) -> bool:
        """There is no network."""
        return False

    @property
    def models(self) -> tuple[Model, ...]:
        """None."""
        return ()

    def stage(self, size: Size, samples: Samples, *, sessions: Sessions, settings: Settings) -> Stage:  # noqa: ARG002
        """The curve's stage, which runs no network."""
        return Lifted(size, samples, self.exposure)


class Lifted:
    """The stage below through a curve, pixel by pixel.

    Raises:
        ValueError: If the samples are YUV: the curve goes by the largest of red, green and blue.
    """

    full_width = False
    in_order = False

    def __init__(self, size: Size, samples: Samples, exposure: Exposure) -> None:
        if samples.is_yuv:
            raise ValueError(f"a curve takes grey or RGB samples, got {samples.layout}: convert them first")
        self.size, self.samples = size, samples
        self._exposure = exposure

    def needs(self, window: Window) -> Window:
        """The same window."""
        return window

    def make(self, windows: Sequence[Window], inputs: Sequence[Piece | None]) -> list[Planes]:  # noqa: ARG002
        """Each window's pixels, lifted."""
        pieces = [piece for piece in inputs if piece is not None]
        return [(self._exposure.lifted(piece.planes[0], self.samples.white),) for piece in pieces]

    def takes(self, size: Size) -> Size:
        """The same size."""
        return size

    def working_bytes(self, size: Size) -> int:
        """Memory while a window is lifted."""
        return _BYTES_OF_A_LIFT * size[0] * size[1]


@dataclass(frozen=True)
class CleanStep(NetworkStep):
    """A network that cleans what a curve has lifted, and leaves alone what it has not."""

    exposure: Exposure = field(kw_only=True)
    """The curve that was applied before."""

    @property
    def task(self) -> Task:
        """Part of giving light, whatever else the network is for."""
        return "enhance"

    def weakened(self, session: Session) -> Session:
        """The network, whose change counts by the lift."""
        return Cleaning(session, self.exposure, self.strength)


class Cleaning(Weakened):
    """A network of scale 1 on a lifted picture. Its change counts where the curve multiplied tones, by how much it did.

    Args:
        session: The network.
        exposure: The curve.
        strength: Share of the change where it counts as a whole.
    """

    def __init__(self, session: Session, exposure: Exposure, strength: float) -> None:
        super().__init__(session, strength)
        self._lifted = exposure.of(_TONES)
        gains = self._lifted[1:] / _TONES[1:]
        self._weights = strength * np.clip((np.append(gains[0], gains) - 1) / _WHOLE, 0, 1)

    def shares(self, batch: Batch) -> Batch:
        """By the brightness of each pixel, what the curve did to it."""
        shares: Batch = np.interp(batch.max(axis=1, keepdims=True), self._lifted, self._weights).astype(np.float32)
        return shares
