"""Pictures that come with scikit-image, and exact ways to spoil them, the same in every version of every library."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

Picture = NDArray[np.uint8]


@pytest.fixture(scope="session")
def photographs() -> dict[str, Picture]:
    """An astronaut (512 x 512, public domain), a cat (300 x 451, CC0) and pieces of the cat."""
    cat = np.asarray(data.chelsea())
    pieces = {"200x190": cat[:200, :190], "61x45": cat[100:161, 100:145], "8x17": cat[100:108, 100:117]}
    return {"astronaut": np.asarray(data.astronaut()), "cat": cat, **pieces}


@pytest.fixture(scope="session")
def spoil():
    """A picture spoilt in a way that has a name, more or less of it."""
    ways = {"levels": _levels, "blur": _blurred, "noise": _noisy, "blocks": _blocks}
    return lambda picture, way, *strength: ways[way](picture, *strength)


def _levels(picture: Picture, step: int = 32) -> Picture:
    return picture // step * step + step // 2


def _blurred(picture: Picture, radius: int = 1) -> Picture:
    """The mean over a square, rounded down."""
    side = 2 * radius + 1
    wide = np.pad(picture.astype(np.int64), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    total = sum(wide[y : y + height, x : x + width] for y in range(side) for x in range(side))
    return (total // side**2).astype(np.uint8)


def _noisy(picture: Picture, reach: int = 20) -> Picture:
    noise = np.random.default_rng(0).integers(-reach, reach + 1, picture.shape)
    noisy: Picture = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return noisy


def _blocks(picture: Picture, side: int = 4) -> Picture:
    """Every block in the colour of its first pixel."""
    height, width = picture.shape[:2]
    return picture[::side, ::side].repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
