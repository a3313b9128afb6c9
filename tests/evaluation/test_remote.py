"""Quality measured on the machines of a cluster: the figures of a measurement on one machine."""

import pickle
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from upres.errors import ClusterError, DataError, EngineError, ModelError
from upres.evaluation import remote
from upres.evaluation.contenders import Running, find_contenders, measure, plan_of
from upres.evaluation.remote import Machines
from upres.evaluation.results import Results
from upres.image.io import Frame, Picture, write
from upres.machine.executors.crew import Lost


class Crew:
    """Two workers in this process, which get their tasks as machines do; the last task comes first."""

    lose = False
    spoil = staticmethod(lambda measured: measured)

    def __init__(self, make):
        self.workers = [make(64), make(64)]

    def results(self, tasks):
        for number, task in enumerate(reversed(list(tasks))):
            sent = pickle.loads(pickle.dumps(task))
            yield task, Lost() if self.lose else self.spoil(pickle.loads(pickle.dumps(self.workers[number % 2](sent))))


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    found = []

    @contextmanager
    def crew_of(address, make, *, reads):
        found.append((address, list(reads)))
        yield Crew(make)

    monkeypatch.setattr(remote, "crew_of", crew_of)
    return found


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(5):
        pixels = rng.integers(0, 256, (24 + index, 30, 3), np.uint8)
        write(Picture(frames=(Frame(pixels=pixels),)), tmp_path / f"p{index}.png")
    return tmp_path


def contenders_of(models, protocols, scale=2):
    return find_contenders(models, protocols, scale=scale, running=Running(engine="onnxruntime"), tell=print)


def test_figures_are_equal_to_the_last_digit(folder, tiny_catalogue, asked):
    protocols = ["paper", "luma-float"]
    plan = plan_of(protocols, ["psnr", "ssim"], tell=print)
    told = []
    with Machines("head:1", [folder]) as machines:
        for contender in contenders_of(["bicubic", "tiny_x2", str(tiny_catalogue[2].weights)], protocols):
            here = measure(contender, folder, plan, Results())
            there = measure(contender, folder, plan, Results(), by=machines, progress=lambda *at: told.append(at))
            assert here == there
            reports, *_ = machines(contender, folder, contender.protocols, ["psnr"], fault=None, progress=None)
            assert [image.name for image in reports[0].images] == [f"p{index}" for index in range(5)]
    assert told[:6] == [(index, 5) for index in range(6)]
    assert asked == [("head:1", [folder])]


def test_no_cluster_is_joined_where_nothing_is_to_be_measured(folder, asked):
    (contender,) = contenders_of(["bicubic"], ["paper"])
    plan, results = plan_of(["paper"], ["psnr"], tell=print), Results()
    first = measure(contender, folder, plan, results)
    with Machines(None, [folder]) as machines:
        assert measure(contender, folder, plan, results, by=machines) == first
    assert asked == []


def test_what_goes_wrong_is_told_as_here(folder, tiny_catalogue, monkeypatch):
    contender, tiny = contenders_of(["bicubic", "tiny_x2"], ["paper"])
    machines = Machines(None, [folder])
    with pytest.raises(DataError, match="p4: 30x28 pixels are too few for niqe"):
        machines(contender, folder, ["paper"], ["niqe"], **NOTHING)
    with pytest.raises(ModelError, match="tiny_x2: a machine has other weights"):
        machines(replace(tiny, argument="tiny_x2", weights_sha256="0"), folder, ["paper"], ["psnr"], **NOTHING)
    engines = iter(range(9))
    monkeypatch.setattr(Crew, "spoil", staticmethod(lambda measured: replace(measured, engine=f"e{next(engines) % 2}")))
    with pytest.raises(EngineError, match="tiny_x2: machines run it by e0 f32 and e1 f32; name one that all have"):
        machines(tiny, folder, ["paper"], ["psnr"], **NOTHING)
    monkeypatch.setattr(Crew, "lose", True)
    with pytest.raises(ClusterError, match=r"p4\.png: 3 workers were lost over it"):
        machines(tiny, folder, ["paper"], ["psnr"], **NOTHING)


NOTHING = {"fault": None, "progress": None}
