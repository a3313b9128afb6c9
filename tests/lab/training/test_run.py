"""From a recipe and folders to the pictures of a run."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from upres.errors import DataError, RecipeError
from upres.lab.checkpoint import load
from upres.lab.data.degradations import NOISE, PHOTOGRAPH
from upres.lab.training import loop, outcome, run
from upres.lab.training.listener import Silence
from upres.lab.training.recipe import Recipe, Stage, override
from upres.lab.training.run import run_recipe

STAGE = Stage(steps=2, batch_size=2, patch_size=16)
RECIPE = Recipe(
    name="small", model="rlfn_x2", arguments={"num_channels": 4, "num_blocks": 1, "esa_channels": 4}, stages=(STAGE,)
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "train"
    folder.mkdir()
    for index in range(3):
        picture = np.random.default_rng(index).integers(256, size=(72, 96, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{index}.png")
    return folder


def _run(recipe: Recipe, photos: Path, **more: object) -> dict[str, object]:
    result = run_recipe(recipe, data=photos, out=photos.parent / "run", cache=photos.parent / "cache", **more)
    return dict(load(result.best)[1].training)


def test_without_a_validation_folder_pictures_are_held_out(photos: Path) -> None:
    training = _run(RECIPE, photos)
    assert training["validation"]["dataset"] == "held-out training pictures"
    assert (training["validation"]["pictures"], training["data"]["pictures"]) == (1, 2)


def test_rendered_tiles_are_trained_on_beside_the_pictures(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "SOURCES.csv").write_text(
        "file,licence_as_stated,collection\n" + "".join(f"{index}.png,CC0,ours\n" for index in range(3))
    )
    seen: list[list[str]] = []

    def train(recipe: Recipe, pictures: Any, **rest: Any) -> Any:
        seen.append([f"{pair.name} {pair.hr.shape} {pair.reduction:g}" for pair in pictures])
        return loop.train(recipe, pictures, **rest)

    monkeypatch.setattr(run, "train", train)
    training = _run(replace(RECIPE, rendered=2, reductions=(1.0, 0.5)), photos)
    assert training["data"]["rendered"] == 2
    assert (training["data"]["pictures"], training["data"]["licences"]) == (2, {"CC0": 2})
    assert training["validation"]["pictures"] == 1
    drawn = [entry for entry in seen[0] if entry.startswith("rendered")]
    assert drawn == [f"rendered-{i} {(side, side, 3)} {r}" for side, r in ((512, "1"), (256, "0.5")) for i in (0, 1)]
    assert "rendered" not in dict(
        load(run_recipe(RECIPE, data=photos, out=photos.parent / "b", cache=photos.parent / "cache").best)[1].training[
            "data"
        ]
    )


def test_fewer_than_no_rendered_tiles_are_refused(photos: Path) -> None:
    with pytest.raises(RecipeError, match="rendered: expected 0 tiles or more, got -1"):
        _run(replace(RECIPE, rendered=-1), photos)


def test_a_finished_run_without_its_state_is_left_as_it_is(photos: Path) -> None:
    _run(RECIPE, photos)
    folder = photos.parent / "run"
    (folder / "state.safetensors").unlink()
    networks = {path: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
    longer = override(RECIPE, ["steps=3"])
    assert outcome.finished(folder, longer) is None
    found = run_recipe(RECIPE, data=photos, out=folder, cache=photos.parent / "cache")
    assert (found.steps, found.best, found.last) == (2, folder / "best.safetensors", folder / "last.safetensors")
    assert networks == {path: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
    found.best.unlink()
    assert run_recipe(RECIPE, data=photos, out=folder, cache=photos.parent / "cache").best == found.last
    again = run_recipe(RECIPE, data=photos, out=folder, cache=photos.parent / "cache", restart=True)
    assert again.last.stat().st_mtime_ns != networks[again.last]


def test_pictures_beside_the_data_validate_and_sources_are_counted(photos: Path) -> None:
    beside = photos.parent / "test" / "CID22val" / "HR"
    beside.mkdir(parents=True)
    (photos / "0.png").rename(beside / "0.png")
    with (photos / "SOURCES.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["file", "licence_as_stated", "collection"], ["1.png", "CC0", "a"], ["2.png", "CC BY", "a"]]
        )
    training = _run(RECIPE, photos)
    assert (training["validation"]["dataset"], training["validation"]["protocol"]) == ("CID22val", "paper")
    assert training["data"]["licences"] == {"CC BY": 1, "CC0": 1}
    (photos / "SOURCES.csv").write_text("file,licence_as_stated,collection\n1.png,CC0,a\n")
    with pytest.raises(DataError, match=r"does not name 2\.png"):
        _run(RECIPE, photos, restart=True)


def test_a_stage_at_another_scale_gets_its_own_pictures(photos: Path) -> None:
    told: list[tuple[int, int]] = []
    recipe = replace(RECIPE, model="rlfn_x3", stages=(replace(STAGE, scale=2), STAGE))
    _run(recipe, photos, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)] * 2
    assert load(photos.parent / "run" / "stage1-best.safetensors")[1].scale == 2


def test_a_network_for_photographs_is_validated_on_degraded_ones(photos: Path) -> None:
    clean = _run(RECIPE, photos, restart=True)["validation"]
    damaged = PHOTOGRAPH.changed(share=1.0, noise_sigma=(20.0, 20.0))
    real = _run(replace(RECIPE, stages=(replace(STAGE, degradation=damaged),)), photos, restart=True)["validation"]
    assert real["dataset"] == "held-out training pictures, degraded"
    assert real["psnr_db"] != clean["psnr_db"]


def test_validation_notes_further_metrics_where_the_recipe_asks_for_them(photos: Path) -> None:
    recipe = override(RECIPE, ['validate_metrics=["ssim", "ssimulacra2"]'])
    validation: Any = _run(recipe, photos)["validation"]
    assert list(validation["metrics"]) == ["ssim", "ssimulacra2"]
    log = (photos.parent / "run" / "log.jsonl").read_text().splitlines()
    (row,) = [row for row in map(json.loads, log) if "psnr_db" in row]
    assert row["ssim"] == pytest.approx(validation["metrics"]["ssim"], abs=1e-5)
    assert row["ssimulacra2"] == pytest.approx(validation["metrics"]["ssimulacra2"], abs=1e-4)
    plain: Any = _run(RECIPE, photos, restart=True)["validation"]
    assert plain.keys() == validation.keys() - {"metrics"}
    assert plain["psnr_db"] == validation["psnr_db"]


@pytest.mark.parametrize(
    ("model", "name", "error", "complaint"),
    [
        ("rlfn_x2", "ssmi", DataError, "Did you mean 'ssim'"),
        ("rlfn_x2", "niqe", DataError, "too small to validate on; psnr, niqe needs 192x192"),
        ("esr_tm_x2", "niqe", RecipeError, "validate_metrics: niqe looks at RGB pictures, and luma networks"),
    ],
)
def test_metrics_that_cannot_be_noted_are_refused_before_training(
    photos: Path, model: str, name: str, error: type[Exception], complaint: str
) -> None:
    recipe = Recipe(name="small", model=model, stages=(STAGE,), validate_metrics=(name,))
    with pytest.raises(error, match=complaint):
        _run(recipe, photos)
    assert not (photos.parent / "run").exists()


RESTORER = Recipe(
    name="small",
    model="plain_c32b6_denoise",
    arguments={"num_channels": 4, "num_blocks": 1},
    stages=(replace(STAGE, degradation=NOISE),),
)


def _pairs(root: Path, count: int = 3) -> Path:
    for kind in ("noisy", "clean"):
        (root / kind).mkdir(parents=True)
        for index in range(count):
            level = np.full((48, 64, 3), 90 if kind == "noisy" else 100, np.uint8)
            Image.fromarray(level).save(root / kind / f"{index}.png")
    return root


class Warned(Silence):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def on_warning(self, message: str) -> None:
        self.warnings.append(message)


def test_pairs_are_trained_and_validated_on_as_they_are(photos: Path) -> None:
    data, listener = _pairs(photos.parent / "real"), Warned()
    beside = photos.parent / "test" / "CID22val" / "HR"
    beside.mkdir(parents=True)
    (photos / "0.png").rename(beside / "0.png")
    training = _run(RESTORER, data, listener=listener)
    assert training["validation"]["dataset"] == "held-out training pictures"
    assert (training["validation"]["pictures"], training["data"]["pictures"]) == (1, 2)
    assert training["validation"]["protocol"] == "ntire"
    assert listener.warnings == [f"{data}: trains on its pairs (noisy/ and clean/), and degrades nothing"]
    saved = Recipe.from_dict(json.loads((data.parent / "run" / "recipe.json").read_text()))
    assert saved.stages[0].degradation.is_bicubic


def test_what_is_trained_and_validated_on_is_the_pairs(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(run, "train", lambda recipe, pictures, **more: given.update(more, pictures=pictures))
    data = _pairs(photos.parent / "real")
    run_recipe(RESTORER, data=data, out=photos.parent / "run", cache=photos.parent / "cache")
    for pair in (*given["pictures"], *given["validator"].pictures):
        assert {int(pair.lr.min()), int(pair.lr.max()), int(pair.hr.min()), int(pair.hr.max())} == {90, 100}


def test_synthetic_noise_may_be_judged_by_real_pairs(photos: Path) -> None:
    training = _run(RESTORER, photos, validation=_pairs(photos.parent / "real"))
    facts = training["validation"]
    assert (facts["dataset"], facts["pictures"], facts["protocol"]) == ("real", 3, "ntire")


def test_pairs_are_not_judged_by_degraded_pictures(photos: Path) -> None:
    with pytest.raises(DataError, match="pairs are trained on, and there are none in it to validate on"):
        _run(RESTORER, _pairs(photos.parent / "real"), validation=photos)


def test_pairs_are_not_for_networks_that_enlarge(photos: Path) -> None:
    with pytest.raises(DataError, match="pairs of one size, for scale 1 and reductions"):
        _run(RECIPE, _pairs(photos.parent / "real"))
