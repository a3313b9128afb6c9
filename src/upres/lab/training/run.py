"""From a recipe and folders to a trained network: finds the pictures, what validates, and who they belong to."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from upres.errors import DataError, Hint
from upres.evaluation.layouts import find_paired
from upres.lab.checkpoint import build
from upres.lab.data.degradations import BICUBIC, degraded_pairs
from upres.lab.data.pictures import PicturePair, Progress, load_pictures
from upres.lab.data.rendered import load_rendered
from upres.lab.training.listener import Listener
from upres.lab.training.loop import train
from upres.lab.training.outcome import TrainingResult, finished
from upres.lab.training.recipe import Recipe
from upres.lab.training.teachers import require_teachers
from upres.lab.training.validation import Validator

VALIDATION_BESIDE_DATA = Path("test", "CID22val", "HR")
"""Where the validation pictures lie beside the folder of training pictures, unless said otherwise."""

_HELD_OUT_EVERY = 25


def run_recipe(
    recipe: Recipe,
    *,
    data: str | Path,
    out: str | Path,
    validation: str | Path | None = None,
    cache: str | Path | None = None,
    devices: int = 1,
    restart: bool = False,
    listener: Listener | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train one recipe on a folder of pictures.

    Args:
        recipe: What to do.
        data: Folder of high-resolution pictures; a ``SOURCES.csv`` in it tells the model card their licences. Where it
            is a data set of pairs (`upres.evaluation.layouts`), these are trained on as they are, without the recipe's
            degradations.
        out: Folder of the run; see `upres.lab.training.loop.train`.
        validation: Folder of pictures to validate on, or a data set of pairs. Without it ``test/CID22val/HR`` beside
            ``data`` is taken, and where that is missing, or ``data`` has pairs, every 25th training picture is held
            out.
        cache: Where decoded pictures are kept.
        devices: Processes that share each batch.
        restart: Begin anew even where ``out`` holds an unfinished run.
        listener: Told how training goes.
        progress: Told how decoding goes.

    Raises:
        DataError: If a folder is missing or holds no picture, or pairs are to be validated on what has none.
        RecipeError: If ``out`` holds a run by another recipe.
        UnknownModelError: If a loss has a teacher that is no run, model or file.
    """
    require_teachers(recipe, beside=Path(out).parent)
    folder = Path(validation) if validation else Path(data).resolve().parent / VALIDATION_BESIDE_DATA
    paired, validates_on_pairs = find_paired(Path(data)), find_paired(folder) is not None
    if paired is not None:
        recipe = _on_pairs(recipe, listener, f"{data}: trains on its pairs ({paired.says}), and degrades nothing")
        if validation and not validates_on_pairs:
            raise DataError(f"{folder}: pairs are trained on, and there are none in it to validate on; name such a set")
    done = None if restart else finished(Path(out), recipe)
    if done is not None:
        return done
    spec, degradation = recipe.spec(), recipe.stages[-1].degradation
    color_mode: Any = build(spec).color_mode

    def material(scale: int) -> tuple[Sequence[PicturePair], Validator]:
        pictures = _at_each(recipe.reductions, partial(load_pictures, data, scale, cache=cache, progress=progress))
        if validation or (folder.is_dir() and paired is None):
            held_out: Sequence[PicturePair] = load_pictures(folder, scale, cache=cache, progress=progress)
            name = folder.parent.name if folder.name == "HR" else folder.name
        else:
            pictures, held_out, name = _split(pictures)
        draw = partial(load_rendered, recipe.rendered, scale, cache=cache, progress=progress)
        drawn = _at_each(recipe.reductions, draw)
        if not (degradation.is_bicubic or validates_on_pairs):
            held_out, name = degraded_pairs(held_out, scale, degradation), f"{name}, degraded"
        return (*pictures, *drawn), Validator(
            held_out,
            scale=scale,
            color_mode=color_mode,
            name=name,
            metrics=recipe.validate_metrics,
            real=validates_on_pairs or paired is not None,
        )

    pictures, validator = material(spec.scale)
    given = pictures[: len(pictures) - recipe.rendered * len(recipe.reductions)]
    facts = data_facts(data, given) | ({"rendered": recipe.rendered} if recipe.rendered else {})
    return train(
        recipe,
        pictures,
        out=out,
        validator=validator,
        other_scale=material,
        data_facts=facts,
        devices=devices,
        restart=restart,
        listener=listener,
    )


def data_facts(folder: str | Path, pictures: Sequence[PicturePair]) -> dict[str, Any]:
    """What a model card says of its training pictures: how many under which licence, from ``SOURCES.csv``.

    Raises:
        DataError: If the folder's ``SOURCES.csv`` does not name one of the pictures.
    """
    names = list(dict.fromkeys(pair.name for pair in pictures))
    facts: dict[str, Any] = {"folder": Path(folder).resolve().name, "pictures": len(names)}
    sources = Path(folder) / "SOURCES.csv"
    if not sources.is_file():
        return facts | {"licences": {"not stated": len(names)}}
    with sources.open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    missing = [name for name in names if name not in rows]
    if missing:
        raise DataError(f"{sources} does not name {missing[0]} ({len(missing)} pictures missing in all)")
    used = [rows[name] for name in names]
    return facts | {
        "licences": dict(sorted(Counter(row["licence_as_stated"] for row in used).items())),
        "collections": dict(sorted(Counter(row["collection"] for row in used).items())),
    }


def _at_each(reductions: Sequence[float], pictures: Callable[..., Sequence[PicturePair]]) -> tuple[PicturePair, ...]:
    return tuple(pair for reduction in reductions for pair in pictures(reduction=reduction))


def queue_folder(out: str | Path, recipe: Recipe) -> Path:
    """The folder of one run of a queue."""
    return Path(out) / recipe.name


def _on_pairs(recipe: Recipe, listener: Listener | None, says: str) -> Recipe:
    """The recipe without degradations and drawn tiles: what befell the pictures of low quality is in them."""
    if listener is not None and (recipe.rendered or any(not s.degradation.is_bicubic for s in recipe.stages)):
        listener.on_warning(says)
    return replace(recipe, stages=tuple(replace(each, degradation=BICUBIC) for each in recipe.stages), rendered=0)


def _split(pictures: Sequence[PicturePair]) -> tuple[tuple[PicturePair, ...], tuple[PicturePair, ...], str]:
    names = list(dict.fromkeys(pair.name for pair in pictures))
    if len(names) < 2:
        raise DataError("one picture cannot both train and validate", hint=Hint.OTHER_PICTURES)
    apart = set(names[::_HELD_OUT_EVERY])
    held_out = tuple(pair for pair in pictures if pair.name in apart and pair.reduction == pictures[0].reduction)
    return tuple(pair for pair in pictures if pair.name not in apart), held_out, "held-out training pictures"
