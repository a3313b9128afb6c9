"""Ceilings of the machine: the best of all turns, for each precision."""

from types import SimpleNamespace

import pytest

from upres.bench.ceilings import Ceilings, CeilingsRunner
from upres.machine import ceilings
from upres.machine.ceilings import KEYS, native_module


def test_the_best_of_all_turns_counts_and_a_multiply_add_is_two_operations(monkeypatch):
    answers = iter([(10.0, 30.0, 5.0), (12.0, 20.0, 6.0)])
    asked = []

    def measure(**settings):
        asked.append(settings)
        names = ("float32_gmac_per_second", "int16_gmac_per_second", "memory_read_gb_per_second")
        return dict(zip(names, next(answers), strict=True))

    monkeypatch.setattr(ceilings, "native_module", lambda: SimpleNamespace(ceilings=measure))
    runner = CeilingsRunner(3)
    assert len(runner.turn(seconds=0.3, calls=9)) == len(runner.turn(seconds=0.3, calls=9)) == 1
    assert runner.best() == {"f32_gflops": 24.0, "i16_gops": 60.0, "memory_gbs": 6.0}
    assert asked[0] == {"threads": 3, "seconds": pytest.approx(0.1)}


def test_nothing_is_known_without_the_native_module(monkeypatch):
    monkeypatch.setattr(ceilings, "native_module", lambda: None)
    runner = CeilingsRunner(1)
    assert runner.turn(seconds=0.1, calls=1)[0] >= 0
    assert Ceilings(runner.best()).to_dict() == dict.fromkeys(KEYS)


def test_each_precision_has_its_own_ceiling():
    limits = Ceilings({"f32_gflops": 500.0, "i16_gops": 900.0})
    assert limits.operations("f32") == 500.0
    assert limits.operations("int16") == 900.0
    assert limits.operations("u8") is None


@pytest.mark.skipif(native_module() is None, reason="the native module is not built here")
def test_the_native_module_measures_this_machine():
    runner = CeilingsRunner(1)
    runner.turn(seconds=0.1, calls=1)
    assert set(runner.best()) == set(KEYS)
    assert all(1 < value < 1e5 for value in runner.best().values())
