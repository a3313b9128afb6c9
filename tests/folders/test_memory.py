"""Limits of memory: what they cannot hold is refused before the work, what they can hold stays under them."""

import subprocess
import sys

import numpy as np
import pytest

from upres.errors import Hint
from upres.folders.batch import FolderRun
from upres.folders.jobs import Job
from upres.folders.memory import make_room
from upres.folders.reports import FileOptions
from upres.image.io import Frame, Picture, write
from upres.upscaler import Upscaler

M = 2**20


def save(path, height, width):
    pixels = np.tile(np.arange(width, dtype=np.uint8)[None, :, None], (height, 1, 3))
    write(Picture(frames=(Frame(pixels=pixels),)), path)
    return path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory as Linux counts it")
@pytest.mark.parametrize(("form", "limit"), [("jpg", 120), ("webp", 200), ("avif", 300)])
def test_results_that_a_limit_cannot_hold_are_refused_before_the_work(tmp_path, form, limit):
    source = save(tmp_path / "a.png", 1500, 2000)
    job = Job(source=source, output=tmp_path / f"b.{form}")
    (report,) = FolderRun([job], Upscaler(2, model="bicubic", max_memory=limit * M), FileOptions()).run()
    assert report.error.startswith(f"{source}: needs ")
    assert report.error.endswith(f" MiB of memory or more, over the limit of {limit} MiB")
    assert report.hint == Hint.MORE_MEMORY
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("rows", "limit", "done"), [(9, None, []), (6000, None, ["release"]), (6000, 1, ["forget"]), (9, 1, ["forget"])]
)
def test_networks_make_room_for_the_encoder(monkeypatch, rows, limit, done):
    pixels = np.broadcast_to(np.uint8(7), (rows, 4000, 3))
    maker, called = Upscaler(2, model="bicubic", max_memory=limit), []
    for name in ("release", "forget"):
        monkeypatch.setattr(maker.sessions, name, lambda name=name: called.append(name))
    make_room(Picture(frames=(Frame(pixels=pixels),)), "jpeg", maker)
    assert called == done


def test_windows_that_a_strict_limit_cannot_hold_are_refused(tmp_path, tiny_models):
    job = Job(source=save(tmp_path / "a.png", 60, 60), output=tmp_path / "b.png")
    maker = Upscaler(2, model=tiny_models[2].weights, max_memory=10 * M, strict_memory=True)
    (report,) = FolderRun([job], maker, FileOptions()).run()
    assert report.hint == Hint.MORE_MEMORY


@pytest.mark.needs("openvino")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory as Linux counts it")
@pytest.mark.slow
@pytest.mark.parametrize("limit", [320, 440])  # f32, which every machine has: bf16 would do with 230
def test_a_process_stays_within_a_limit_with_the_default_network(tmp_path, limit):
    """Its strips, the network's memory and the encoder's copy together, each of which a limit was exceeded by."""
    source = save(tmp_path / "a.png", 700, 2000)
    code = """
import sys
from upres.apps.cli.main import main
from upres.machine.memory import peak_bytes
code = main(["upscale", *sys.argv[1:]])
print(code, peak_bytes())
"""
    line = [sys.executable, "-c", code, str(source), "-o", str(tmp_path / "b.jpg"), "--quiet"]
    line += ["--engine", "openvino", "--precision", "f32", "--max-memory", f"{limit}M"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    status, peak = map(int, done.stdout.split())
    assert (status, done.stderr) == (0, "")
    assert peak < 1.15 * limit * M
