"""Which model is taken where none is named: one for each task, preference and scale."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from upres.errors import ModelError
from upres.models.card import Task
from upres.models.catalog import Model, find, find_all

BICUBIC = "bicubic"
"""Name of the model that is none: plain antialiased bicubic interpolation."""
Preference = Literal["default", "fast", "light", "real", "noisy", "fast-real"]

CHOICES: dict[tuple[Task, Preference, int], str] = {
    ("upscale", "default", 2): "rlfn_c32b6_x2",
    ("upscale", "default", 3): "rlfn_c32b6_x3",
    ("upscale", "default", 4): "rlfn_c32b6_x4",
    ("upscale", "fast", 2): "espcn_d22s32_x2",
    ("upscale", "fast", 3): "espcn_d22s32_x3",
    ("upscale", "fast", 4): "espcn_d22s32_x4",
    ("upscale", "light", 2): "plain_c32b6_light_x2",
    ("upscale", "light", 3): "plain_c32b6_light_x3",
    ("upscale", "light", 4): "plain_c32b6_light_x4",
    ("upscale", "real", 2): "rlfn_c32b6_real_x2",
    ("upscale", "real", 3): "plain_c32b6_real_x3",
    ("upscale", "real", 4): "rlfn_c32b6_real_x4",
    ("upscale", "noisy", 2): "plain_c32b6_noisy_x2",
    ("upscale", "noisy", 3): "plain_c32b6_real_x3",
    ("upscale", "noisy", 4): "plain_c32b6_noisy_x4",
    ("upscale", "fast-real", 2): "espcn_d22s32_real_x2",
    ("upscale", "fast-real", 3): "espcn_d22s32_real_x3",
    ("upscale", "fast-real", 4): "espcn_d22s32_real_x4",
}
"""Task, preference and scale -> name of a shipped model.

``fast`` is small luma networks. ``light`` undoes what JPEG of good quality leaves, ``real`` and ``fast-real`` undo JPEG
blocks, mild noise and mild blur, ``noisy`` strong noise; where a picture grows further after that, it is clean, and
``default`` or ``fast`` follows.
"""


def names(preference: Preference, task: Task = "upscale") -> dict[int, str]:
    """Scale -> name of the model that is taken for this task and preference."""
    return {scale: name for (of, how, scale), name in CHOICES.items() if (of, how) == (task, preference)}


def chosen(preference: Preference, task: Task = "upscale") -> Mapping[int, Model]:
    """Scale -> the model that is taken for this task and preference.

    Raises:
        UnknownModelError: If one of the models is not in this installation.
    """
    return {scale: find(name) for scale, name in names(preference, task).items()}


def named(name: str | Path) -> Mapping[int, Model]:
    """Scale -> the model of that name, or each of the family of that name; empty for `BICUBIC`.

    Raises:
        UnknownModelError: If there is neither.
        CheckpointError: If it is a file that carries no card.
        ModelError: If it restores: nothing grows by it.
    """
    found = {} if name == BICUBIC else {model.card.scale: model for model in find_all(name)}
    if 1 in found:
        raise ModelError(
            f"{name}: expected a network that enlarges, and this one keeps the size (task '{found[1].card.task}');"
            " take a model of scale 2, 3 or 4"
        )
    return found
