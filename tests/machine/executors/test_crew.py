"""Workers of a Ray cluster: how tasks go to them, and on from those that are lost; machines unlike this one."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from upres.errors import ClusterError, DataError, Hint, MissingExtraError
from upres.image.io import Frame, Picture, write
from upres.machine.executors import cluster as clusters
from upres.machine.executors import crew as crews
from upres.machine.executors.cluster import Node, join, nodes_alike
from upres.machine.executors.crew import Crew, Lost

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra 'cluster'")


@dataclass(eq=False)
class Pending:
    """A call that is answered when somebody asks."""

    call: Callable
    arguments: tuple


class FakeRay:
    """As much of Ray as a crew uses, in this process; tasks in ``deadly`` take their worker with them."""

    class exceptions:  # noqa: N801
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            pass

    def __init__(self, deadly=(), gone=()):
        self.deadly, self.gone, self.made = list(deadly), set(gone), 0
        self.random = random.Random(0)

    def remote(self, **options):
        return lambda cls: SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda: self.worker(cls())))

    def worker(self, worker):
        self.made += 1
        calls = {name: SimpleNamespace(remote=self.later(getattr(worker, name))) for name in ("open", "do")}
        return SimpleNamespace(**calls)

    def later(self, call):
        return lambda *arguments: Pending(call, arguments)

    def wait(self, pending, num_returns):
        ready = self.random.sample(pending, num_returns)
        return ready, [each for each in pending if each not in ready]

    def get(self, each, timeout=None):
        if each.arguments[0] in self.deadly:
            self.deadly.remove(each.arguments[0])
            raise self.exceptions.RayError
        return each.call(*each.arguments)

    def kill(self, worker):
        pass

    def nodes(self):
        return [{"NodeID": name, "Alive": name not in self.gone} for name in "ab"]


@pytest.fixture(autouse=True)
def anywhere(monkeypatch):
    monkeypatch.setattr(crews, "on", lambda node: {})


def crew(ray, do=lambda task: task * 10, names="ab"):
    return Crew(ray, [Node(id=name, name=f"host {name}", cores=2) for name in names], lambda cores: do)


def test_each_task_has_its_result():
    ray = FakeRay()
    assert sorted(crew(ray).results(iter(range(7)))) == [(number, number * 10) for number in range(7)]
    assert ray.made == 2


def test_a_task_is_asked_for_when_somebody_is_free():
    asked = []
    results = crew(FakeRay()).results(asked.append(number) or number for number in range(9))
    next(results)
    assert len(asked) <= 3


def test_a_task_that_loses_its_worker_goes_to_another_one():
    ray = FakeRay(deadly=[3, 3])
    assert sorted(crew(ray).results(range(5))) == [(number, number * 10) for number in range(5)]
    assert ray.made == 4, "begun anew where the machine is there"


def test_a_task_that_loses_three_is_lost_and_the_others_go_on():
    found = dict(crew(FakeRay(deadly=[3, 3, 3])).results(range(5)))
    assert isinstance(found.pop(3), Lost)
    assert found == {number: number * 10 for number in (0, 1, 2, 4)}


def test_nothing_begins_on_a_machine_that_is_gone():
    ray = FakeRay(deadly=[1], gone="ab")
    results = list(crew(ray).results(range(4)))
    assert sorted(results) == [(number, number * 10) for number in range(4)]
    assert ray.made == 2
    with pytest.raises(ClusterError, match="every machine of the cluster was lost; what is done is kept"):
        list(crew(FakeRay(deadly=[1], gone="a"), names="a").results(range(4)))


def test_an_error_of_a_worker_is_the_drivers_with_its_hint():
    def do(task):
        if task == 2:
            raise DataError("no such picture", hint=Hint.OTHER_PICTURES)
        return task

    with pytest.raises(DataError, match="no such picture") as caught:
        list(crew(FakeRay(), do).results(range(4)))
    assert caught.value.hint is Hint.OTHER_PICTURES


def test_a_worker_that_cannot_get_ready_is_named():
    def make(cores):
        raise MissingExtraError("upres train", "lab")

    with pytest.raises(ClusterError, match="host a: upres train needs the 'lab' extra"):
        list(Crew(FakeRay(), [Node(id="a", name="host a", cores=2)], make).results([1]))


def cluster_of(monkeypatch, looks):
    """A cluster whose machines see what ``looks`` changes in what this one sees."""
    nodes = [
        {"NodeID": name, "Alive": True, "NodeManagerHostname": name, "NodeManagerAddress": "::1", "Resources": each}
        for name, each in zip("ab", ({"CPU": 2.0}, {"CPU": 4.0}), strict=True)
    ]
    nodes += [{**nodes[0], "NodeID": "c", "Resources": {}}, {**nodes[0], "NodeID": "d", "Alive": False}]
    monkeypatch.setattr(clusters, "on", lambda node: {"node": node.id})

    class Ray(FakeRay):
        class exceptions(FakeRay.exceptions):  # noqa: N801
            class GetTimeoutError(FakeRay.exceptions.RayError):
                pass

        def nodes(self):
            return nodes

        def remote(self, **_):
            return lambda look: SimpleNamespace(
                options=lambda node: SimpleNamespace(remote=lambda *arguments: looks.get(node, look)(*arguments))
            )

        def get(self, each, timeout=None):
            return each

    return Ray()


def test_machines_as_this_one_are_named_with_their_cores(monkeypatch, tmp_path):
    nodes = nodes_alike(cluster_of(monkeypatch, {}), reads=[tmp_path], writes=[tmp_path])
    assert nodes == [Node(id="a", name="a (::1)", cores=2), Node(id="b", name="b (::1)", cores=4)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("look", "says"),
    [
        (lambda packages, *_: ({**dict.fromkeys(packages)}, []), "upres is missing, here"),
        (
            lambda packages, folders, marks: (versions_here(packages), folders[:1]),
            "no folder {there} there; it must lie at the",
        ),
        (
            lambda packages, folders, marks: (versions_here(packages), marks),
            "{there} is another folder there; it must be the",
        ),
    ],
)
def test_a_machine_unlike_this_one_is_named(look, says, monkeypatch, tmp_path):
    with pytest.raises(ClusterError) as caught:
        nodes_alike(cluster_of(monkeypatch, {"b": look}), reads=[tmp_path], writes=[tmp_path])
    assert str(caught.value).startswith(f"b (::1): {says.format(there=tmp_path)}")


def versions_here(packages):
    return clusters._look_of()(packages, [], [])[0]


@pytest.mark.parametrize("address", ["head", "ray://head:6379", ":6379", "head:six"])
def test_what_is_no_address_is_told(address, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    with pytest.raises(ClusterError, match=r"expected an address such as 10\.0\.0\.1:6379"):
        join(address)


def test_an_address_that_nobody_answers_is_told_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    with pytest.raises(ClusterError, match=r"127.0.0.1:1: no cluster answers there \(Connection refused\)") as caught:
        join("127.0.0.1:1")
    assert caught.value.hint is Hint.START_A_CLUSTER


CLUSTER = """
import contextlib, io, json, os, sys, threading, time
from pathlib import Path
from upres.apps.cli.main import main

def upres(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(list(arguments))
    return {"status": status, "out": out.getvalue(), "err": err.getvalue()}

upscale = ["upscale", "in", "-o", "out", "--model", "bicubic", "--executor", "ray", "--address"]
found = {"nobody": upres(*upscale, "127.0.0.1:1")}  # imports Ray as a run does
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
node = cluster.add_node(num_cpus=1)
folder = os.dup2(os.open("in", os.O_RDONLY), 777)
found["elsewhere"] = upres("upscale", f"/proc/self/fd/{folder}/.", *upscale[2:], cluster.address)

measured = ["evaluate", "bicubic", "esr_tm_x2", "--data", "few", "--json"]
found["measured"] = [upres(*measured, *more) for more in ([], ["--executor", "ray", "--address", cluster.address])]

journal = Path("out/.upres.jsonl")
def disturb():
    while not journal.exists() or journal.read_bytes().count(b"\\n") < 3:
        time.sleep(0.02)
    found["done before"] = journal.read_bytes().count(b"\\n")
    cluster.remove_node(node, allow_graceful=False)
killer = threading.Thread(target=disturb)
killer.start()
found["killed"] = upres(*upscale, cluster.address, "--json")
killer.join()

other = cluster.add_node(num_cpus=1, env_vars={"PYTHONPATH": str(Path("other").absolute())})
found["other"] = upres(*upscale, cluster.address)
cluster.shutdown()
print(json.dumps(found))
"""


@needs_ray
@pytest.mark.slow
def test_pictures_of_a_cluster_that_loses_a_node(tmp_path, monkeypatch):
    from upres.apps.cli.main import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "few").mkdir()
    rng = np.random.default_rng(0)
    for index in range(24):
        pixels = rng.integers(0, 256, (300, 300 + index, 3), np.uint8)
        path = tmp_path / "in" / f"p{index:02}.{('png', 'jpg', 'webp')[index % 3]}"
        write(Picture(frames=(Frame(pixels=pixels),)), path)
        if index < 5:
            write(Picture(frames=(Frame(pixels=pixels[:80, :90]),)), tmp_path / "few" / path.name)
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    meta = tmp_path / "other" / "upres-0.0.1.dist-info"
    meta.mkdir(parents=True)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: upres\nVersion: 0.0.1\n")
    assert main(["upscale", "in", "-o", "local", "--model", "bicubic", "--quiet"]) == 1

    done = subprocess.run([sys.executable, "-c", CLUSTER], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])

    assert found["nobody"]["status"] == 1
    assert (
        "127.0.0.1:1: no cluster answers there (Connection refused); start the head of one there"
        in found["nobody"]["err"]
    )
    assert found["elsewhere"]["status"] == 1
    assert ": no folder /proc/self/fd/777 there" in found["elsewhere"]["err"]
    assert "there; it must lie at the same place on every machine" in found["elsewhere"]["err"]

    here, there = found["measured"]
    assert here["status"] == there["status"] == 0
    assert here["out"] == there["out"]
    assert len(json.loads(here["out"])) == 2

    assert found["done before"] < 20, "the node was to be killed in mid-run"
    killed = json.loads(found["killed"]["out"])["files"]
    assert [Path(each["input"]).name for each in killed] == sorted(path.name for path in (tmp_path / "in").iterdir())
    errors = [each["error"] for each in killed if each["error"]]
    assert errors == ["in/bad.png: not a picture that upres reads: it is text"]
    assert found["killed"]["status"] == 1
    here, there = ({path.name: path.read_bytes() for path in Path(name).glob("*.*")} for name in ("local", "out"))
    lines = [sorted(files.pop(".upres.jsonl").splitlines()) for files in (here, there)]
    assert here == there
    assert len(there) == 24
    assert lines[0] == lines[1], "each output was written once"

    assert found["other"]["status"] == 1
    assert ": upres 0.0.1, here " in found["other"]["err"]
