"""How good a network is while it trains: PSNR on pictures that it does not see."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from upres.engines.torch import TorchSession
from upres.lab.data.pictures import PicturePair
from upres.metrics.protocol import DATA_RANGE, PROTOCOLS
from upres.metrics.psnr import psnr
from upres.models.card import ColorMode


class Validator:
    """Mean PSNR over a fixed set of pictures, by ``luma-float`` for luma networks and ``paper`` for RGB ones.

    Args:
        pictures: Pairs for the network's scale.
        scale: Its factor.
        color_mode: What the network works on.
        name: What the set is called in model cards.
    """

    def __init__(self, pictures: Sequence[PicturePair], *, scale: int, color_mode: ColorMode, name: str) -> None:
        self.protocol = PROTOCOLS["luma-float" if color_mode == "luma" else "paper"]
        self.pictures, self.scale, self.color_mode = pictures, scale, color_mode
        self._references = [self.protocol.reference(pair.hr) for pair in pictures]
        self.facts: dict[str, Any] = {"dataset": name, "pictures": len(pictures), "protocol": self.protocol.name}

    def psnr_db(self, network: nn.Module) -> float:
        """Mean PSNR in dB of a network, which is left in evaluation mode."""
        session = TorchSession(network.eval())
        border = self.protocol.border_scales * self.scale
        scores = []
        for pair, hr in zip(self.pictures, self._references, strict=True):
            sr = self.protocol.estimate(session, pair.lr, scale=self.scale, color_mode=self.color_mode)
            scores.append(psnr(sr, hr, data_range=DATA_RANGE, border=border))
        return float(np.mean(scores))
