"""From names to recipes, and from finished runs to a results file."""

import json
from dataclasses import replace

import pytest

from upres.errors import DataError, RecipeError
from upres.lab.checkpoint import build, describe, save
from upres.lab.studies import run as running
from upres.lab.studies.run import recipes_of, studies_of, study_names, sum_up
from upres.lab.studies.study import Row, Study, run_name
from upres.lab.training.recipes import recipe_for

ROW = Row(label="a", says="A", model="esr_max_x2")
STUDY = Study(name="toy", title="Toy", rows=(ROW, replace(ROW, label="b", says="B", against="a")), seeds=(0,))


@pytest.fixture
def finished(tmp_path):
    """A folder with a finished run of every row."""
    for recipe, row in zip(STUDY.recipes(), STUDY.rows, strict=True):
        folder = tmp_path / run_name(STUDY, row, 0)
        folder.mkdir()
        network = build(recipe.spec())
        validation = {"dataset": "set", "pictures": 1, "protocol": "paper", "psnr_db": 30.0}
        training = {"steps": recipe.steps, "validation": validation}
        card = describe(network, recipe.spec(), name=recipe.name, training=training)
        save(folder / "last.safetensors", network, card)
    return tmp_path


def test_a_name_is_a_recipe_a_study_or_a_file(tmp_path):
    assert recipes_of("esr_tm_x2") == [recipe_for("esr_tm_x2")]
    study = recipes_of("ladder_rfdn", ["steps=7"])
    assert len(study) == 21
    assert {recipe.steps for recipe in study} == {7}
    path = tmp_path / "some.json"
    path.write_text(json.dumps([recipe.to_dict() for recipe in study[:2]]))
    assert recipes_of(str(path)) == study[:2]
    path.write_text(json.dumps(study[2].to_dict()))
    assert recipes_of(str(path), iter(["seed=9"])) == [replace(study[2], seed=9)]


@pytest.mark.parametrize("content", [None, "not JSON"])
def test_a_file_without_a_recipe_is_one_error(content, tmp_path):
    path = tmp_path / "some.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RecipeError, match=r"some\.json: not a readable recipe"):
        recipes_of(str(path))


def test_studies_are_picked_out_of_other_names():
    assert [study.name for study in studies_of(["esr_tm_x2", "tricks"])] == ["tricks"]
    assert {"ladder_rfdn", "tricks", "choice"} <= set(study_names())


def test_the_sum_is_written_with_the_machine_and_timed_here(finished, tmp_path, monkeypatch):
    results = tmp_path / "results" / "toy.json"
    summary = sum_up(STUDY, STUDY.recipes(), finished, results)
    assert json.loads(results.read_text()) == json.loads(json.dumps(summary))
    assert [row["label"] for row in summary["rows"]] == ["a", "b"]
    assert all(row["latency_ms"] > 0 for row in summary["rows"])
    assert summary["environment"]["cores"] >= 1
    monkeypatch.chdir(tmp_path)
    sum_up(STUDY, STUDY.recipes(), finished)
    assert (tmp_path / running.RESULTS / "toy.json").is_file()


def test_a_row_without_a_run_writes_nothing(finished, tmp_path):
    (finished / "toy-b-seed0" / "last.safetensors").unlink()
    with pytest.raises(DataError, match="toy: no finished run of b"):
        sum_up(STUDY, STUDY.recipes(), finished, tmp_path / "toy.json")
    assert not (tmp_path / "toy.json").exists()
