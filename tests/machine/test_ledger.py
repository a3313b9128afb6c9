"""Jobs in a shared folder: taken once, done once, tried three times, whoever is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from upres.errors import LedgerError
from upres.machine.ledger import STALE_S, TRIES, Claim, Job, Ledger
from upres.machine.owner import Owner, this_process

JOBS = (
    Job(name="first", work={"n": 1}, cost_s=10),
    Job(name="second", work={"n": 2}, needs=("first",), cost_s=20),
    Job(name="third", work={"n": 3}, cost_s=30),
)

WORKER = """
import sys, time
from pathlib import Path
from upres.machine.ledger import Ledger
ledger = Ledger(sys.argv[1])
print("ready", flush=True)
while (claim := ledger.claim()) is not None:
    with Path(sys.argv[1], "begun").open("a") as file:
        file.write(claim.job.name + "\\n")
    time.sleep(float(sys.argv[2]))
    ledger.finish(claim, {"number": claim.job.work["n"]}, seconds=1.0)
"""


@pytest.fixture
def ledger(tmp_path):
    return Ledger.create(tmp_path, JOBS)


def _worker(folder, seconds=0.0):
    process = subprocess.Popen([sys.executable, "-c", WORKER, folder, str(seconds)], stdout=subprocess.PIPE, text=True)
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
    return process


def _take(ledger):
    claim = ledger.claim()
    assert claim is not None
    return claim


def test_jobs_are_taken_in_order_once_what_they_need_is_done(ledger):
    first, third = _take(ledger), _take(ledger)
    assert (first.job, third.job) == (JOBS[0], JOBS[2])
    assert ledger.claim() is None
    assert ledger.pending()
    assert ledger.standing().states == {"first": "running", "second": "waiting", "third": "running"}
    assert ledger.finish(first, {"psnr": 30.5}, seconds=5)
    assert ledger.result("first") == {"psnr": 30.5}
    assert ledger.result("third") is None
    assert _take(ledger).job == JOBS[1]


def test_another_process_reads_the_same_ledger(ledger):
    ledger.finish(_take(ledger), {}, seconds=5)
    again = Ledger(ledger.folder)
    assert again.jobs == JOBS
    assert _take(again).job.name == "second"
    assert again.standing() == ledger.standing()


def test_workers_in_a_race_do_every_job_once(tmp_path):
    names = [f"job{number}" for number in range(60)]
    ledger = Ledger.create(tmp_path, [Job(name=name, work={"n": name}) for name in names])
    workers = [_worker(tmp_path) for _ in range(3)]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0, 0]
    assert sorted((tmp_path / "begun").read_text().split()) == sorted(names)
    assert [ledger.result(name) for name in names] == [{"number": name} for name in names]


def test_workers_killed_at_any_moment_leave_a_ledger_that_goes_on(tmp_path):
    names = [f"job{number}" for number in range(40)]
    ledger = Ledger.create(tmp_path, [Job(name=name, work={"n": name}) for name in names])
    for number in range(3):
        worker = _worker(tmp_path)
        time.sleep(0.02 * number)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert _worker(tmp_path).wait(timeout=60) == 0
    assert ledger.standing().count("done") == len(names)
    assert [ledger.result(name) for name in names] == [{"number": name} for name in names]


@pytest.mark.skipif(not this_process().system, reason="needs /proc to know that a process has ended")
def test_the_job_of_a_killed_worker_is_free_at_once(ledger):
    worker = _worker(ledger.folder, seconds=60)
    while ledger.standing().states["first"] != "running":
        time.sleep(0.01)
    assert ledger.standing().states["first"] == "running", "while the worker lives"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert ledger.standing().states["first"] == "ready"
    claim = _take(ledger)
    assert (claim.job.name, claim.number) == ("first", 2)


def test_a_claim_of_another_machine_is_lost_when_its_heart_has_stopped(ledger, monkeypatch):
    elsewhere = Owner(host="far", system="another boot", pid=1, began="1")
    monkeypatch.setattr("upres.machine.ledger.this_process", lambda: elsewhere)
    claim = _take(ledger)
    assert ledger.standing().hosts == {"first": "far"}
    path = ledger.folder / "ledger" / "first.1.claim"
    os.utime(path, (time.time() - STALE_S / 2,) * 2)
    assert ledger.standing().states["first"] == "running"
    os.utime(path, (time.time() - STALE_S - 1,) * 2)
    assert ledger.standing().states["first"] == "ready"
    assert ledger.beat(claim), "nobody has taken it"
    assert ledger.standing().states["first"] == "running"


def test_whoever_was_held_to_be_lost_learns_it_and_the_first_result_counts(ledger):
    late = _take(ledger)
    path = ledger.folder / "ledger" / "first.1.claim"
    path.write_text(json.dumps(replace(late.owner, system="another boot").to_dict()))
    os.utime(path, (time.time() - STALE_S - 1,) * 2)
    second = _take(ledger)
    assert second == Claim(job=JOBS[0], number=2, owner=late.owner)
    assert not ledger.beat(late)
    assert ledger.beat(second)
    assert ledger.finish(late, {"by": "late"}, seconds=1), "it came to its end after all, and nobody before it"
    assert not ledger.beat(second)
    assert not ledger.finish(second, {"by": "second"}, seconds=1)
    assert ledger.result("first") == {"by": "late"}


def test_a_job_fails_after_three_tries_and_what_needs_it_waits(ledger):
    for number in range(1, TRIES + 1):
        claim = _take(ledger)
        assert (claim.job.name, claim.number) == ("first", number)
        ledger.fail(claim, f"error {number}", log=["a", "b"])
    standing = ledger.standing()
    assert standing.states == {"first": "failed", "second": "waiting", "third": "ready"}
    assert standing.to_dict() == {"jobs": 3, "done": 0, "running": 0, "failed": 1, "waiting": 2, "eta_s": None}
    assert ledger.failure("first")["error"] == "error 3"
    assert ledger.failure("first")["log"] == ["a", "b"]
    assert ledger.failure("second") is None
    ledger.finish(_take(ledger), {}, seconds=1)
    assert ledger.claim() is None
    assert not ledger.pending()
    assert ledger.forgive() == ("first",)
    assert _take(ledger).number == TRIES + 1


def test_a_job_that_is_given_back_has_not_failed(ledger):
    for _ in range(TRIES + 1):
        claim = _take(ledger)
        ledger.free(claim)
    assert claim.number == TRIES + 1
    assert ledger.standing().states["first"] == "ready"


def test_the_time_that_is_left_follows_the_pace_so_far(ledger):
    assert ledger.standing().eta_s is None
    first = _take(ledger)
    assert ledger.standing().eta_s == 60, "all costs of the plan by one worker"
    ledger.finish(first, {}, seconds=5)
    _take(ledger)
    assert ledger.standing().eta_s == 25, "twice as fast as planned"
    _take(ledger)
    assert ledger.standing().eta_s == 12.5
    assert ledger.standing().to_dict()["running"] == 2


def test_what_waits_for_a_failure_is_not_waited_for(ledger):
    for _ in range(TRIES):
        ledger.fail(_take(ledger), "error")
    _take(ledger)
    assert ledger.standing().eta_s == 30


def test_a_folder_keeps_its_plan(ledger):
    ledger.finish(_take(ledger), {}, seconds=1)
    assert Ledger.create(ledger.folder, JOBS).standing().count("done") == 1
    with pytest.raises(LedgerError, match="holds the jobs of another plan; choose another folder"):
        Ledger.create(ledger.folder, JOBS[:1])


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ([], "there is nothing to do"),
        ([Job(name="a/b", work={})], "'a/b' cannot be a job's name"),
        ([Job(name=".a", work={})], r"'\.a' cannot be a job's name"),
        ([Job(name="a", work={}), Job(name="a", work={})], "two jobs are called a"),
        ([Job(name="a", work={}, needs=("b",)), Job(name="b", work={})], "a needs b, which no job before it is called"),
    ],
)
def test_jobs_that_do_not_fit_together_are_refused(jobs, message, tmp_path):
    with pytest.raises(LedgerError, match=message):
        Ledger.create(tmp_path, jobs)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_jobs_or_with_damaged_ones_is_one_error(tmp_path):
    with pytest.raises(LedgerError, match="no folder of jobs; make a plan in it first"):
        Ledger(tmp_path)
    (tmp_path / "jobs.jsonl").write_text('{"name": "a"}\n')
    with pytest.raises(LedgerError, match="not a readable list of jobs"):
        Ledger(tmp_path)


def test_names_with_dots_and_numbers_are_told_apart(tmp_path):
    ledger = Ledger.create(tmp_path, [Job(name=name, work={}) for name in ("a", "a.1", "a.1.done")])
    assert [_take(ledger).job.name for _ in range(3)] == ["a", "a.1", "a.1.done"]
    assert ledger.claim() is None


def test_a_damaged_result_says_what_to_do(ledger):
    ledger.finish(_take(ledger), {}, seconds=1)
    (ledger.folder / "ledger" / "first.done").write_text("{")
    with pytest.raises(LedgerError, match=r"first\.done: damaged .*; remove it, and the job is done once more"):
        ledger.result("first")
