"""A new engine: what its few lines give it, and where it appears."""

import sys
from types import ModuleType

import numpy as np
import pytest

from upres.engines import select, self_test
from upres.engines.engine import Session, SessionFacts, refuse_devices, refuse_instruction_sets
from upres.errors import UnsupportedModelError


class NearestSession(Session):
    """Repeats pixels."""

    facts = SessionFacts(engine="nearest", precision="f32")

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, batch, /):
        return batch.repeat(self.scale, axis=2).repeat(self.scale, axis=3)


class NearestEngine:
    name = "nearest"

    def unavailable(self):
        return None

    def supports(self, model):
        return True

    def facts(self):
        return {"precisions": ["f32"], "devices": ["cpu"]}

    def open(self, model, *, threads=None, precision="auto", device="cpu", isa=None):
        refuse_devices(self.name, device)
        refuse_instruction_sets(self.name, isa)
        return NearestSession(model.card.scale)


@pytest.fixture
def nearest(monkeypatch):
    """The engine as a module of its own and a line in the table."""
    module = ModuleType("nearest_engine")
    vars(module)["ENGINE"] = NearestEngine()
    monkeypatch.setitem(sys.modules, "nearest_engine", module)
    monkeypatch.setitem(select.ENGINES, "nearest", "nearest_engine")


def test_a_session_inherits_what_it_does_not_have(tiny_models, nearest):
    session = select.open_session(tiny_models[3], engine="nearest")
    batch = np.random.default_rng(0).random((2, 1, 4, 5), np.float32)
    assert (session.planes, session.best_batch, session.facts.device) == (None, 1, "cpu")
    np.testing.assert_array_equal(session.bind(batch)(), session(batch))
    with pytest.raises(UnsupportedModelError, match="nearest: no device 'cuda'"):
        select.open_session(tiny_models[3], engine="nearest", device="cuda")
    with pytest.raises(UnsupportedModelError, match="nearest: no choice of instruction set"):
        select.open_session(tiny_models[3], engine="nearest", isa="avx2")


@pytest.mark.needs("openvino")
def test_the_self_test_runs_it_and_finds_that_it_is_no_network(tiny_catalogue, nearest, monkeypatch):
    table = {name: select.ENGINES[name] for name in ("openvino", "nearest")}  # neither loads torch
    for module in (select, self_test):
        monkeypatch.setattr(module, "ENGINES", table)
    diagnosis = self_test.diagnose()
    report = next(report for report in diagnosis.engines if report.name == "nearest")
    assert report.facts == {"precisions": ["f32"], "devices": ["cpu"]}
    assert report.latency_ms > 0
    assert [problem for problem in diagnosis.problems if problem.startswith("nearest: its output differs")]


def test_the_options_name_it(nearest, capsys):
    from upres.apps.cli.main import main

    for verb in (["upscale"], ["bench", "speed"], ["challenge", "run"]):
        with pytest.raises(SystemExit):
            main([*verb, "--help"])
        assert "nearest" in capsys.readouterr().out
