"""Jobs of a ledger on a Ray cluster of two nodes, one of which is killed while it works."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from upres.errors import MissingExtraError
from upres.machine.executors.select import opened
from upres.machine.ledger import Job, Ledger

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra 'cluster'")

JOB = """
import json, os, signal, sys, time
from pathlib import Path
from upres.machine.executors.lifeline import hold_lifeline
hold_lifeline()
folder, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
def save(*_):
    (folder / f"{name}.saved").touch()
    sys.exit(130)
signal.signal(signal.SIGINT, save)
with (folder / "begun").open("a") as file:
    file.write(f"{name} {os.getpid()}\\n")
time.sleep(seconds)
(folder / f"{name}.json").write_text(json.dumps({"threads": os.environ["OMP_NUM_THREADS"]}))
"""

CLUSTER = """
import os, signal, sys, threading, time
from pathlib import Path
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster
sys.path.insert(0, sys.argv[2])
from test_ray import command_in
from upres.machine.executors.drive import drive
from upres.machine.executors.ray import RayExecutor
from upres.machine.ledger import Ledger

folder, what = Path(sys.argv[1]), sys.argv[3]
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
node = cluster.add_node(num_cpus=1)
executor = RayExecutor(address=cluster.address)
print("slots", executor.slots, flush=True)

def disturb():
    while len((folder / "begun").read_text().split()) < 4 if (folder / "begun").exists() else True:
        time.sleep(0.1)
    if what == "node":
        cluster.remove_node(node, allow_graceful=False)
    else:
        os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=disturb, daemon=True).start()
ended = drive(Ledger(folder), executor, command_in(folder), tell=lambda event: print(event.kind, event.job, flush=True))
print("ended", ended, flush=True)
executor.close()
cluster.shutdown()
"""


def command_in(folder):
    """How the jobs of these tests are done."""
    from upres.machine.executors.drive import Command

    def command(job):
        arguments = [sys.executable, "-c", JOB, str(folder), job.name, str(job.work["seconds"])]
        return Command(arguments=arguments, log=folder / "logs" / job.name, result=folder / f"{job.name}.json")

    return command


def _on_a_cluster(folder, what):
    script = [sys.executable, "-c", CLUSTER, str(folder), str(Path(__file__).parent), what]
    done = subprocess.run(script, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@needs_ray
@pytest.mark.slow
def test_a_node_that_is_killed_costs_no_job(tmp_path):
    ledger = Ledger.create(tmp_path, [Job(name=f"job{number}", work={"seconds": 2}) for number in range(5)])
    said = _on_a_cluster(tmp_path, "node")
    assert said[0] == "slots 2"
    assert said[-1] == "ended True"
    assert not [line for line in said if line.startswith("failed")]
    assert ledger.standing().count("done") == 5
    assert json.loads((tmp_path / "job0.json").read_text()) == {"threads": "1"}
    begun = [line.split()[0] for line in (tmp_path / "begun").read_text().splitlines()]
    assert len(begun) > 5, "what ran on the node was begun once more"


@needs_ray
@pytest.mark.slow
def test_an_interrupt_lets_jobs_on_other_machines_save(tmp_path):
    ledger = Ledger.create(tmp_path, [Job(name=f"job{number}", work={"seconds": 60}) for number in range(3)])
    said = _on_a_cluster(tmp_path, "interrupt")
    assert said[-1] == "ended False"
    assert sorted(line for line in said if line.startswith("freed")) == ["freed job0", "freed job1"]
    assert (tmp_path / "job0.saved").exists()
    assert (tmp_path / "job1.saved").exists()
    assert ledger.standing().count("ready") == 3
    assert not list(tmp_path.glob("logs/*.stop"))


def test_an_executor_that_is_not_there_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingExtraError, match=r"the executor ray needs the 'cluster' extra: pip install"),
        opened("ray"),
    ):
        pass
    with pytest.raises(ValueError, match="executors are local and ray, not slurm"), opened("slurm"):
        pass
    with opened("local", slots=3) as executor:
        assert executor.slots == 3
