"""RLFN's contrastive loss: near the true picture, far from the bicubic one, in features that nobody trained."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upres.errors import RecipeError

_EPSILON = 1e-7


def contrastive(
    sr: Tensor,
    hr: Tensor,
    lr: Tensor | None,
    *,
    num_features: int = 64,
    seed: int = 0,
    weights: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """L1 distance of ``sr`` (anchor) to ``hr`` (positive) over its distance to the enlarged ``lr`` (negative).

    Distances are between the outputs of both layers of a random extractor, convolution, Tanh, convolution. Shallow
    features that keep the picture's size answer to colour and texture, which PSNR counts, rather than to meaning.

    Args:
        sr: ``(N, C, H, W)`` in [0, 1].
        hr: Same shape.
        lr: ``(N, C, H / scale, W / scale)``.
        num_features: Maps of the extractor.
        seed: Of its weights, which stay the same for the whole run.
        weights: Of the first and the second layer.

    Raises:
        RecipeError: If there is no ``lr``.

    Reference: Kong et al., 2022, arXiv:2205.07514, section 3.3.
    """
    if lr is None:
        raise RecipeError("the contrastive loss needs the low-resolution picture")
    with torch.autocast(sr.device.type, enabled=False):  # a ratio of small differences needs more than bf16
        extract = extractor(sr.shape[1], num_features, seed).to(sr.device)
        with torch.no_grad():
            negative = F.interpolate(lr.float(), size=sr.shape[-2:], mode="bicubic", align_corners=False)
            far, near = extract(negative), extract(hr.float())
        parts = zip(weights, extract(sr.float()), near, far, strict=True)
        ratios = [
            weight * F.l1_loss(anchor, positive) / (F.l1_loss(anchor, negative) + _EPSILON)
            for weight, anchor, positive, negative in parts
        ]
    return ratios[0] + ratios[1]


class RandomExtractor(nn.Module):
    """Convolution, Tanh, convolution, with random weights that are never trained.

    Args:
        in_channels: Planes of a picture.
        num_features: Maps of both layers.
        seed: Of the weights; torch's own generator is left alone.
    """

    def __init__(self, in_channels: int, num_features: int, seed: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, num_features, 3, padding=1, padding_mode="replicate")
        self.second = nn.Conv2d(num_features, num_features, 3, padding=1, padding_mode="replicate")
        generator = torch.Generator().manual_seed(seed)
        for layer in (self.first, self.second):
            nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=generator)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        self.requires_grad_(requires_grad=False)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Features of both layers, ``(N, num_features, H, W)`` each."""
        first = torch.tanh(self.first(picture))
        return first, self.second(first)


@cache
def extractor(in_channels: int, num_features: int, seed: int) -> RandomExtractor:
    """The extractor of these settings; the same object each time."""
    state = torch.get_rng_state()  # building layers draws from torch's own generator, which belongs to the run
    try:
        return RandomExtractor(in_channels, num_features, seed)
    finally:
        torch.set_rng_state(state)
