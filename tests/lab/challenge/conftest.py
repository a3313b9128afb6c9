"""Faked measurements for the challenge's tests, and small models and sets for them."""

from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from upres.lab.challenge import run as run_module
from upres.lab.checkpoint import build, describe, save, spec_of

ASSESSED = {
    "architecture": "esr_tm",
    "precision": "f32",
    "ssim": 0.9,
    "metrics": {"psnr": 30.0, "ssim": 0.9, "niqe": 4.5},
    "parameters_m": 0.3,
    "ntire": {"flops_g": 20.0, "activations_m": 80.0, "num_convs": 4},
    "exact": {"flops_g": 21.0, "activations_m": 81.0, "num_convs": 5},
    "receptive_field": 9,
}
"""What the entrants of a faked run have in common."""


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "Two"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for name, shape in {"a": (50, 41), "b": (44, 60)}.items():
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
        coarse.resize(shape[::-1], Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def models(tmp_path):
    paths = []
    for name in ("esr_max_x2", "esr_tm_x2", "espcn_x2"):
        spec = spec_of(name)
        network = build(spec)
        path = tmp_path / f"{name.removesuffix('_x2')}.safetensors"
        save(path, network, describe(network, spec, name=name))
        paths.append(str(path))
    return paths


class FakeWorker:
    """Answers as a `ChallengeRunner` would, without a process; the class remembers what was asked."""

    asked: ClassVar[list] = []
    figures: ClassVar[dict] = {
        "esr_max": {"psnr_db": 30.0, "peak_mib": 30.0, "latency_ms": 10.0},
        "esr_tm": {"psnr_db": 30.5, "peak_mib": 20.0, "latency_ms": 20.0},
        "espcn": {"psnr_db": 29.7, "peak_mib": 10.0, "latency_ms": 5.0},
    }
    fail_after = None

    def __init__(self, factory, entrant, *, threads, name):
        self.name, self.figure = name, dict(self.figures[name])
        self.latency_ms = self.figure.pop("latency_ms")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        FakeWorker.asked.append((self.name, "close"))

    def call(self, method, **arguments):
        FakeWorker.asked.append((self.name, method, *arguments.values()))
        if self.fail_after == len(FakeWorker.asked):
            raise KeyboardInterrupt
        if method == "assess":
            return ASSESSED | self.figure
        if method == "image_names":
            return ["a", "b"]
        return self.latency_ms * (1 + arguments["index"])


@pytest.fixture
def fake_worker(monkeypatch):
    monkeypatch.setattr(FakeWorker, "asked", [])
    monkeypatch.setattr(FakeWorker, "fail_after", None)
    monkeypatch.setattr(run_module, "Worker", FakeWorker)
    monkeypatch.setattr(run_module, "SETTLE_SECONDS", 0.0)
    return FakeWorker
