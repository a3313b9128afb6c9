"""What results say of the machine, and what they must not."""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import pytest

import upres
from upres.machine.ceilings import KEYS, ceilings, native_module
from upres.machine.cores import available_cores
from upres.machine.environment import INSTRUCTION_SETS, environment
from upres.machine.names import name_of


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


def test_the_processor_and_its_ceilings_are_noted():
    found = environment()
    assert found["name"] == name_of(found)
    assert set(found["ceilings"]) == set(KEYS)
    if native_module() is not None:
        assert all(value > 0 for value in found["ceilings"].values())
    if found["system"] == "Linux" and found["machine"] == "x86_64":
        assert all(isinstance(found[key], int) for key in ("cpu_family", "cpu_model", "cpu_stepping"))


def test_ceilings_are_unknown_where_no_process_can_measure_them(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert ceilings.__wrapped__(1) == dict.fromkeys(KEYS)
