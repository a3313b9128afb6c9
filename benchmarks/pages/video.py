"""Films made larger: whole runs beside FFmpeg's own, the steadiness of still regions, and what is shown live."""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import films
from benchmarks.films import Film
from benchmarks.pages.page import ROOT, Page, Settings, measured_here, read, results, write_results
from benchmarks.pages.stills import run, timing
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, table
from benchmarks.pages.video_encoder import ENCODED, measure_encoders, render_encoders
from benchmarks.pages.video_live import LIVE, measure_live
from benchmarks.pages.video_steadiness import FAMILIES, measure_cost, measure_steadiness

SMALL, MIDDLE, LARGE = (
    Film(width=640, height=360, frames=400),
    Film(width=1280, height=720, frames=200),
    Film(width=1920, height=1080, frames=100),
)
_COST_REPEATS = 20
_DEFAULT = "default, `esr_tm`"
_BICUBIC, _LANCZOS = "FFmpeg, `scale=bicubic`", "FFmpeg, `scale=lanczos`"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to make one film twice as large."""

    film: Film
    codec: str
    label: str
    options: tuple[str, ...] = ()
    """Of ``upres video``."""
    frames: int | None = None
    """Fewer than the film has, where a frame takes long."""

    @property
    def count(self) -> int:
        """Frames that are made."""
        return self.frames or self.film.frames

    def command(self, folder: Path, encoding: Mapping[str, Any]) -> list[str]:
        """What the shell would call."""
        source, target = folder / f"{self.film.size}.mkv", folder / "out.mkv"
        if self.label in (_BICUBIC, _LANCZOS):
            kernel = self.label.split("=")[1].rstrip("`")
            asked = [word for name, value in encoding["options"].items() for word in (f"-{name}", value)]
            scaled = f"scale={2 * self.film.width}:{2 * self.film.height}:flags={kernel}"
            chosen = ["-c:v", encoding["library"], "-pix_fmt", encoding["pixel_format"], *asked]
            command = films.ffmpeg_command("-i", str(source), "-vf", scaled, *chosen)
            return [*command, "-frames:v", str(self.count), "-threads", str(encoding["threads"]), str(target)]
        line = ["video", str(source), "-o", str(target), "--codec", self.codec, "--overwrite", "--quiet", *self.options]
        if self.frames:
            line += ["--end", f"{(self.frames - 0.5) / self.film.rate:.4f}"]
        return [sys.executable, "-m", "upres", *line]


def contenders() -> list[Contender]:
    """x264 at three sizes, then the other encoders at 720p."""
    listed = [
        Contender(film=film, codec="x264", label=label)
        for film in (SMALL, MIDDLE, LARGE)
        for label in (_DEFAULT, _BICUBIC, _LANCZOS)
    ]
    for option, film, frames in (
        ("--fast", SMALL, 60),
        ("--fast", MIDDLE, 20),
        ("--fast", LARGE, 10),
        ("--clean", SMALL, 20),
        ("--clean", MIDDLE, 6),
    ):
        listed.append(Contender(film=film, codec="x264", label=f"`{option}`", options=(option,), frames=frames))
    for codec, frames in {"x265": 40, "av1": 60, "vp9": 20, "ffv1": 60, "prores": 30}.items():
        for label in (_DEFAULT, _LANCZOS):
            listed.append(Contender(film=MIDDLE, codec=codec, label=label, frames=frames))
    return listed


def measure_runs(settings: Settings) -> None:
    """Every contender ``settings.repeats`` times, in turn, with files in memory."""
    photographs = sorted((settings.shared / "data" / "test" / "CID22val" / "HR").iterdir())
    chosen = contenders()
    runs: dict[Contender, list[tuple[float, int]]] = {contender: [] for contender in chosen}
    with tempfile.TemporaryDirectory(dir=_memory()) as name:
        folder = Path(name)
        for film in (SMALL, MIDDLE, LARGE):
            films.make_film(film, photographs, folder / f"{film.size}.mkv")
        encodings = {each: _encoding(folder / f"{each.film.size}.mkv", each.codec) for each in chosen}
        for _ in range(settings.repeats):
            for contender in chosen:
                runs[contender].append(run(contender.command(folder, encodings[contender])))
    _update("runs", measured_here(_row(contender, done) for contender, done in runs.items()))


def _memory() -> Path | None:
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else None


def _encoding(source: Path, codec: str) -> dict[str, Any]:
    """What ``upres video`` tells the encoder."""
    from upres.machine.cores import available_cores
    from upres.pipeline.sizes import SizeRequest
    from upres.video.plan import Wishes
    from upres.video.run import VideoRun

    chosen = VideoRun(source, Wishes(request=SizeRequest(scale=2), codec=codec), {}).plan.encoding
    return {
        "options": chosen.options,
        "library": chosen.encoder.library,
        "pixel_format": chosen.pixel_format,
        "threads": available_cores(),
    }


def _row(contender: Contender, done: Sequence[tuple[float, int]]) -> dict[str, Any]:
    return {
        "film": asdict(contender.film) | {"size": contender.film.size},
        "codec": contender.codec,
        "label": contender.label,
        "frames": contender.count,
        **timing(done),
    }


def _update(part: str, content: Mapping[str, Any]) -> None:
    path = ROOT / results("video")
    write_results("video", (read(path) if path.is_file() else {}) | {part: content})


INTRODUCTION = """# Video

Written by `python -m benchmarks` from `benchmarks/results/video.json`; `python -m benchmarks measure video` measures
it anew on an otherwise idle machine. FFmpeg's `sr` and `dnn_processing` filters come without networks, and run none of
ours; they are left out.
"""


def render(report: Mapping[str, Any]) -> str:
    """Frames a second of whole runs, the encoder alone, steadiness, and what is shown live."""
    parts = [INTRODUCTION]
    parts += [render_runs(report["runs"])] if "runs" in report else []
    parts += [render_encoders(report["encoder"])] if "encoder" in report else []
    parts += [render_steadiness(report["steadiness"], report.get("steady_cost"))] if "steadiness" in report else []
    parts += [render_live(report["live"])] if "live" in report else []
    return "\n".join(parts)


def render_runs(report: Mapping[str, Any]) -> str:
    """A line a film, encoder and contender."""
    environment, rows = report["environment"], report["rows"]
    lines = []
    for row in rows:
        plain = next(each for each in rows if _kind(each) == _kind(row) and each["label"] == _LANCZOS)
        a_frame = plain["seconds_median"] / plain["frames"]
        times = row["seconds_median"] / row["frames"] / a_frame
        lines.append(
            (
                row["film"]["size"],
                row["codec"],
                row["label"],
                f"{row['frames']}",
                f"{row['frames'] / row['seconds_median']:.1f}",
                f"{row['spread']:.0%}",
                f"{times:.2f}",
                f"{row['peak_mib']:.0f}",
            )
        )
    columns = ("film", "encoder", "", "frames", "frames a second", "spread", "time of lanczos", "peak MiB")
    return f"""## Whole runs

Whole processes, to twice the size, medians of {rows[0]["runs"]} in turn, {environment["cores"]} cores,
{machine_line(environment)}. The films are walks over photographs; files lie in memory. FFmpeg gets the same encoder
with the same settings and threads, of its own build: SVT-AV1 is younger in PyAV's. Starting Python and opening the
network are within the time of the others.

{table(columns, lines, (LEFT, LEFT, LEFT, *[RIGHT] * 5))}
"""


def _kind(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["film"]["size"], row["codec"]


def render_steadiness(report: Mapping[str, Any], cost: Mapping[str, Any] | None = None) -> str:
    """A line a network; what steadying costs, where that was measured."""
    source, rows = report["source"], report["rows"]

    def against(row: Mapping[str, Any], key: str) -> str:
        return f"{row[key] / source - 1:+.1%}"

    lines = [
        (
            f"`{row['model']}`",
            f"{row['flicker']:.3f}",
            against(row, "flicker"),
            f"{row['flicker_of_half']:.3f}",
            against(row, "flicker_of_half"),
            against(row, "steady_flicker"),
            against(row, "steady_flicker_of_half"),
            f"{row['steady_psnr_gain']:+.3f}",
        )
        for row in rows
    ]
    networks = [row for row in rows if row["model"] != "bicubic"]
    most, most_of_half = (max(row[key] for row in networks) / source - 1 for key in ("flicker", "flicker_of_half"))
    least_of_half = min(row["flicker_of_half"] for row in networks) / source - 1
    steady = sorted((row["steady_flicker"] / source - 1, row["model"]) for row in networks)
    gains = [row["steady_psnr_gain"] for row in networks]
    columns = (
        "network, x2",
        "flicker, levels ↓",
        "against the source",
        "of the half ↓",
        "against the truth",
        "steady, against the source",
        "steady, against the truth",
        "steady, dB to the truth ↑",
    )
    return f"""## Steadiness

Root mean square of the change of luma from one frame to the next, in levels, where the source stands still: where its
luma changes by less than {report["still_below"]:g} on average over 9x9 pixels, {report["share"]:.0%} of the first
{report["frames"]} frames of `{report["film"]}`. There the codec makes the source itself flicker by
{source:.3f} levels. A network draws fine detail stronger than bicubic interpolation does, and so what changes
in it: by up to {most:.0%}. Where the source does not change at all, nothing does.

The middle of the table has a truth: the film is halved, each sample the mean of four, nothing is encoded between,
and the half is made as large again. The same regions of the film itself flicker by {source:.3f} levels. Of the networks
none is as steady as the truth: they flicker by {least_of_half:.0%} to {most_of_half:.0%} more.

"Steady" is the same with `--steady`, of luma: networks flicker by {steady[0][0]:+.1%} (`{steady[0][1]}`) to
{steady[-1][0]:+.1%} (`{steady[-1][1]}`) against the source. The last column is what that changes in PSNR to the truth,
{min(gains):+.3f} to {max(gains):+.3f} dB.{_told_cost(cost)}

{table(columns, lines, RIGHT)}
"""


def _told_cost(cost: Mapping[str, Any] | None) -> str:
    if cost is None:
        return ""
    (row,) = cost["rows"]
    return f""" It takes {row["steady_ms"]:.1f} ms of a frame of 1080p to 4K in which all stands still, beside
{row["network_ms"]:.1f} ms of `esr_tm`: {row["steady_ms"] / row["network_ms"]:.0%}; CPU time of one thread, medians of
{row["repeats"]} in turn, {machine_line(cost["environment"])}, at a load of {row["load"]:.1f}.
Where all moves it takes {row["moving_ms"]:.1f} ms."""


def render_live(report: Mapping[str, Any]) -> str:
    """A line a film."""
    environment = report["environment"]
    lines = [
        (
            row["size"],
            f"{row['rate']}",
            f"`{row['model']}`",
            f"{row['shown_rate']:.1f}",
            f"{row['dropped']}",
            f"{row['cpu_share']:.0%}",
        )
        for row in report["rows"]
    ]
    columns = ("film", "rate", "network", "shown a second", "dropped", "CPU, of all cores")
    return f"""## Live

`upres video --play` of {LIVE.seconds} seconds to twice the size, into mpv with `--vo=null`; {environment["cores"]}
cores, {machine_line(environment)}. CPU is that of upres and mpv together. mpv waits for frames that are late, so what
is shown a second says whether they came in time.

{table(columns, lines, (LEFT, RIGHT, LEFT, RIGHT, RIGHT, RIGHT))}
"""


def _measure_steadiness(settings: Settings) -> None:
    _update("steadiness", measure_steadiness(settings.shared / "data" / "video" / "bottle-detection.mp4", FAMILIES))


def _measure_steady_cost(settings: Settings) -> None:
    _update("steady_cost", measured_here(measure_cost(_COST_REPEATS * settings.repeats)))


def _measure_encoders(settings: Settings) -> None:
    photographs = sorted((settings.shared / "data" / "test" / "CID22val" / "HR").iterdir())
    _update("encoder", measured_here(measure_encoders(photographs, ENCODED, settings.repeats)))


def _measure_live(settings: Settings) -> None:
    photographs = sorted((settings.shared / "data" / "test" / "CID22val" / "HR").iterdir())
    _update("live", measured_here(measure_live(photographs, LIVE)))


PAGES: Sequence[Page] = (
    Page(
        name="video",
        target="docs/reports/video.md",
        inputs=(results("video"),),
        render=render,
        measure={
            "runs": measure_runs,
            "encoder": _measure_encoders,
            "steadiness": _measure_steadiness,
            "steady_cost": _measure_steady_cost,
            "live": _measure_live,
        },
    ),
)
