"""How good a network is while it trains, on pictures that it does not see: PSNR, and other metrics where asked for."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from upres.engines.torch import TorchSession
from upres.errors import DataError, Hint, RecipeError
from upres.image.convert import fitted
from upres.lab.data.pictures import PicturePair
from upres.metrics.protocol import PROTOCOLS
from upres.metrics.table import METRICS, mean_scores, metric_names
from upres.models.card import ColorMode


class Validator:
    """Mean figures over a fixed set of pictures, by ``luma-float`` for luma networks and ``paper`` for RGB ones.

    RGB networks that restore are judged by ``ntire``, in all colours, where the pictures are real pairs: a camera's
    noise is strongest in what luma does not see.

    Args:
        pictures: Pairs for the network's scale.
        scale: Its factor.
        color_mode: What the network works on.
        name: What the set is called in model cards.
        metrics: Names of `upres.metrics.table.METRICS` besides PSNR, which is always measured.
        real: Whether the pictures are pairs as a data set brought them.

    Raises:
        DataError: If there is no such metric, or a picture is too small for one.
        RecipeError: If a metric looks at RGB pictures, and luma networks are to be validated.
    """

    def __init__(
        self,
        pictures: Sequence[PicturePair],
        *,
        scale: int,
        color_mode: ColorMode,
        name: str,
        metrics: Sequence[str] = (),
        real: bool = False,
    ) -> None:
        self.protocol = PROTOCOLS["luma-float" if color_mode == "luma" else "ntire" if real else "paper"]
        self.metrics = metric_names(["psnr", *metrics])
        self.pictures, self.scale, self.color_mode = pictures, scale, color_mode
        self._check()
        self._references = [self.protocol.reference(pair.hr) for pair in pictures]
        self.facts: dict[str, Any] = {"dataset": name, "pictures": len(pictures), "protocol": self.protocol.name}

    def _check(self) -> None:
        blind = [name for name in self.metrics if not self.protocol.shows(METRICS[name])]
        if blind:
            raise RecipeError(
                f"validate_metrics: {', '.join(blind)} looks at RGB pictures, and luma networks are validated on their "
                "plane",
                hint=Hint.MEASURE_LATER,
            )
        least = self.protocol.least_side(self.metrics, scale=self.scale)
        small = [pair.name for pair in self.pictures if min(pair.hr.shape[:2]) < least]
        if small:
            raise DataError(
                f"{small[0]}: too small to validate on; {', '.join(self.metrics)} needs {least}x{least} pixels"
            )

    def scores(self, network: nn.Module) -> dict[str, float]:
        """The mean of every metric, of a network, which is left in evaluation mode; PSNR in dB first."""
        scores = []
        session = fitted(
            TorchSession(network.eval()),
            scale=self.scale,
            min_size=getattr(network, "min_size", 1),
            multiple_of=getattr(network, "multiple_of", 1),
        )
        for pair, hr in zip(self.pictures, self._references, strict=True):
            sr = self.protocol.estimate(session, pair.lr, scale=self.scale, color_mode=self.color_mode)
            scores.append(self.protocol.score(sr, hr, scale=self.scale, metrics=self.metrics))
        return mean_scores(scores)
