"""What `upres video --play` shows of films at their rate, and at what load."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.films import Film, make_film

SCRIPT = """
local path = mp.get_opt("report")
local seen = {}
local function look()
    for _, name in ipairs({"frame-drop-count", "decoder-frame-drop-count", "estimated-frame-number"}) do
        local value = mp.get_property_number(name)
        if value then seen[name] = value end
    end
    local now = mp.get_time()
    if (seen["estimated-frame-number"] or 0) > 0 then
        seen["first"] = seen["first"] or now
        seen["first-frame"] = seen["first-frame"] or seen["estimated-frame-number"]
        if seen["estimated-frame-number"] ~= seen["last-frame"] then
            seen["last"], seen["last-frame"] = now, seen["estimated-frame-number"]
        end
    end
end
mp.add_periodic_timer(0.1, look)
mp.register_event("shutdown", function()
    local out = io.open(path, "w")
    out:write(require("mp.utils").format_json(seen))
    out:close()
end)
"""
"""In mpv: what it dropped, and when it showed which frame."""
PLAY = """
import sys
from pathlib import Path
from upres.machine.allocator import keep_freed_memory
from upres.pipeline.sizes import SizeRequest
from upres.video.plan import Wishes
from upres.video.play import play
from upres.video.run import VideoRun

source, model, *options = sys.argv[1:]
keep_freed_memory()
play(VideoRun(Path(source), Wishes(request=SizeRequest(scale=2)), {"model": model}), options=options)
"""
"""`upres video --play` with more options of mpv's."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """What is shown."""

    films: Sequence[tuple[int, int, int]]
    """Width, height, frames a second."""
    models: Sequence[str]
    seconds: int


LIVE = Live(
    films=((1280, 720, 60), (1920, 1080, 30), (1920, 1080, 60)),
    models=("esr_max", "esr_tm"),
    seconds=10,
)


def measure_live(photographs: Sequence[Path], live: Live) -> Iterator[dict[str, Any]]:
    """A row for each film and network."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "report.lua").write_text(SCRIPT)
        for width, height, rate in live.films:
            film = Film(width=width, height=height, frames=rate * live.seconds, rate=rate)
            source = folder / f"{film.size}_{rate}.mkv"
            make_film(film, photographs, source)
            for model in live.models:
                yield {"size": film.size, "rate": rate, "model": model, **_shown(source, model, folder)}


def _shown(source: Path, model: str, folder: Path) -> dict[str, Any]:
    report = folder / "report.json"
    options = ("--vo=null", f"--script={folder / 'report.lua'}", f"--script-opts=report={report}")
    began = time.perf_counter()
    command = [sys.executable, "-c", PLAY, str(source), model, *options]
    _, status, usage = os.wait4(os.posix_spawn(sys.executable, command, os.environ), 0)
    seconds = time.perf_counter() - began
    if status:
        raise RuntimeError(f"{' '.join(command[3:])}: status {status}")
    seen = json.loads(report.read_text())
    cores = os.cpu_count() or 1
    return {
        "shown_rate": (seen["last-frame"] - seen["first-frame"]) / (seen["last"] - seen["first"]),
        "frames": seen["last-frame"] + 1,
        "dropped": int(seen.get("frame-drop-count", 0) + seen.get("decoder-frame-drop-count", 0)),
        "cpu_share": (usage.ru_utime + usage.ru_stime) / seconds / cores,
        "seconds": seconds,
    }
