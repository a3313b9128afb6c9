"""Pages that programs write: what stands there is what the results files say, and on which machine it was measured."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.pages import PAGES
from benchmarks.pages.int8_parts import SETS, SIZES
from benchmarks.pages.int8_scores import digest
from benchmarks.pages.machines import environments
from benchmarks.pages.page import RESULTS, ROOT, Latency, Page, read
from benchmarks.pages.speed import SPEED_OF_CARDS
from benchmarks.pages.tables import machine_line
from upres.evaluation.results import dataset_label
from upres.machine.names import machines, name_of
from upres.models.catalog import list_models

MOST_TIMES = 1.3
"""How far apart two latencies of one network may be under the same name of a machine."""
DOCUMENTS = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks" / "results").glob("*.md")]
)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_is_what_its_results_say(page: Page) -> None:
    assert page.is_written(), f"run python -m benchmarks write {page.name}"


def test_every_page_says_how_its_figures_are_made_and_has_its_place_alone() -> None:
    places = [(page.target, page.mark) for page in PAGES.values()]
    assert len(set(places)) == len(places)
    for page in PAGES.values():
        assert page.measure or page.command or page.name == "machines"


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_names_every_machine_that_its_figures_come_from(page: Page) -> None:
    text = page.render(*page.contents())
    names = {found["name"] for content in page.contents() for found in environments(content)}
    assert None not in names, "run python -m benchmarks name NAME on the machine that measured this"
    for name in names | {latency.machine for latency in page.latencies(*page.contents())}:
        assert name in text, f"{page.name} has figures of {name} and does not say so"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_processor_never_stands_for_a_machine(path: Path) -> None:
    """Two machines may have a processor of one name, so the machine's stands before it."""
    text = path.read_text().split("<!-- machines -->")[0]
    for cpu in {machine["cpu"] for machine in machines().values()}:
        for found in re.finditer(re.escape(cpu), text):
            before = text[: found.start()]
            assert before.endswith(tuple(f"{name} (" for name in machines())), before[-60:] + cpu


def test_two_machines_do_not_share_a_table() -> None:
    a, b = ({"name": name, **machine} for name, machine in list(machines().items())[:2])
    assert machine_line(a, a) == "epyc-a (AMD EPYC)"
    with pytest.raises(ValueError, match=r"got those of epyc-a \(AMD EPYC\), epyc-b \(AMD EPYC\): split the table"):
        machine_line(a, b)


def test_a_network_has_one_latency_on_a_machine() -> None:
    assert not contradictions(latency for page in PAGES.values() for latency in page.latencies(*page.contents()))


def test_a_second_latency_under_one_name_is_found() -> None:
    facts: dict[str, Any] = {"model": "m", "engine": "e", "arithmetic": "f32", "width": 4, "height": 4, "threads": 2}
    slow, fast = (Latency(machine="epyc-a", ms=ms, **facts) for ms in (14.0, 10.0))
    assert contradictions([slow, fast])
    assert not contradictions([slow, Latency(machine="epyc-b", ms=10.0, **facts)])
    assert not contradictions([slow, Latency(machine="epyc-a", ms=10.0, **facts | {"threads": 1})])


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.name)
def test_results_carry_the_name_that_fits_them(path: Path) -> None:
    for found in environments(read(path)):
        assert found["name"] == name_of(found) is not None


def contradictions(latencies: Iterable[Latency]) -> list[str]:
    """Networks whose latencies on one machine, in one setting, are further apart than `MOST_TIMES`."""
    found: dict[tuple[Any, ...], set[float]] = defaultdict(set)
    for each in latencies:
        setting = (each.machine, each.model, each.engine, each.arithmetic, each.width, each.height, each.threads)
        found[setting].add(each.ms)
    return [f"{setting}: {sorted(ms)} ms" for setting, ms in found.items() if max(ms) > MOST_TIMES * min(ms)]


MOST_LOST_DB, LEAST_GAIN = 0.1, 1.25
"""What 8 bits may lose on each set and must gain over bf16 at each size for a graph to ship."""


@pytest.mark.parametrize("model", [m for m in list_models() if m.int8_graph], ids=lambda model: model.card.name)
def test_an_8_bit_graph_ships_only_with_measured_quality_and_speed(model) -> None:
    found = read(RESULTS / "int8.json")
    exact = found["quality"][0]
    assert exact["sha256"] == digest(model.graph), "the float weights are others: run python -m benchmarks measure int8"
    rows = [row for row in found["quality"] if row.get("sha256") == digest(model.int8_graph)]
    assert rows, "this graph was not measured: run python -m benchmarks measure int8"
    for name in SETS:
        assert exact[name] - rows[0][name] <= MOST_LOST_DB
    timed = [row for row in found["speed"] if row["graph"] == rows[0]["graph"]]
    assert len(timed) == len(SIZES)
    for row in timed:
        assert row["times_as_fast_as_bf16"] >= LEAST_GAIN


RESTORED = {
    "deblock": [("BSD100, jpeg 10", "paper"), ("BSD100, jpeg 20", "paper"), ("BSD100, jpeg 40", "paper")],
    "denoise": [("PolyU50", "ntire"), *((f"BSD100, noise {sigma}", "ntire") for sigma in (15, 25, 50))],
    "enhance": [("LOL256", "ntire")],
}
"""Task of a network that keeps the size -> data sets and protocols that it has to have figures for."""


@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.card.name)
def test_what_ships_was_measured_as_it_ships(model) -> None:
    """Every shipped file has its figures in the results file, and its card the same ones to four decimals."""
    file = "quality" if model.card.scale > 1 else "restoration"
    records = json.loads((ROOT / "benchmarks" / "results" / f"{file}.json").read_text())["results"]
    found = {
        (dataset_label(record), record["protocol"]): record["psnr_db"]
        for record in records
        if (record["model"], record["scale"]) == (model.card.name, model.card.scale)
    }
    needed = set(RESTORED.get(model.card.task, [("Set5", "paper"), ("Set14", "paper")]))
    assert needed <= found.keys()
    scores = {(score["dataset"], score["protocol"]): score["psnr_db"] for score in model.card.scores}
    assert scores == {key: pytest.approx(found[key], abs=6e-5) for key in scores}
    assert scores.keys() >= needed


@pytest.mark.parametrize(
    "model", [m for m in list_models() if m.card.color_mode == "rgb"], ids=lambda model: model.card.name
)
def test_cards_of_rgb_networks_have_the_latencies_of_their_reports(model) -> None:
    found = {
        (f"{name}.json", row["engine"], row["precision"], row["width"]): row["latency_ms_median"]
        for name in SPEED_OF_CARDS
        for row in read(RESULTS / f"{name}.json")["rows"]
        if row["model"] == model.card.name
    }
    latencies = {
        (each["file"], each["engine"], each["precision"], each["width"]): each["latency_ms"]
        for each in model.card.latencies
    }
    assert latencies == {key: pytest.approx(value, abs=6e-4) for key, value in found.items()}
    assert {engine for _, engine, _, _ in latencies} >= {"openvino", "onnxruntime", "torch"}
