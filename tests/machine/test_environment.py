import json
import platform
from pathlib import Path

import numpy as np
import pytest

import upres
from upres.machine.cores import available_cores
from upres.machine.environment import INSTRUCTION_SETS, environment


def test_it_names_the_machine_and_the_versions():
    found = environment()
    assert found["cores"] == available_cores() >= 1
    assert found["versions"]["upres"] == upres.__version__
    assert found["versions"]["numpy"] == np.__version__
    assert set(found["instruction_sets"]) <= set(INSTRUCTION_SETS)
    assert found["cpu"]


def test_versions_of_other_packages_are_told_on_demand():
    assert "pytest" not in environment()["versions"]
    assert environment("pytest", "no-such-package")["versions"]["pytest"] == pytest.__version__
    assert "no-such-package" not in environment("no-such-package")["versions"]


def test_it_names_no_host_and_no_folder(monkeypatch):
    text = json.dumps(environment())
    assert platform.node() not in text or len(platform.node()) < 4
    assert str(Path.home()) not in text
    assert str(Path.cwd()) not in text


def test_a_preloaded_allocator_is_told(monkeypatch):
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    assert environment()["allocator"] == "stock"
    monkeypatch.setenv("LD_PRELOAD", "libjemalloc.so")
    assert environment()["allocator"] == "preloaded"
