"""Worker processes: their environment, their errors, their turns."""

import os
import signal
from functools import partial
from importlib import import_module
from unittest.mock import Mock

import pytest

from upres.bench.workers import Timing, Worker, drive, timed_turn
from upres.errors import EngineError, Hint, MissingExtraError, UnsupportedModelError


def os_worker():
    return Worker(import_module, "os", threads=3, name="os")


def test_an_object_lives_in_its_own_process_with_a_stock_environment(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with os_worker() as worker:
        assert worker.call("getpid") != os.getpid()
        assert worker.call("getppid") == os.getpid()
        assert worker.call("getenv", key="OMP_NUM_THREADS") == "3"
        assert worker.call("getenv", key="MALLOC_ARENA_MAX") is None
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["MALLOC_ARENA_MAX"] == "1"


def test_closing_ends_the_process():
    with os_worker() as worker:
        process = worker.call("getpid")
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    with pytest.raises(EngineError, match="os: its process died with exit code 0"):
        worker.call("getpid")


def test_errors_come_back_as_what_they_are():
    with pytest.raises(EngineError, match=r"os: ModuleNotFoundError: No module named 'no_such_module'"):
        Worker(import_module, "no_such_module", threads=1, name="os")
    answers = partial(Mock, **{"turn.side_effect": [UnsupportedModelError("no", hint=Hint.LIST_MODELS), 5]})
    with Worker(answers, threads=1, name="m") as worker:
        with pytest.raises(UnsupportedModelError, match=r"^no$") as raised:
            worker.call("turn")
        assert raised.value.hint is Hint.LIST_MODELS
        assert worker.call("turn") == 5  # an error does not end the process


def test_an_error_whose_constructor_wants_more_than_its_message_comes_back_too():
    worker = Worker.__new__(Worker)
    worker._pipe = Mock(**{"recv.return_value": ("raised", (MissingExtraError, "x needs the 'lab' extra", None))})
    with pytest.raises(MissingExtraError, match=r"^x needs the 'lab' extra$"):
        worker.call("turn")


def test_a_process_that_dies_is_told_from_one_that_raises():
    with os_worker() as worker, pytest.raises(EngineError, match=f"exit code {-signal.SIGABRT}"):
        worker.call("abort")


def test_contenders_take_turns_and_the_warmup_is_thrown_away():
    told = []

    def fake(name, latencies):
        answers = iter(latencies)

        def call(method, **settings):
            told.append((name, method, settings))
            return [next(answers)]

        return Mock(call=call)

    ticks = []
    taken = drive(
        [fake("a", [9.0, 1.0, 2.0]), fake("b", [9.0, 3.0, 4.0])],
        rounds=2, warmup=1, seconds=0.5, calls=7, progress=lambda: ticks.append(1),
    )  # fmt: skip
    assert taken == [[1.0, 2.0], [3.0, 4.0]]
    assert [name for name, _, _ in told] == ["b", "a", "a", "b", "b", "a"]
    assert told[0][1:] == ("turn", {"seconds": 0.5, "calls": 7})
    assert len(ticks) == 6


def test_a_turn_is_one_untimed_call_and_then_timed_ones_within_limits():
    calls = []
    assert len(timed_turn(lambda: calls.append(1), seconds=10, calls=4)) == 4
    assert len(calls) == 5
    assert len(timed_turn(lambda: None, seconds=0, calls=4)) == 1
    assert all(latency >= 0 for latency in timed_turn(lambda: None, seconds=1, calls=3))


def test_timing_of_latencies():
    timing = Timing.of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert timing == Timing(median_ms=3.0, min_ms=1.0, spread=pytest.approx(2 / 3), samples=5)
    assert Timing.of([2.0]) == Timing(median_ms=2.0, min_ms=2.0, spread=0.0, samples=1)
