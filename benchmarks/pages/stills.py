"""Whole processes on photographs, from the call to the written file.

The pictures are put together of CID22's validation photographs. Contenders run in turn, one at a time; the results
file has medians, spreads and the peak of memory.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.films import mosaic
from benchmarks.pages.page import Latency, Page, Settings, measured_here, results, write_results
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, table
from upres.machine.names import name_of
from upres.models.choices import names

TORCH_SCRIPT = """
import sys
import numpy as np, torch
from PIL import Image
from upres.lab.checkpoint import load
from upres.models.catalog import find

network, _ = load(find(sys.argv[1]).weights)
pixels = np.asarray(Image.open(sys.argv[2]).convert("RGB"), np.float32) / 255
with torch.inference_mode():
    made = network.eval()(torch.from_numpy(pixels).permute(2, 0, 1)[None])
levels = (made[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
Image.fromarray(levels).save(sys.argv[3], quality=95)
"""
"""What somebody with PyTorch and the weights would write."""


LAUNCHER = """
import json, os, sys, time

started = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, 1)])
_, status, usage = os.wait4(pid, 0)
print(json.dumps([time.perf_counter() - started, usage.ru_maxrss, status]))
"""
"""A small process that calls the command: Linux counts what the caller held before the call as the command's peak."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to make one picture larger, or to restore it."""

    size: tuple[int, int]
    """Width and height of the JPEG."""
    scale: int
    """1: it is restored."""
    label: str
    options: tuple[str, ...] = ()
    """Of ``upres upscale`` or ``upres restore``; without them the default, or `TORCH_SCRIPT`."""
    torch: bool = False

    def command(self, source: Path, target: Path) -> list[str]:
        """What the shell would call."""
        if self.torch:
            return [sys.executable, "-c", TORCH_SCRIPT, names("default")[self.scale], str(source), str(target)]
        verb = ["restore"] if self.scale == 1 else ["upscale", "--scale", str(self.scale)]
        line = [*verb, str(source), "-o", str(target), "--overwrite", *self.options]
        return [sys.executable, "-m", "upres", *line]


ENLARGING = (
    Contender(size=(640, 480), scale=2, label="default"),
    Contender(size=(640, 480), scale=2, label="`--clean`", options=("--clean",)),
    Contender(size=(640, 480), scale=2, label="`--fast`", options=("--fast",)),
    Contender(size=(640, 480), scale=2, label="`--model esr_tm`", options=("--model", "esr_tm")),
    Contender(size=(1280, 720), scale=4, label="default"),
    Contender(size=(1280, 720), scale=4, label="the default's network in a PyTorch script", torch=True),
    Contender(size=(4000, 3000), scale=2, label="default"),
    Contender(size=(4000, 3000), scale=2, label="default, `--max-memory 800M`", options=("--max-memory", "800M")),
    Contender(size=(4000, 3000), scale=2, label="`--clean`", options=("--clean",)),
    Contender(size=(4000, 3000), scale=2, label="`--fast`", options=("--fast",)),
    Contender(size=(4000, 3000), scale=2, label="`--model esr_tm`", options=("--model", "esr_tm")),
)
_RESTORED = {
    "default": (),
    "`--denoise`": ("--denoise",),
    "`--fast`": ("--fast",),
    "default, `--max-memory 400M`": ("--max-memory", "400M"),
}
RESTORING = tuple(
    Contender(size=size, scale=1, label=label, options=options)
    for size in ((1920, 1080), (4000, 3000), (6000, 4000))
    for label, options in _RESTORED.items()
)


def run(command: Sequence[str]) -> tuple[float, int]:
    """Seconds and peak memory in bytes of a process that keeps what Python compiles for the next one, as a user's does.

    Raises:
        RuntimeError: If it fails.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    launched = [sys.executable, "-c", LAUNCHER, *command]
    done = subprocess.run(launched, env=environment, stdout=subprocess.PIPE, check=True)
    seconds, peak, status = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {status}")
    return seconds, peak * (1 if sys.platform == "darwin" else 1024)


def measure(settings: Settings) -> None:
    """Everything that enlarges, on JPEGs of good quality."""
    _measure("stills", ENLARGING, settings, quality=92)


def measure_restoring(settings: Settings) -> None:
    """Everything that restores, on JPEGs of a quality that calls for it."""
    _measure("restored_stills", RESTORING, settings, quality=75)


def _measure(name: str, contenders: Sequence[Contender], settings: Settings, *, quality: int) -> None:
    """Every contender ``settings.repeats`` times, in turn."""
    photographs = sorted((settings.shared / "data" / "test" / "CID22val" / "HR").iterdir())
    runs: dict[Contender, list[tuple[float, int]]] = {contender: [] for contender in contenders}
    with tempfile.TemporaryDirectory() as folder:
        for size in dict.fromkeys(contender.size for contender in contenders):
            mosaic(photographs, size).save(_source(folder, size), quality=quality)
        for turn in range(settings.repeats + 1):
            for contender in contenders:
                done = run(contender.command(_source(folder, contender.size), Path(folder, "out.jpg")))
                if turn:  # the first one fills caches
                    runs[contender].append(done)
    write_results(name, measured_here(_row(contender, done) for contender, done in runs.items()))


def render(report: Mapping[str, Any]) -> str:
    """Seconds, spread, peak of memory."""
    environment = report["environment"]
    caption = (
        f"Whole processes, medians of {report['rows'][0]['runs']} runs in turn; {environment['cores']} cores, "
        f"{machine_line(environment)}:"
    )
    lines = [
        (
            f"{row['width']}x{row['height']}" + f" x{row['scale']}" * (row["scale"] > 1),
            row["label"],
            f"{row['seconds_median']:.2f}",
            f"{row['spread']:.0%}",
            f"{row['peak_mib']:.0f}",
        )
        for row in report["rows"]
    ]
    align = (LEFT, LEFT, RIGHT, RIGHT, RIGHT)
    return f"{caption}\n\n{table(('JPEG', '', 'seconds', 'spread', 'peak MiB'), lines, align=align)}"


def latencies(report: Mapping[str, Any]) -> Iterator[Latency]:
    """The seconds of each row."""
    for row in report["rows"]:
        yield Latency(
            machine=name_of(report["environment"]),
            model=row["label"],
            engine="whole process",
            arithmetic="",
            width=row["width"] * row["scale"],
            height=row["height"] * row["scale"],
            threads=report["environment"]["cores"],
            ms=1e3 * row["seconds_median"],
        )


def _source(folder: str, size: tuple[int, int]) -> Path:
    return Path(folder, f"{size[0]}x{size[1]}.jpg")


def timing(done: Sequence[tuple[float, int]]) -> dict[str, Any]:
    """What several calls of `run` came to."""
    seconds = [each for each, _ in done]
    return {
        "seconds_median": median(seconds),
        "seconds_min": min(seconds),
        "spread": (max(seconds) - min(seconds)) / median(seconds),
        "peak_mib": max(peak for _, peak in done) / 2**20,
        "runs": len(done),
    }


def _row(contender: Contender, done: Sequence[tuple[float, int]]) -> dict[str, Any]:
    return {
        "width": contender.size[0],
        "height": contender.size[1],
        "scale": contender.scale,
        "label": contender.label,
        **timing(done),
    }


PAGES: Sequence[Page] = tuple(
    Page(
        name=name,
        target=target,
        mark=name,
        inputs=(results(name),),
        render=render,
        latencies=latencies,
        measure={name: measured},
    )
    for name, target, measured in (
        ("stills", "docs/guide/upscale.md", measure),
        ("restored_stills", "docs/guide/restore.md", measure_restoring),
    )
)
