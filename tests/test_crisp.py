"""Photographs that look sharp: which networks ``crisp`` takes, and what the rest of a share is."""

import numpy as np
import pytest

from tests.test_upscaler import as_jpeg, drawing, photograph
from upres.image.io import Frame, Picture, read
from upres.models import choices
from upres.upscaler import Upscaler


def chosen(pixels, scale, *, quality=98, **options):
    upscaler, picture = Upscaler(scale, **options), read(as_jpeg(pixels, quality))
    choice = upscaler.choose(picture)
    return choice.name, upscaler.plan(picture.size, choice).model_name


def test_photographs_get_crisp_networks_and_what_follows_is_clean(named_at_x2):
    assert chosen(photograph(), 2, crisp=1.0) == ("crisp", "crisp_x2")
    assert chosen(photograph(), 3, crisp=1.0, quality=60) == ("crisp", "crisp_x2+tiny_x2")
    assert chosen(photograph(), 0.5, crisp=1.0) == ("crisp", "bicubic")


@pytest.mark.parametrize(("quality", "otherwise"), [(98, "tiny_x2"), (60, "real_x2")])
def test_a_share_is_mixed_with_what_the_photograph_gets_otherwise(quality, otherwise, named_at_x2):
    assert chosen(photograph(), 2, crisp=0.25, quality=quality) == ("crisp 0.25", f"{otherwise}, crisp_x2 at 0.25")
    upscaler = Upscaler(2, crisp=0)
    assert chosen(photograph(), 2, crisp=0, quality=quality) == chosen(photograph(), 2, quality=quality)
    assert chosen(photograph(), 2, crisp=0, quality=quality)[1] == otherwise
    assert upscaler.model_identity() == Upscaler(2).model_identity()


def test_what_is_noisy_is_cleaned_first_however_steep_its_noise_is(named_at_x2):
    for sigma in (20, 70):
        noise = np.random.default_rng(0).normal(0, sigma, photograph().shape)
        noisy = (photograph() + noise).clip(0, 255).round().astype(np.uint8)
        upscaler, picture = Upscaler(2, crisp=1.0), Picture(frames=(Frame(pixels=noisy),))
        choice = upscaler.choose(picture)
        assert (choice.name, upscaler.plan(picture.size, choice).model_name) == ("crisp", "tiny_denoise+crisp_x2")


def test_drawings_keep_their_networks(named_at_x2):
    assert chosen(drawing(), 2, crisp=1.0) == ("drawn", "drawn_x2")
    assert chosen(drawing(), 2, crisp=1.0, quality=30) == ("real", "real_x2")


@pytest.mark.parametrize(
    "other", [{"fast": True}, {"real": True}, {"strength": 0.0}, {"model": "tiny"}, {"restore": {}}]
)
def test_crisp_stands_alone(other, named_at_x2):
    with pytest.raises(ValueError, match=r"^crisp chooses the networks by itself"):
        Upscaler(2, crisp=1.0, **other)


def test_the_share_is_a_share(named_at_x2):
    with pytest.raises(ValueError, match=r"^crisp: expected 0 to 1, got 1\.5$"):
        Upscaler(2, crisp=1.5)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("preference", ["crisp", "real"])
def test_flat_colors_stay(scale, preference):
    """By the networks that ship: an adversary alone let yellow lose five levels of blue."""
    colors = [(250, 220, 40), (60, 160, 40), (200, 30, 60), (128, 0, 128), (30, 60, 200), (230, 190, 160), (255,) * 3]
    upscaler = Upscaler(scale, model=choices.names(preference)[scale])
    for color in colors:
        made = upscaler(np.full((24, 24, 3), color, np.uint8)).astype(int)
        assert np.abs(made - color).max() <= 3, color
