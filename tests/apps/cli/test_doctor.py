"""`upres doctor`."""

import json
from importlib.metadata import version

import numpy as np
import pytest

from upres.apps.cli.main import main
from upres.engines import select
from upres.engines import self_test as diagnosis


@pytest.fixture
def engines(tiny_catalogue, monkeypatch):
    """Only the graph engines, to save torch's import."""
    table = {name: module for name, module in select.ENGINES.items() if name in ("openvino", "onnxruntime")}
    for target in (select, diagnosis):
        monkeypatch.setattr(target, "ENGINES", table)
    monkeypatch.setattr(diagnosis, "WEIGHTS_DIR", tiny_catalogue[2].weights.parent)
    return table


@pytest.mark.needs("openvino")
def test_engines_agree(engines, capsys):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert (found["auto"], found["models"]) == ("openvino", 3)
    assert found["environment"]["cores"] >= 1
    for engine in found["engines"]:
        assert (engine["available"], engine["precision"], engine["error"]) == (True, "f32", None)
        assert (engine["facts"]["devices"], engine["version"]) == (["cpu"], version(engine["name"]))
        assert engine["difference"] < 1e-5
        assert engine["latency_ms"] > 0


@pytest.mark.needs("openvino")
def test_what_people_read(engines, capsys):
    engines["native"] = "upres.engines.not_there"
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "engines  auto takes openvino\n" in out
    assert "  native       no   not in this installation (No module named 'upres.engines.not_there')\n" in out
    assert out.endswith("all is well\n")


@pytest.mark.needs("openvino")
def test_an_engine_that_computes_something_else_is_found(engines, monkeypatch, capsys):
    right = select.open_session

    class Wrong:
        def __init__(self, session):
            self.session, self.facts = session, session.facts

        def __call__(self, batch):
            return self.session(batch) + np.float32(0.01)

    def open_session(model, engine="auto"):
        session = right(model, engine=engine)
        return Wrong(session) if engine == "onnxruntime" else session

    monkeypatch.setattr(diagnosis, "open_session", open_session)
    assert main(["doctor"]) == 1
    problem = "problem  onnxruntime: its output differs from that of the other engines by 0.01, over 0.0001\n"
    assert problem in capsys.readouterr().out


@pytest.mark.needs("openvino")
def test_an_engine_that_cannot_tell_what_it_has_is_found(engines, monkeypatch, capsys):
    def broken():
        raise RuntimeError("no such property")

    monkeypatch.setattr(select.load("openvino"), "facts", broken)
    assert main(["doctor"]) == 1
    assert "problem  openvino: it does not tell what it has: no such property\n" in capsys.readouterr().out


def test_missing_and_broken_weights_are_found(engines, monkeypatch, tmp_path, capsys):
    from upres.models import catalog

    monkeypatch.setattr(catalog, "WEIGHTS_DIR", tmp_path)
    catalog.list_models.cache_clear()
    assert main(["doctor", "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems[0].startswith("the default model of scale 2 is missing: no model 'tiny_x2'.")
    assert len(problems) == 3
