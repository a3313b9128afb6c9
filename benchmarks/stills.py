"""Time whole processes on photographs, from the call to the written file: ``python benchmarks/stills.py SHARED``.

SHARED is the folder with ``data/test/CID22val``, of whose photographs the pictures are put together. Contenders run in
turn, one at a time; the results file has medians, spreads and the peak of memory. ``python benchmarks/readme.py`` then
writes the table into docs/guide/upscale.md.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from upres.machine.environment import environment
from upres.models.choices import names

RESULTS = Path(__file__).parent / "results" / "stills.json"

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


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to make one picture larger."""

    size: tuple[int, int]
    """Width and height of the JPEG."""
    scale: int
    label: str
    options: tuple[str, ...] = ()
    """Of ``upres upscale``; without them the default, or `TORCH_SCRIPT`."""
    torch: bool = False

    def command(self, source: Path, target: Path) -> list[str]:
        """What the shell would call."""
        if self.torch:
            return [sys.executable, "-c", TORCH_SCRIPT, names("default")[self.scale], str(source), str(target)]
        line = ["upscale", str(source), "--scale", str(self.scale), "-o", str(target), "--overwrite", *self.options]
        return [sys.executable, "-m", "upres", *line]


CONTENDERS = (
    Contender(size=(640, 480), scale=2, label="default"),
    Contender(size=(640, 480), scale=2, label="`--fast`", options=("--fast",)),
    Contender(size=(640, 480), scale=2, label="`--model esr_tm`", options=("--model", "esr_tm")),
    Contender(size=(1280, 720), scale=4, label="default"),
    Contender(size=(1280, 720), scale=4, label="the default's network in a PyTorch script", torch=True),
    Contender(size=(4000, 3000), scale=2, label="default"),
    Contender(size=(4000, 3000), scale=2, label="default, `--max-memory 800M`", options=("--max-memory", "800M")),
    Contender(size=(4000, 3000), scale=2, label="`--fast`", options=("--fast",)),
    Contender(size=(4000, 3000), scale=2, label="`--model esr_tm`", options=("--model", "esr_tm")),
)


def mosaic(photographs: Sequence[Path], size: tuple[int, int], target: Path) -> None:
    """Write a JPEG of this size, of photographs side by side."""
    canvas = Image.new("RGB", size)
    places = [(x, y) for y in range(0, size[1], 512) for x in range(0, size[0], 512)]
    for index, place in enumerate(places):
        canvas.paste(Image.open(photographs[index % len(photographs)]).convert("RGB"), place)
    canvas.save(target, quality=92)


def run(command: Sequence[str]) -> tuple[float, int]:
    """Seconds and peak memory in bytes of a process.

    Raises:
        RuntimeError: If it fails.
    """
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, 1)])
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {status}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(shared: Path, repeats: int) -> list[dict[str, Any]]:
    """Every contender ``repeats`` times, in turn."""
    photographs = sorted((shared / "data" / "test" / "CID22val" / "HR").iterdir())
    runs: dict[Contender, list[tuple[float, int]]] = {contender: [] for contender in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        for size in dict.fromkeys(contender.size for contender in CONTENDERS):
            mosaic(photographs, size, _source(folder, size))
        for turn in range(repeats + 1):
            for contender in CONTENDERS:
                done = run(contender.command(_source(folder, contender.size), Path(folder, "out.jpg")))
                if turn:  # the first one fills caches
                    runs[contender].append(done)
    return [_row(contender, done) for contender, done in runs.items()]


def _source(folder: str, size: tuple[int, int]) -> Path:
    return Path(folder, f"{size[0]}x{size[1]}.jpg")


def _row(contender: Contender, done: Sequence[tuple[float, int]]) -> dict[str, Any]:
    seconds = [each for each, _ in done]
    return {
        "width": contender.size[0],
        "height": contender.size[1],
        "scale": contender.scale,
        "label": contender.label,
        "seconds_median": median(seconds),
        "seconds_min": min(seconds),
        "spread": (max(seconds) - min(seconds)) / median(seconds),
        "peak_mib": max(peak for _, peak in done) / 2**20,
        "runs": len(done),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    rows = measure(args.shared, args.repeats)
    RESULTS.write_text(json.dumps({"environment": environment(), "rows": rows}, indent=2) + "\n")
