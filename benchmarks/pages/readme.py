"""The tables inside pages written by hand: quality and speed in the README, training in the guide."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.pages.page import Page, results
from benchmarks.pages.speed import latencies, measure_speed
from benchmarks.pages.tables import LEFT, RIGHT, machine_line, ms, table

SETS = ("Set5", "Set14")


def quality_table(content: Mapping[str, Any]) -> str:
    """PSNR by protocol ``paper``: a line a family, a column a scale."""
    records = content["results"]
    scores = {
        (_family(record), record["scale"], record["dataset"]): record["psnr_db"]
        for record in records
        if record["protocol"] == "paper"
    }
    sizes = {(_family(record), record["scale"]): record["run"]["parameters"] for record in records}
    smallest = {family: min(scale for name, scale, _ in scores if name == family) for family, _, _ in scores}

    def cell(family: str, scale: int) -> str:
        known = (family, scale, SETS[0]) in scores
        return " / ".join(f"{scores[family, scale, name]:.2f}" for name in SETS) if known else ""

    rows = (
        (family, f"{sizes[family, scale]:,}", *(cell(family, each) for each in (2, 3, 4)))
        for family, scale in sorted(smallest.items(), key=lambda item: (item[1], scores[*item, SETS[0]]))
    )
    return table(("model", "parameters", "x2", "x3", "x4"), rows, align=(LEFT, RIGHT, LEFT, LEFT, LEFT))


def speed_table(report: Mapping[str, Any]) -> str:
    """Median milliseconds: a line a model, a column an engine, for the first size of the report."""
    width, height = report["rows"][0]["width"], report["rows"][0]["height"]
    rows = [row for row in report["rows"] if (row["width"], row["height"]) == (width, height)]
    columns = list(dict.fromkeys(_column(row) for row in rows))
    lines = []
    for label in dict.fromkeys(_label(row) for row in rows):
        found = {_column(row): row["latency_ms_median"] for row in rows if _label(row) == label}
        lines.append((label, *(ms(found.get(column)) for column in columns)))
    machine = f"{rows[0]['threads']} threads, {machine_line(report['environment'])}"
    caption = f"Median milliseconds for one luma plane of {width}x{height} out, {machine}:"
    return f"{caption}\n\n{table(('model', *columns), lines, align=RIGHT)}"


def training_table(report: Mapping[str, Any]) -> str:
    """Steps a second of the loop and of a plain program."""
    environment = report["environment"]
    caption = f"Steps a second, medians of three turns, {environment['cores']} cores, {machine_line(environment)}:"
    lines = [
        (
            row["recipe"],
            f"{row['loop_steps_per_s']:.1f}",
            f"{row['plain_steps_per_s']:.1f}",
            f"{row['loop_steps_per_s'] / row['plain_steps_per_s']:.2f}",
            f"{row['waiting_share']:.1%}",
        )
        for row in report["speed"]
    ]
    columns = ("recipe", "the loop", "plain PyTorch", "times as fast", "waiting for batches")
    return f"{caption}\n\n{table(columns, lines, align=RIGHT)}"


def _family(record: Mapping[str, Any]) -> str:
    return str(record["model"]).removesuffix(f"_x{record['scale']}")


def _label(row: Mapping[str, Any]) -> str:
    """The model, whose name tells its scale; interpolation's does not."""
    return f"bicubic_x{row['scale']}" if row["model"] == "bicubic" else str(row["model"])


def _column(row: Mapping[str, Any]) -> str:
    return f"{row['engine']} {row['precision']}"


PAGES: Sequence[Page] = (
    Page(
        name="readme_quality",
        target="README.md",
        mark="quality",
        inputs=(results("quality"),),
        render=quality_table,
        command="upres evaluate bicubic all --data Set5 Set14 --protocol all --out benchmarks/results/quality.json",
    ),
    Page(
        name="readme_speed",
        target="README.md",
        mark="speed",
        inputs=(results("speed"),),
        render=speed_table,
        latencies=latencies,
        measure=measure_speed("speed"),
    ),
    Page(
        name="training_speed",
        target="docs/guide/training.md",
        mark="training_speed",
        inputs=(results("training_speed"),),
        render=training_table,
        command="upres train rlfn_c32b6_x2 rlfn_c32b6_x4 --data ../shared/data/train --speed --json",
    ),
)
