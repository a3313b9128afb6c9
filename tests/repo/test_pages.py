"""Pages that programs write: what stands there is what the results files say."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from upres.models.catalog import list_models

ROOT = Path(__file__).resolve().parents[2]


def _program(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_figures_of_the_readme_and_of_upscaling() -> None:
    for path, text in _program("readme").filled().items():
        assert path.read_text() == text, "run python benchmarks/readme.py"


def test_the_page_of_the_edge_family() -> None:
    pool = _program("pool")
    assert pool.page() == pool.PAGE.read_text(), "run python benchmarks/pool.py ../shared"


def test_the_page_of_the_zoo() -> None:
    zoo = _program("zoo")
    records = json.loads(zoo.RESULTS.read_text())["results"]
    assert zoo.page(records, json.loads(zoo.REFERENCE.read_text())) == zoo.PAGE.read_text(), "run benchmarks/zoo.py"


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.card.name)
def test_what_ships_was_measured_as_it_ships(model) -> None:
    """Every shipped file has its figures in the results file, and its card the same ones to four decimals."""
    records = json.loads((ROOT / "benchmarks" / "results" / "quality.json").read_text())["results"]
    found = {
        (record["dataset"], record["protocol"]): record["psnr_db"]
        for record in records
        if (record["model"], record["scale"]) == (model.card.name, model.card.scale)
    }
    assert {("Set5", "paper"), ("Set14", "paper")} <= found.keys()
    scores = {(score["dataset"], score["protocol"]): score["psnr_db"] for score in model.card.scores}
    assert scores == {key: pytest.approx(found[key], abs=6e-5) for key in scores}
    assert scores.keys() >= {("Set5", "paper"), ("Set14", "paper")}
