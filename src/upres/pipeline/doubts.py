"""Noise or texture: where the flat parts of a picture cannot tell, a network against noise is asked.

It was trained to leave texture where it is. What it takes from a picture without noise are edges, blocks of a JPEG and
single textures, which lie in places, and noise is everywhere: so the patches in which it changes least decide.
"""

from dataclasses import replace

import numpy as np

from upres.engines.engine import Session
from upres.image.picture import Pixels
from upres.image.quantiles import quantiles
from upres.models.card import ModelCard
from upres.pipeline.faults import is_covered
from upres.pipeline.judge import Judgement, Plane, blocks_of, luma_of, planes_of, tiles

_LEAST = 2.5
"""Levels of noise from which on the question is worth a network's time. Of noise of 8 levels JPEG leaves as much and
more in 93 of 100 photographs, and it leaves flat parts without noise flat."""
_SIDE = 128
"""Of the four tiles that are looked at."""
_QUIET = 0.25
"""Share of the patches, of 8x8 pixels, in which least changes."""
_NOISE, _NOISE_IN_JPEG, _FOUND_NOISE = 1.3, 1.5, 0.3
"""Standard deviation, in levels, of what is taken from the last of those patches: where nothing but the network speaks
for noise, behind a JPEG, and where flat parts speak for it as well. In nearly all photographs without noise it is at
most 1.1, in their JPEGs as well; where flat parts are smooth texture, often less than 0.3."""


def is_doubtful(judged: Judgement) -> bool:
    """Whether a network has to be asked: there is noise, or what may be noise."""
    return max(judged.noise, judged.doubtful_noise) >= _LEAST


def resolved(judged: Judgement, pixels: Pixels, session: Session, card: ModelCard) -> Judgement:
    """The judgement of a picture, with the noise that was in doubt if the network takes noise from all of it.

    Args:
        judged: What was found in the picture.
        pixels: The picture, ``(H, W)`` or ``(H, W, 3)``, ``uint8`` or ``uint16``.
        session: A network of three planes against noise.
        card: The network's card.

    Returns:
        The judgement without noise, or with all of it; as it was where the picture is too small for the network.

    Raises:
        EngineError: If the network fails.
    """
    changes = [_change(tile, session, card) for tile in tiles(pixels, _SIDE)]
    spreads = np.concatenate([blocks_of(change).std(axis=(1, 2)) for change in changes])
    if not len(spreads):
        return judged
    taken = quantiles(spreads, (_QUIET,))[0]
    if judged.doubtful_noise > judged.noise and taken >= (_NOISE_IN_JPEG if is_covered(judged) else _NOISE):
        return replace(judged, noise=judged.doubtful_noise, fineness=1.0, doubtful_noise=0.0)
    if taken >= _FOUND_NOISE:
        return replace(judged, doubtful_noise=0.0)
    return replace(judged, noise=0.0, fineness=0.0, doubtful_noise=0.0)


def _change(tile: Pixels, session: Session, card: ModelCard) -> Plane:
    """What the network takes from a tile's luma, in levels: ``(H, W)``; nothing of a tile that is too small for it."""
    height, width = (side // card.multiple_of * card.multiple_of for side in tile.shape[:2])
    if min(height, width) < card.min_size:
        return np.zeros((0, 0), np.float32)
    planes = planes_of(tile[:height, :width])
    batch = np.stack(planes if len(planes) == 3 else 3 * planes)[None] / np.float32(255)
    return luma_of(tuple((batch - session(batch))[0])) * np.float32(255)
