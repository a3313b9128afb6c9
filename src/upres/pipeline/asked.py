"""What a caller asks for, as the arguments of `upres.upscaler.Upscaler` say it, without contradictions."""

from dataclasses import dataclass
from pathlib import Path

from upres.pipeline.restoring import Restore


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Arguments of `upres.upscaler.Upscaler` that choose networks, under their names there.

    Raises:
        ValueError: If they contradict each other, or the strength or ``crisp`` is not from 0 to 1.
    """

    model: str | Path | None = None
    fast: bool = False
    best: bool = False
    clean: bool = False
    real: bool = False
    strength: float | None = None
    crisp: float | None = None
    restore: Restore = False
    exposure: float | None = None
    precision: str = "auto"
    grows: bool = True
    """Whether a picture can become larger."""

    def __post_init__(self) -> None:
        if self.model is not None and self.fast:
            raise ValueError("model and fast each choose the networks: give one of them")
        if self.best and (self.model is not None or self.fast):
            raise ValueError("best chooses the networks by itself: give neither model nor fast")
        if self.crisp is not None:
            self._require_crisp_alone()
        elif self.restore is not False:
            if self.real:
                raise ValueError("real and restore each undo faults: give one of them")
        else:
            self._require_one_choice()

    def _require_crisp_alone(self) -> None:
        others = (self.model, self.strength, self.exposure) != (None, None, None) or self.restore is not False
        if others or self.fast or self.clean or self.real:
            raise ValueError("crisp chooses the networks by itself: give no other choice but best, and no restore")
        if self.crisp is not None and not 0 <= self.crisp <= 1:
            raise ValueError(f"crisp: expected 0 to 1, got {self.crisp}")

    def _require_one_choice(self) -> None:
        if self.exposure is not None:
            raise ValueError("exposure is for pictures that are restored: give it with restore")
        if (self.model is not None) + self.clean + self.real + (self.strength is not None) > 1:
            raise ValueError("model, clean, real and strength each choose the networks: give one of them")
        if self.strength is not None and not 0 <= self.strength <= 1:
            raise ValueError(f"strength: expected 0 to 1, got {self.strength}")
