"""Fill in the figures of README, docs/guide/upscale.md and docs/guide/training.md: ``python benchmarks/readme.py``."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
QUALITY = ROOT / "benchmarks" / "results" / "quality.json"
SPEED = ROOT / "benchmarks" / "results" / "speed.json"
SPEED_RGB = [ROOT / "benchmarks" / "results" / f"{name}.json" for name in ("speed_rgb", "speed_rgb_4k")]
STILLS = ROOT / "benchmarks" / "results" / "stills.json"
TRAINING_SPEED = ROOT / "benchmarks" / "results" / "training_speed.json"
README = ROOT / "README.md"
UPSCALE = ROOT / "docs" / "guide" / "upscale.md"
TRAINING = ROOT / "docs" / "guide" / "training.md"
SETS = ("Set5", "Set14")


def quality_table(records: list[dict[str, Any]]) -> str:
    """PSNR by protocol ``paper``: a line a family, a column a scale."""
    scores = {
        (_family(record), record["scale"], record["dataset"]): record["psnr_db"]
        for record in records
        if record["protocol"] == "paper"
    }
    sizes = {(_family(record), record["scale"]): record["run"]["parameters"] for record in records}
    families = sorted({family for family, _, _ in scores}, key=lambda family: scores[family, 2, "Set5"])
    lines = ["| model | parameters x2 | x2 | x3 | x4 |", "|---|--:|---|---|---|"]
    for family in families:
        cells = [
            " / ".join(f"{scores[family, scale, name]:.2f}" for name in SETS)
            if (family, scale, SETS[0]) in scores
            else ""
            for scale in (2, 3, 4)
        ]
        lines.append(f"| {family} | {sizes[family, 2]:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def speed_table(report: dict[str, Any]) -> str:
    """Median milliseconds: a line a model, a column an engine, for the first size of the report."""
    rows = [row for row in report["rows"] if (row["width"], row["height"]) == _first_size(report)]
    columns = list(dict.fromkeys(_column(row) for row in rows))
    environment = report["environment"]
    width, height = _first_size(report)
    machine = f"{rows[0]['threads']} threads, {environment['cpu']}"
    lines = [
        f"Median milliseconds for one luma plane of {width}x{height} out, {machine}:",
        "",
        f"| model | {' | '.join(columns)} |",
        f"|---|{'--:|' * len(columns)}",
    ]
    for label in dict.fromkeys(_label(row) for row in rows):
        found = {_column(row): row["latency_ms_median"] for row in rows if _label(row) == label}
        lines.append(f"| {label} | {' | '.join(_ms(found.get(column)) for column in columns)} |")
    return "\n".join(lines)


def engines_table(reports: list[dict[str, Any]]) -> str:
    """RGB networks on several engines: a line a model and size, each engine's time and its ratio to OpenVINO's bf16."""
    environment = reports[0]["environment"]
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in (row for report in reports for row in report["rows"]):
        sizes = [f"{row['width'] // by}x{row['height'] // by}" for by in (row["scale"], 1)]
        found.setdefault((row["model"], *sizes), {})[_column(row)] = row["latency_ms_median"]
    columns = ["openvino int8", "openvino bf16", "onnxruntime f32", "torch f32"]
    lines = [
        f"Medians of a picture in milliseconds and times OpenVINO's bf16, {environment['cores']} cores, "
        f"{environment['cpu']}:",
        "",
        f"| model | from | to | {' | '.join(columns)} |",
        f"|---|---|---|{'--:|' * len(columns)}",
    ]
    for names, times in sorted(found.items()):
        ratios = {column: times[column] / times["openvino bf16"] for column in columns if column in times}
        cells = [f"{_ms(times[column])} ({ratios[column]:.2f})" if column in ratios else "" for column in columns]
        lines.append(f"| {' | '.join((*names, *cells))} |")
    return "\n".join(lines)


def stills_table(report: dict[str, Any]) -> str:
    """Whole processes on photographs: seconds, spread, peak of memory."""
    environment = report["environment"]
    lines = [
        f"Whole processes, medians of {report['rows'][0]['runs']} runs in turn; {environment['cores']} cores, "
        f"{environment['cpu']}:",
        "",
        "| JPEG | | seconds | spread | peak MiB |",
        "|---|---|--:|--:|--:|",
    ]
    lines += [
        f"| {row['width']}x{row['height']} x{row['scale']} | {row['label']} | {row['seconds_median']:.2f} | "
        f"{row['spread']:.0%} | {row['peak_mib']:.0f} |"
        for row in report["rows"]
    ]
    return "\n".join(lines)


def training_table(report: dict[str, Any]) -> str:
    """Steps a second of the loop and of a plain program."""
    environment = report["environment"]
    lines = [
        f"Steps a second, medians of three turns, {environment['cores']} cores, {environment['cpu']}:",
        "",
        "| recipe | the loop | plain PyTorch | times as fast | waiting for batches |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['recipe']} | {row['loop_steps_per_s']:.1f} | {row['plain_steps_per_s']:.1f} | "
        f"{row['loop_steps_per_s'] / row['plain_steps_per_s']:.2f} | {row['waiting_share']:.1%} |"
        for row in report["speed"]
    ]
    return "\n".join(lines)


def fill(page: str, name: str, table: str) -> str:
    """The page with the text between two marks replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, rest = page.split(begin, 1)
    return f"{head}{begin}\n{table}\n{end}{rest.split(end, 1)[1]}"


def filled() -> dict[Path, str]:
    """The pages with every table made anew."""
    readme = fill(README.read_text(), "quality", quality_table(json.loads(QUALITY.read_text())["results"]))
    upscale = fill(UPSCALE.read_text(), "stills", stills_table(json.loads(STILLS.read_text())))
    return {
        README: fill(readme, "speed", speed_table(json.loads(SPEED.read_text()))),
        TRAINING: fill(TRAINING.read_text(), "training_speed", training_table(json.loads(TRAINING_SPEED.read_text()))),
        UPSCALE: fill(upscale, "engines", engines_table([json.loads(path.read_text()) for path in SPEED_RGB])),
    }


def _family(record: dict[str, Any]) -> str:
    return str(record["model"]).removesuffix(f"_x{record['scale']}")


def _first_size(report: dict[str, Any]) -> tuple[int, int]:
    return report["rows"][0]["width"], report["rows"][0]["height"]


def _label(row: dict[str, Any]) -> str:
    """The model, whose name tells its scale; interpolation's does not."""
    return f"bicubic_x{row['scale']}" if row["model"] == "bicubic" else str(row["model"])


def _column(row: dict[str, Any]) -> str:
    return f"{row['engine']} {row['precision']}"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


if __name__ == "__main__":
    for path, text in filled().items():
        path.write_text(text)
