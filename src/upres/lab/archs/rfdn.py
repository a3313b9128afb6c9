"""RFDN: Residual Feature Distillation Network (Liu et al., 2020, arXiv:2009.11551), winner of AIM 2020's challenge.

IMDN's split after every convolution becomes two parallel convolutions, the kept one 1x1, and each passed one gains an
identity. The paper's ladder from IMDN's block to the RFDB is the argument ``block``; the distillation ratio is free.
RFDN and RFDN-L were never released: their parameter counts to the unit say contrast-aware channel attention with
reduction 4 behind the fusion, while whether a skip goes round their block is not known (here none, as in the released
E-RFDN, which has spatial attention, 50 channels and 4 blocks, and computes in 0..255). MegSR's pruned NTIRE 2022 entry
is E-RFDN with 40 channels and no identities: ``block="imdb_r_fdc"``.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from upres.lab.blocks.attention import CCA, ESA, ESA_MIN_SIZE
from upres.lab.blocks.conv import same_conv
from upres.lab.blocks.distill import DistillationBlock, SplitDistillationBlock
from upres.lab.blocks.upsample import pixel_shuffle_tail
from upres.models.card import ColorMode

BlockName = Literal["imdb", "imdb_r", "imdb_r_fdc", "imdb_r_srb", "rfdb"]
AttentionName = Literal["cca", "esa", "none"]

_LADDER: dict[BlockName, tuple[int, bool]] = {
    "imdb_r": (3, False),
    "imdb_r_fdc": (1, False),
    "imdb_r_srb": (3, True),
    "rfdb": (1, True),
}
"""Kernel size of the kept convolution, and whether the passed one has an identity."""


class RFDN(nn.Module):
    """Residual feature distillation network, with every rung of the paper's ladder.

    Args:
        scale: How many times larger the output is.
        num_channels: Maps between blocks: 48 (RFDN), 52 (RFDN-L), 50 (E-RFDN).
        num_blocks: 6, or 4 in E-RFDN.
        block: Rung of the ladder.
        distillation_ratio: Share of ``num_channels`` kept at each stage; rounded to whole channels.
        remaining_channels: Maps passed on between stages; ``None`` for all where there are identities, for those
            not kept where there are none.
        block_skip: An identity round every block (``imdb`` always has one).
        attention: ``cca``, ``esa`` or ``none``.
        attention_reduction: How many times narrower ``cca`` is inside.
        attention_channels: Width of ``esa``; ``None`` for ``num_channels // 4``.
        attention_skip: ESA's 1x1 convolution in its fine path, which NTU607QCO's challenge entry leaves out.
        attention_first: Attention before the fusion, as in IMDN (``imdb`` always).
        value_range: White inside the network; 255 in E-RFDN's file.

    Raises:
        ValueError: If the arguments do not fit one another.

    Example:
        >>> RFDN(scale=2)(torch.rand(1, 3, 20, 24)).shape
        torch.Size([1, 3, 40, 48])
    """

    color_mode: ColorMode = "rgb"
    min_size = ESA_MIN_SIZE

    def __init__(
        self,
        *,
        scale: int,
        num_channels: int = 48,
        num_blocks: int = 6,
        block: BlockName = "rfdb",
        distillation_ratio: float = 0.5,
        remaining_channels: int | None = None,
        block_skip: bool = False,
        attention: AttentionName = "cca",
        attention_reduction: int = 4,
        attention_channels: int | None = None,
        attention_skip: bool = True,
        attention_first: bool = False,
        value_range: float = 1.0,
    ) -> None:
        super().__init__()
        self.scale, self.value_range = scale, value_range
        distilled = round(num_channels * distillation_ratio)
        if block == "imdb":
            attention_first = block_skip = True
        attended = 4 * distilled if attention_first else num_channels

        def make_attention() -> nn.Module | None:
            if attention == "cca":
                return CCA(num_channels=attended, reduction=attention_reduction)
            if attention == "esa":
                return ESA(
                    num_channels=attended, width=attention_channels or attended // 4, project_skip=attention_skip
                )
            return None

        self.head = same_conv(3, num_channels, 3)
        self.blocks = nn.ModuleList(
            _block(
                block,
                num_channels=num_channels,
                distilled_channels=distilled,
                remaining_channels=remaining_channels,
                block_skip=block_skip,
                attention=make_attention(),
                attention_first=attention_first,
            )
            for _ in range(num_blocks)
        )
        self.fusion = nn.Sequential(same_conv(num_blocks * num_channels, num_channels, 1), nn.LeakyReLU(0.05))
        self.body_conv = same_conv(num_channels, num_channels, 3)
        self.upsampler = pixel_shuffle_tail(num_channels, 3, scale)

    @property
    def halo(self) -> int | None:
        """``None`` with attention, which sees the whole picture; the convolutions' reach without."""
        attentions = (m for m in self.modules() if isinstance(m, CCA | ESA))
        return None if any(attentions) else 4 * len(self.blocks) + 3

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, both in [0, 1]; sides of at least `min_size`."""
        shallow = self.head(x * self.value_range)
        features, outputs = shallow, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        features = self.body_conv(self.fusion(torch.cat(outputs, dim=1))) + shallow
        sr: Tensor = self.upsampler(features)
        return sr / self.value_range


def _block(
    name: BlockName,
    *,
    num_channels: int,
    distilled_channels: int,
    remaining_channels: int | None,
    block_skip: bool,
    attention: nn.Module | None,
    attention_first: bool,
) -> nn.Module:
    if name == "imdb":
        return SplitDistillationBlock(
            num_channels=num_channels, distilled_channels=distilled_channels, attention=attention
        )
    kernel_size, residual = _LADDER[name]
    return DistillationBlock(
        num_channels=num_channels,
        distilled_channels=distilled_channels,
        remaining_channels=remaining_channels or (num_channels if residual else num_channels - distilled_channels),
        distill_kernel_size=kernel_size,
        residual=residual,
        block_skip=block_skip,
        attention=attention,
        attention_first=attention_first,
    )
