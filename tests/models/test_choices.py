"""The models that are taken where none is named."""

import pytest

from upres.errors import UnknownModelError
from upres.models.choices import CHOICES, chosen, named, names


@pytest.mark.parametrize("key", CHOICES, ids=str)
def test_every_choice_ships_and_is_what_the_key_says(key):
    task, preference, scale = key
    model = chosen(preference, task)[scale]
    assert (model.card.task, model.card.scale) == (task, scale)


def test_defaults_and_fast_models_are_there_for_every_scale():
    assert list(names("default")) == list(names("fast")) == [2, 3, 4]


def test_a_family_is_a_model_of_each_scale():
    assert {scale: model.card.name for scale, model in named("esr_tm").items()} == {
        scale: f"esr_tm_x{scale}" for scale in (2, 3, 4)
    }
    assert named("bicubic") == {}
    with pytest.raises(UnknownModelError, match="no model 'esr_tmm'"):
        named("esr_tmm")
