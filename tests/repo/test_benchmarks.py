"""`python -m benchmarks`: how pages are filled, checked and named."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.pages import PAGES
from benchmarks.pages.machines import add, name_results
from benchmarks.pages.page import RESULTS, ROOT, fill, read
from benchmarks.pages.stills import run
from benchmarks.pages.tables import RIGHT, distance, ms, pm, table
from upres.bench.speed import contenders
from upres.errors import EngineError
from upres.machine.names import MACHINES, machines


def test_a_table_is_aligned_and_an_empty_heading_stays_short():
    assert table(("", "a", "b"), [("x", "1", ""), ("y", "", "2")], align=RIGHT) == (
        "| | a | b |\n|---|--:|--:|\n| x | 1 |  |\n| y |  | 2 |"
    )
    assert table(("a", "b"), [], align=(RIGHT, RIGHT)) == "| a | b |\n|--:|--:|"


def test_figures_are_rounded_alike():
    assert pm({"latency_ms_median": 48.25, "spread": 0.124}) == "48.2 ± 12%"
    assert [ms(value) for value in (None, 3.456, 12.34)] == ["", "3.46", "12.3"]
    pairs: list[tuple[float | None, float | None]] = [(None, 1.0), (1.0, None), (31.0, 30.5)]
    assert [distance(*pair, 2) for pair in pairs] == ["", "1.00", "31.00 (+0.50)"]


def test_only_what_stands_between_the_marks_changes():
    page = "a\n<!-- t -->\nold\n<!-- /t -->\nb"
    assert fill(page, "t", "new") == "a\n<!-- t -->\nnew\n<!-- /t -->\nb"
    with pytest.raises(ValueError, match="expected the marks <!-- u --> and <!-- /u --> in the page"):
        fill(page, "u", "new")


def test_a_page_that_is_not_what_its_results_say_fails_the_check(tmp_path, monkeypatch, capsys):
    assert main(["check", "ablations"]) == 0
    monkeypatch.setattr("benchmarks.pages.page.ROOT", tmp_path)
    for name in PAGES["ablations"].inputs:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    assert main(["check", "ablations"]) == 1
    assert "python -m benchmarks write ablations" in capsys.readouterr().err
    (tmp_path / "docs" / "reports").mkdir(parents=True)
    assert main(["write", "ablations"]) == 0
    assert (tmp_path / "docs/reports/ablations.md").read_text() == (ROOT / "docs/reports/ablations.md").read_text()
    assert main(["check", "ablations"]) == 0


def test_an_unknown_page_is_a_mistake_of_use(capsys):
    with pytest.raises(SystemExit) as raised:
        main(["write", "ablation"])
    assert raised.value.code == 2
    assert "there is no page 'ablation'. Did you mean 'ablations'?" in capsys.readouterr().err


def test_a_page_measured_elsewhere_names_its_command(capsys):
    assert main(["measure", "tricks"]) == 0
    assert "made by upres train tricks" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["measure"], ["write"], ["check"], ["name"], ["list"]])
def test_help_has_examples(command, capsys):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    assert "python -m benchmarks measure stills" in capsys.readouterr().out


def test_results_without_a_name_get_theirs_and_nothing_else_changes(tmp_path):
    for name, indent in (("speed", 1), ("stills", 2)):
        content = read(RESULTS / f"{name}.json")
        del content["environment"]["name"]
        (tmp_path / f"{name}.json").write_text(json.dumps(content, indent=indent) + "\n")
    before = {path: path.read_text().splitlines() for path in tmp_path.iterdir()}
    assert [(path.name, name) for path, name in name_results(tmp_path)] == [
        ("speed.json", "epyc-a"), ("stills.json", "epyc-a"),
    ]  # fmt: skip
    for path, lines in before.items():
        now = path.read_text().splitlines()
        assert [line for line in now if line not in lines] == [line for line in now if '"name": "epyc-a"' in line]
        assert len(now) == len(lines) + 1
    assert not list(name_results(tmp_path))


def test_the_memory_of_a_process_is_its_own():
    held = np.ones(100 * 2**20, np.uint8)  # of this process, which calls it
    seconds, peak = run([sys.executable, "-c", "print('ignored')"])
    assert 0 < seconds < 60
    assert 2**20 < peak < held.nbytes
    with pytest.raises(RuntimeError, match="raise SystemExit"):
        run([sys.executable, "-c", "raise SystemExit(3)"])


def test_this_machine_can_be_named_once(tmp_path, monkeypatch):
    copied = tmp_path / "machines.json"
    copied.write_text(MACHINES.read_text())
    monkeypatch.setattr("benchmarks.pages.machines.MACHINES", copied)
    here = {**machines()["epyc-a"], "cores": 64, "name": None}
    monkeypatch.setattr("benchmarks.pages.machines.environment", lambda: here)
    with pytest.raises(ValueError, match="'epyc-a' is another machine"):
        add("epyc-a")
    add("mine")
    assert list(read(copied)) == [*machines(), "mine"]
    assert read(copied)["mine"]["cores"] == 64
    monkeypatch.setattr("benchmarks.pages.machines.environment", lambda: {**here, "name": "mine"})
    with pytest.raises(ValueError, match="this machine is mine already"):
        add("theirs")


def test_a_peer_is_timed_only_if_it_makes_the_same_picture(monkeypatch):
    peers = pytest.importorskip("benchmarks.peers", reason="the lab is not installed")
    (contender,) = contenders(["espcn_x2"], ["made-up"], [(64, 48)], threads=1)

    def peer(factor):
        return lambda network, picture, threads: lambda: factor * network(picture).detach().numpy()

    monkeypatch.setitem(peers.PEERS, "made-up", peer(1.0))
    runner = peers.PeerRunner(contender)
    assert runner.describe()["engine"] == "made-up"
    assert len(runner.turn(seconds=0.0, calls=3)) == 1
    monkeypatch.setitem(peers.PEERS, "made-up", peer(1.1))
    with pytest.raises(
        EngineError, match=r"espcn_x2 on made-up: its picture is off by 0\.\d+; expected at most 0\.001"
    ):
        peers.PeerRunner(contender)
    assert peers.PeerRunner(replace(contender, engine="native")).describe()["engine"] == "native"
