"""What the tests of sweeps share: a few tiny pictures, and recipes that take a second."""

import json

import numpy as np
import pytest
from PIL import Image

from upres.lab.studies.sweep.plan import jobs_of, make_plan
from upres.lab.studies.sweep.terms import Places
from upres.lab.training.recipe import Recipe, Stage, WarmStart
from upres.machine.ledger import Job


def _pictures(folder, *, count, size=(48, 64)):
    folder.mkdir(parents=True)
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    for index in range(count):
        planes = [127 + 100 * np.sin(x / (period + index) + y / 5.0) for period in (1.5, 2.5, 4.0)]
        Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)).save(folder / f"{index}.png")
    return str(folder)


@pytest.fixture(scope="package")
def places(tmp_path_factory):
    """Training pictures and a data set."""
    folder = tmp_path_factory.mktemp("pictures")
    data, tiny = _pictures(folder / "photos", count=2), _pictures(folder / "Tiny", count=1)
    return Places(data=data, validation=tiny, sets=(tiny,))


@pytest.fixture
def recipes():
    """Three that take a second each; the last begins with the first."""
    stage = Stage(steps=4, batch_size=2, patch_size=12)
    first = Recipe(name="first", model="esr_max_x2", stages=(stage,), validate_every=4)
    second = Recipe(name="second", model="espcn_x2", stages=(stage,), arguments={"num_shrink": 5}, validate_every=4)
    third = Recipe(
        name="third", model="esr_max_x2", stages=(stage,), start=WarmStart(model="first"), seed=1, validate_every=4
    )
    return [third, first, second]


@pytest.fixture
def recipe_file(recipes, tmp_path):
    path = tmp_path / "recipes.json"
    path.write_text(json.dumps([recipe.to_dict() for recipe in recipes]))
    return path


@pytest.fixture
def sweep(recipe_file, places, tmp_path):
    bicubic = Job(name="bicubic_x2", work={"bicubic": 2})
    planned = [bicubic, *jobs_of(str(recipe_file))]
    return make_plan("some", planned, tmp_path / "s", places=places, protocols=["esr", "luma-float", "paper"])
