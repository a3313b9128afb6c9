"""Network interpolation: weights between those of two networks of which one goes on from the other.

A network trained against a discriminator invents, the one it began with is soft; between their weights lies every
shade, each a network of the same size, where a mix of their pictures takes the time of both.

Reference: Wang et al., 2018, arXiv:1809.00219 (ESRGAN), section 3.4.
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from upres.errors import UnsupportedModelError
from upres.lab import checkpoint
from upres.models.card import ModelCard
from upres.models.catalog import find


def interpolate(network: nn.Module, card: ModelCard, other: str | Path, share: float) -> ModelCard:
    """Move a network's weights towards another's, in place.

    Args:
        network: With the weights that count ``1 - share``.
        card: Its own.
        other: A shipped name or a ``.safetensors`` file.
        share: Of the other, from 0 to 1.

    Returns:
        The card, whose ``training`` lists every such move. Scores and validation, nobody's any more, are left out.

    Raises:
        UnknownModelError: If there is no such model.
        UnsupportedModelError: If the two are not of one form, or the share is not from 0 to 1.
        CheckpointError: If a file cannot be read.
    """
    if not 0 <= share <= 1:
        raise UnsupportedModelError(f"expected a share from 0 to 1, got {share:g}")
    aim, aim_card = checkpoint.load(find(other).weights)
    if aim_card.spec != card.spec:
        raise UnsupportedModelError(
            f"{card.name} and {aim_card.name} are not of one form; only then are there weights between theirs"
        )
    target = aim.state_dict()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(target[name].to(tensor), share)
    training = {name: value for name, value in card.training.items() if name != "validation"}
    before = card.training.get("interpolated", ())
    training["interpolated"] = [*before, {"towards": aim_card.name, "share": share}]
    return replace(card, training=training, scores=())
