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

JOB = """
import json, os, signal, sys, time
from pathlib import Path
from upres.machine.executors.lifeline import hold_lifeline
hold_lifeline()
folder, name, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with (folder / "begun").open("a") as file:
    file.write(name + "\\n")
(folder / f"{name}.pid").write_text(str(os.getpid()))
def save(*_):
    (folder / f"{name}.saved").touch()
    sys.exit(130)
signal.signal(signal.SIGINT, save)
if what == "fail":
    print("\\n".join(f"line {number}" for number in range(30)))
    sys.exit("it is broken")
if what == "wait":
    while not (folder / "go").exists():
        time.sleep(0.02)
if what == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(600)
if what != "silent":
    result = {"threads": os.environ["OMP_NUM_THREADS"], "nice": os.nice(0)}
    (folder / f"{name}.json").write_text(json.dumps(result))
"""

DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_drive import command_in
from upres.machine.executors.drive import drive
from upres.machine.executors.local import LocalExecutor
from upres.machine.ledger import Ledger
folder = Path(sys.argv[1])
ended = drive(Ledger(folder), LocalExecutor(slots=2), command_in(folder), tell=lambda event: None)
sys.exit(0 if ended else 130)
"""


def command_in(folder):
    """How the jobs of these tests are done."""

    def command(job):
        arguments = [sys.executable, "-c", JOB, str(folder), job.name, job.work["do"]]
        return Command(arguments=arguments, log=folder / f"{job.name}.log", result=folder / f"{job.name}.json")

    return command


def _ledger(folder, **jobs):
    return Ledger.create(folder, [Job(name=name, work={"do": what}) for name, what in jobs.items()])


def _drive(ledger, **options):
    events = []
    executor = LocalExecutor(**{"slots": 2, **options})
    ended = drive(ledger, executor, command_in(ledger.folder), tell=events.append)
    return ended, events


def _driver(folder):
    return subprocess.Popen([sys.executable, "-c", DRIVER, folder, str(Path(__file__).parent)])


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


def test_jobs_are_done_beside_each_other_and_their_results_kept(tmp_path):
    ledger = _ledger(tmp_path, a="do", b="do", c="do")
    ended, events = _drive(ledger, cores=3, nice=4)
    assert ended
    assert [ledger.result(name) for name in "abc"] == [{"threads": "3", "nice": os.nice(0) + 4}] * 3
    assert sorted((event.kind, event.job) for event in events) == [
        *(("begun", name) for name in "abc"),
        *(("done", name) for name in "abc"),
    ]
    assert [event.kind for event in events[:2]] == ["begun", "begun"], "two at a time"
    assert _drive(ledger) == (True, []), "and nothing is left to do"


def test_a_failure_is_tried_again_told_and_keeps_nobody_from_working(tmp_path):
    ledger = _ledger(tmp_path, bad="fail", silent="silent", good="do")
    ended, events = _drive(ledger, slots=3)
    assert ended
    assert ledger.standing().states == {"bad": "failed", "silent": "failed", "good": "done"}
    failure = ledger.failure("bad")
    assert failure["error"] == "ended with status 1"
    assert failure["log"] == [*(f"line {number}" for number in range(31 - LOG_LINES, 30)), "it is broken"]
    assert [event.says for event in events if event.job == "bad" and event.kind == "failed"] == [
        "ended with status 1: it is broken"
    ] * TRIES
    assert ledger.failure("silent")["error"] == "ended well, and silent.json is not there or cannot be read"


def test_the_first_interrupt_lets_jobs_save_and_the_next_worker_goes_on(tmp_path):
    ledger = _ledger(tmp_path, a="wait", b="wait", c="do")
    driver = _driver(tmp_path)
    _await(tmp_path / "b.pid")
    _await(tmp_path / "a.pid")
    time.sleep(0.3)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(timeout=60) == 130
    assert (tmp_path / "a.saved").exists()
    assert (tmp_path / "b.saved").exists()
    assert ledger.standing().to_dict() == {"jobs": 3, "done": 0, "running": 0, "failed": 0, "waiting": 3, "eta_s": None}
    (tmp_path / "go").touch()
    assert _drive(ledger)[0]
    assert ledger.standing().count("done") == 3


def test_the_second_signal_kills_jobs_that_do_not_end(tmp_path):
    ledger = _ledger(tmp_path, a="deaf")
    driver = _driver(tmp_path)
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
def test_a_killed_driver_takes_its_jobs_along_and_the_next_one_does_them(tmp_path):
    ledger = _ledger(tmp_path, a="wait", b="wait", c="do")
    driver = _driver(tmp_path)
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
    assert _drive(ledger)[0]
    assert ledger.standing().count("done") == 3
    assert sorted((tmp_path / "begun").read_text().split()) == ["a", "a", "b", "b", "c"]


def test_a_killed_job_is_a_failure_of_the_job(tmp_path):
    ledger = _ledger(tmp_path, a="wait")
    events = []
    thread = threading.Thread(
        target=lambda: drive(ledger, LocalExecutor(slots=1), command_in(tmp_path), tell=events.append)
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


def test_after_an_error_of_the_driver_nothing_runs(tmp_path, monkeypatch):
    ledger = _ledger(tmp_path, a="deaf", b="do")

    def full(*_, **__):
        _await(tmp_path / "a.pid")
        raise OutputError("the disk is full")

    monkeypatch.setattr(ledger, "finish", full)
    with pytest.raises(OutputError, match="the disk is full"):
        _drive(ledger)
    assert not _runs(int((tmp_path / "a.pid").read_text()))
    assert ledger.standing().states["a"] == "ready"


def test_the_last_lines_are_what_a_terminal_would_show(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n10%\r50%\rall\r\ntwo \xff\n")
    assert last_lines(log, 5) == ["one", "all", "two \ufffd"]
    assert last_lines(log, 1) == ["two \ufffd"]
    assert last_lines(tmp_path / "none", 5) == []
