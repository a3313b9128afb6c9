"""How many cores other processes keep busy."""

from types import SimpleNamespace

import pytest

from upres.machine import others
from upres.machine.others import Others, all_seconds


@pytest.fixture
def clock(monkeypatch):
    """A machine whose seconds the test counts: of time, of all processes, of this one."""
    now = SimpleNamespace(time=100.0, all=5000.0, own=10.0)
    monkeypatch.setattr(others, "all_seconds", lambda: now.all)
    monkeypatch.setattr("upres.machine.others.time.monotonic", lambda: now.time)
    monkeypatch.setattr("upres.machine.others.time.process_time", lambda: now.own)
    return now


def test_cores_of_others_are_counted_and_not_the_own_ones(clock):
    watch = Others()
    assert watch.busy_cores is None
    clock.time, clock.all, clock.own = 102.0, 5003.5, 10.5
    assert watch.busy_cores == pytest.approx(1.5)
    clock.time, clock.all = 102.1, 5099.0
    assert watch.busy_cores == pytest.approx(1.5)  # it was just looked at
    clock.time, clock.all, clock.own = 104.0, 5007.5, 14.5
    assert watch.busy_cores == 0.0


def test_nothing_is_said_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(others, "_STAT", tmp_path / "stat")
    monkeypatch.setattr(others, "_EVERY_SECONDS", 0.0)
    assert Others().busy_cores is None
    assert all_seconds() == 0.0


@pytest.mark.skipif(not others._STAT.is_file(), reason="needs Linux's /proc/stat")
def test_linux_tells_the_seconds_of_all_processes():
    assert 0 < all_seconds() <= all_seconds()
