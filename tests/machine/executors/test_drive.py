"""Jobs of a ledger as processes of this machine: done, failed, stopped, and orphaned by killed drivers."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from upres.errors import OutputError
from upres.machine.executors.drive import LOG_LINES, Command, drive, last_lines
from upres.machine.executors.local import LocalExecutor
from upres.machine.ledger import TRIES, Job, Ledger

DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_drive import PRELOAD, command_in
from upres.machine.executors.drive import drive
from upres.machine.executors.local import LocalExecutor
from upres.machine.ledger import Ledger
folder = Path(sys.argv[1])
executor = LocalExecutor(slots=2, preload=PRELOAD if sys.argv[3] == "warm" else ())
ended = drive(Ledger(folder), executor, command_in(folder), tell=lambda event: None)
sys.exit(0 if ended else 130)
"""

PRELOAD = ("upres.machine.executors.lifeline", "no.such.module")


@pytest.fixture(params=["cold", "warm"])
def start(request):
    """How jobs are started: as programs, or as forks of a process that has imported something already."""
    if request.param == "warm" and sys.platform != "linux":
        pytest.skip("forks are safe on Linux only")
    return request.param


@pytest.fixture(autouse=True)
def _jobs_are_found(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)


def command_in(folder):
    """How the jobs of these tests are done."""

    def command(job):
        arguments = [sys.executable, "-m", "job_of_tests", str(folder), job.name, job.work["do"]]
        return Command(arguments=arguments, log=folder / f"{job.name}.log", result=folder / f"{job.name}.json")

    return command


def _ledger(folder, **jobs):
    return Ledger.create(folder, [Job(name=name, work={"do": what}) for name, what in jobs.items()])


def _drive(ledger, start="cold", **options):
    events = []
    executor = _executor(start, **options)
    ended = drive(ledger, executor, command_in(ledger.folder), tell=events.append)
    return ended, events


def _executor(start, **options):
    return LocalExecutor(**{"slots": 2, "preload": PRELOAD if start == "warm" else (), **options})


def _driver(folder, start="cold"):
    return subprocess.Popen([sys.executable, "-c", DRIVER, folder, str(Path(__file__).parent), start])


def _await(path):
    for _ in range(3000):
        if path.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path.name} never came")


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_jobs_are_done_beside_each_other_and_their_results_kept(start, tmp_path):
    ledger = _ledger(tmp_path, a="do", b="do", c="do")
    ended, events = _drive(ledger, start, nice=4)
    assert ended
    assert [ledger.result(name) for name in "abc"] == [{"threads": "1", "nice": os.nice(0) + 4, "start": start}] * 3
    assert sorted((event.kind, event.job) for event in events) == [
        *(("begun", name) for name in "abc"),
        *(("done", name) for name in "abc"),
    ]
    assert [event.kind for event in events[:2]] == ["begun", "begun"], "two at a time"
    assert _drive(ledger) == (True, []), "and nothing is left to do"


def test_forks_of_one_process_have_one_environment_and_other_commands_start_anew(tmp_path):
    assert _drive(_ledger(tmp_path / "one", a="do"), "warm")[0]
    ledger = _ledger(tmp_path / "two", a="do")
    assert _drive(ledger, "warm", cores=3)[0]
    assert ledger.result("a") == {"threads": "3", "nice": os.nice(0) + 10, "start": "cold"}


def test_a_failure_is_tried_again_told_and_keeps_nobody_from_working(start, tmp_path):
    ledger = _ledger(tmp_path, bad="fail", silent="silent", good="do")
    ended, events = _drive(ledger, start, slots=3)
    assert ended
    assert ledger.standing().states == {"bad": "failed", "silent": "failed", "good": "done"}
    failure = ledger.failure("bad")
    assert failure["error"] == "ended with status 1"
    assert failure["log"] == [*(f"line {number}" for number in range(31 - LOG_LINES, 30)), "it is broken"]
    assert [event.says for event in events if event.job == "bad" and event.kind == "failed"] == [
        "ended with status 1: it is broken"
    ] * TRIES
    assert ledger.failure("silent")["error"] == "ended well, and silent.json is not there or cannot be read"


def test_the_first_interrupt_lets_jobs_save_and_the_next_worker_goes_on(start, tmp_path):
    ledger = _ledger(tmp_path, a="wait", b="wait", c="do")
    driver = _driver(tmp_path, start)
    _await(tmp_path / "b.pid")
    _await(tmp_path / "a.pid")
    time.sleep(0.3)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(timeout=60) == 130
    assert (tmp_path / "a.saved").exists()
    assert (tmp_path / "b.saved").exists()
    assert ledger.standing().to_dict() == {"jobs": 3, "done": 0, "running": 0, "failed": 0, "waiting": 3, "eta_s": None}
    (tmp_path / "go").touch()
    assert _drive(ledger, start)[0]
    assert ledger.standing().count("done") == 3


def test_the_second_signal_kills_jobs_that_do_not_end(start, tmp_path):
    ledger = _ledger(tmp_path, a="deaf")
    driver = _driver(tmp_path, start)
    _await(tmp_path / "a.pid")
    time.sleep(0.3)
    driver.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert driver.poll() is None, "it waits for the job"
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(timeout=60) == 130
    assert not _runs(int((tmp_path / "a.pid").read_text()))
    assert ledger.standing().states == {"a": "ready"}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to know that a driver has ended")
def test_a_killed_driver_takes_its_jobs_along_and_the_next_one_does_them(start, tmp_path):
    ledger = _ledger(tmp_path, a="wait", b="wait", c="do")
    driver = _driver(tmp_path, start)
    _await(tmp_path / "a.pid")
    _await(tmp_path / "b.pid")
    driver.kill()
    driver.wait()
    pids = [int((tmp_path / f"{name}.pid").read_text()) for name in "ab"]
    for _ in range(500):
        if not any(map(_runs, pids)):
            break
        time.sleep(0.02)
    assert not any(map(_runs, pids)), "orphans end"
    (tmp_path / "go").touch()
    assert _drive(ledger, start)[0]
    assert ledger.standing().count("done") == 3
    assert sorted((tmp_path / "begun").read_text().split()) == ["a", "a", "b", "b", "c"]


def test_a_killed_job_is_a_failure_of_the_job(start, tmp_path):
    ledger = _ledger(tmp_path, a="wait")
    events = []
    thread = threading.Thread(
        target=lambda: drive(ledger, _executor(start, slots=1), command_in(tmp_path), tell=events.append)
    )
    thread.start()
    _await(tmp_path / "a.pid")
    time.sleep(0.2)
    os.kill(int((tmp_path / "a.pid").read_text()), signal.SIGKILL)
    (tmp_path / "go").touch()
    thread.join(timeout=60)
    assert [event.kind for event in events] == ["begun", "failed", "begun", "done"]
    assert events[1].says == "ended by signal 9"


def test_a_job_that_somebody_else_took_is_let_go(tmp_path):
    ledger = _ledger(tmp_path, a="deaf")
    events = []

    def tell(event):
        events.append(event.kind)
        if event.kind == "begun":  # as if another machine had held this one to be lost, and had done it
            (tmp_path / "ledger" / "a.done").write_text('{"seconds": 1, "result": {}}')

    assert drive(ledger, LocalExecutor(slots=1), command_in(tmp_path), tell=tell, beat_s=0)
    assert events == ["begun", "taken over"]


def test_after_an_error_of_the_driver_nothing_runs(start, tmp_path, monkeypatch):
    ledger = _ledger(tmp_path, a="deaf", b="do")

    def full(*_, **__):
        _await(tmp_path / "a.pid")
        raise OutputError("the disk is full")

    monkeypatch.setattr(ledger, "finish", full)
    with pytest.raises(OutputError, match="the disk is full"):
        _drive(ledger, start)
    assert not _runs(int((tmp_path / "a.pid").read_text()))
    assert ledger.standing().states["a"] == "ready"


def test_the_last_lines_are_what_a_terminal_would_show(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n10%\r50%\rall\r\ntwo \xff\n")
    assert last_lines(log, 5) == ["one", "all", "two \ufffd"]
    assert last_lines(log, 1) == ["two \ufffd"]
    assert last_lines(tmp_path / "none", 5) == []
