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


def test_the_page_of_the_8_bit_networks() -> None:
    int8 = _program("int8")
    assert int8.page(json.loads(int8.RESULTS.read_text())) == int8.PAGE.read_text(), "run benchmarks/int8.py page"


MOST_LOST_DB, LEAST_GAIN = 0.1, 1.25
"""What 8 bits may lose on each set and must gain over bf16 at each size for a graph to ship."""


@pytest.mark.parametrize("model", [m for m in list_models() if m.int8_graph], ids=lambda model: model.card.name)
def test_an_8_bit_graph_ships_only_with_measured_quality_and_speed(model) -> None:
    int8 = _program("int8")
    found = json.loads(int8.RESULTS.read_text())
    exact = found["quality"][0]
    assert exact["sha256"] == int8.digest(model.graph), "the float weights are others: run benchmarks/int8.py again"
    rows = [row for row in found["quality"] if row.get("sha256") == int8.digest(model.int8_graph)]
    assert rows, "this graph was not measured: run benchmarks/int8.py"
    for name in int8.SETS:
        assert exact[name] - rows[0][name] <= MOST_LOST_DB
    timed = [row for row in found["speed"] if row["graph"] == rows[0]["graph"]]
    assert len(timed) == len(int8.SIZES)
    for row in timed:
        assert row["times_as_fast_as_bf16"] >= LEAST_GAIN


def test_the_pages_of_the_studies() -> None:
    studies = _program("studies")
    pages = studies.pages()
    assert pages.keys() == set(studies.PAGES.values()), "every study has results"
    for path, text in pages.items():
        assert path.read_text() == text, "run python benchmarks/studies.py"


def test_the_page_of_the_networks_that_could_ship() -> None:
    choice = _program("choice")
    assert choice.page() == choice.PAGE.read_text(), "run python benchmarks/choice.py page"


def test_the_page_of_real_photographs() -> None:
    real = _program("real")
    assert real.page(json.loads(real.RESULTS.read_text())["results"]) == real.PAGE.read_text(), "run benchmarks/real.py"


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


@pytest.mark.parametrize(
    "model", [m for m in list_models() if m.card.color_mode == "rgb"], ids=lambda model: model.card.name
)
def test_cards_of_rgb_networks_have_the_latencies_of_their_reports(model) -> None:
    results = _program("readme").SPEED_RGB
    found = {
        (path.name, row["engine"], row["precision"], row["width"]): row["latency_ms_median"]
        for path in results
        for row in json.loads(path.read_text())["rows"]
        if row["model"] == model.card.name
    }
    latencies = {
        (each["file"], each["engine"], each["precision"], each["width"]): each["latency_ms"]
        for each in model.card.latencies
    }
    assert latencies == {key: pytest.approx(value, abs=6e-4) for key, value in found.items()}
    assert {engine for _, engine, _, _ in latencies} == {"openvino", "onnxruntime", "torch"}
