"""Which model is taken where none is named: one for each task, preference and scale."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from upres.errors import Hint, ModelError, UnknownModelError
from upres.models.card import Task
from upres.models.catalog import Model, find, find_all

BICUBIC = "bicubic"
"""Name of the model that is none: plain antialiased bicubic interpolation."""
UNCHANGED = "none"
"""In the place of a model's name where a picture had nothing to be restored."""
RESTORING: tuple[Task, ...] = ("deblock", "denoise", "enhance")
"""Tasks that keep the size, in the order in which they are applied: what befell a picture last is undone first."""
Preference = Literal["default", "fast", "light", "real", "drawn", "crisp", "fast-real", "fast-drawn", "int8"]

CHOICES: dict[tuple[Task, Preference, int], str] = {
    ("upscale", "default", 2): "rlfn_c32b6_clean_x2",
    ("upscale", "default", 3): "rlfn_c32b6_clean_x3",
    ("upscale", "default", 4): "rlfn_c32b6_clean_x4",
    ("upscale", "fast", 2): "espcn_d22s32_clean_x2",
    ("upscale", "fast", 3): "espcn_d22s32_clean_x3",
    ("upscale", "fast", 4): "espcn_d22s32_clean_x4",
    ("upscale", "light", 2): "plain_c32b6_light_x2",
    ("upscale", "light", 3): "plain_c32b6_light_x3",
    ("upscale", "light", 4): "plain_c32b6_light_x4",
    ("upscale", "real", 2): "rlfn_c32b6_real_x2",
    ("upscale", "real", 3): "rlfn_c32b6_real_x3",
    ("upscale", "real", 4): "rlfn_c32b6_real_x4",
    ("upscale", "drawn", 2): "rlfn_c32b6_drawn_x2",
    ("upscale", "drawn", 3): "rlfn_c32b6_drawn_x3",
    ("upscale", "drawn", 4): "rlfn_c32b6_drawn_x4",
    ("upscale", "crisp", 2): "rlfn_c32b6_crisp_x2",
    ("upscale", "crisp", 4): "rlfn_c32b6_crisp_x4",
    ("upscale", "fast-real", 2): "espcn_d22s32_real_x2",
    ("upscale", "fast-real", 3): "espcn_d22s32_real_x3",
    ("upscale", "fast-real", 4): "espcn_d22s32_real_x4",
    ("upscale", "fast-drawn", 2): "espcn_d22s32_drawn_x2",
    ("upscale", "fast-drawn", 3): "espcn_d22s32_drawn_x3",
    ("upscale", "fast-drawn", 4): "espcn_d22s32_drawn_x4",
    ("upscale", "int8", 4): "rlfn_c32b6_x4",
    ("deblock", "default", 1): "plain_c48b6_deblock",
    ("denoise", "default", 1): "plain_c48b6_denoise",
    ("deblock", "fast", 1): "plain_c32b6_deblock",
    ("denoise", "fast", 1): "plain_c32b6_denoise",
}
"""Task, preference and scale -> name of a shipped model.

The default is for photographs without faults, however they were made small. ``fast`` is small luma networks. ``light``
undoes what JPEG of good quality leaves, ``real`` and ``fast-real`` undo JPEG blocks, mild noise and mild blur; where a
picture grows further after that, it is clean, and ``default`` or ``fast`` follows. ``drawn`` and ``fast-drawn`` are for
drawings and screens, clean or JPEG. ``crisp`` undoes what ``real`` does and makes photographs look sharp, further from
the truth; what grows to three times its size is reduced from four. ``int8`` takes the default's place in 8-bit
arithmetic.
"""


def names(preference: Preference, task: Task = "upscale") -> dict[int, str]:
    """Scale, the smallest first -> name of the model that is taken for this task and preference."""
    return {scale: name for (of, how, scale), name in sorted(CHOICES.items()) if (of, how) == (task, preference)}


def chosen(preference: Preference, task: Task = "upscale") -> dict[int, Model]:
    """Scale -> the model that is taken for this task and preference.

    Raises:
        UnknownModelError: If one of the models is not in this installation.
    """
    return {scale: find(name) for scale, name in names(preference, task).items()}


def restorers(*, fast: bool) -> dict[Task, Model]:
    """Task -> the network that is taken for it, a small one if ``fast`` and there is one; tasks without any lack.

    Raises:
        UnknownModelError: If one of the models is not in this installation.
    """
    preferences: tuple[Preference, ...] = ("default", "fast") if fast else ("default",)
    return {task: found[1] for task in RESTORING for how in preferences if 1 in (found := chosen(how, task))}


def restorer(name: str | Path) -> Model | None:
    """The model that keeps the size in the file at that path or of that name; ``None`` where it enlarges.

    Raises:
        UnknownModelError: If there is no such model.
        CheckpointError: If it is a file that carries no card.
    """
    found = () if name == BICUBIC else find_all(name)
    return found[0] if found and found[0].card.scale == 1 else None


def of_task(name: str) -> tuple[Model, ...]:
    """The network that is taken for the task of that name; nothing where no task that keeps the size has that name.

    Raises:
        UnknownModelError: If this installation has none for it.
    """
    tasks = [task for task in RESTORING if task == name]
    return tuple(of_tasks(tasks, restorers(fast=False)).values()) if tasks else ()


def of_tasks(tasks: Iterable[Task], networks: Mapping[Task, Model]) -> dict[Task, Model]:
    """Those of these networks that do these tasks.

    Raises:
        UnknownModelError: If one of the tasks has none.
    """
    wanted = list(tasks)
    if missing := [task for task in wanted if task not in networks]:
        raise UnknownModelError(
            f"this installation has no network for {' and '.join(missing)}", hint=Hint.NAME_A_RESTORER
        )
    return {task: networks[task] for task in wanted}


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
            " take a model of scale 2, 3 or 4, or restore by it"
        )
    return found
