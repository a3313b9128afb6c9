"""What ``upres evaluate`` came to, on the terminal: a bar while it measures, then a table for every record."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from upres.metrics.table import METRICS

if TYPE_CHECKING:
    from upres.evaluation.quality import Progress


@contextmanager
def progress_bar(title: str) -> Iterator["Progress"]:
    """A function that draws how far measuring is; no bar where nothing is measured or nobody looks."""
    from tqdm import tqdm

    bars: list[Any] = []

    def progress(done: int, total: int) -> None:
        if not bars:
            bars.append(tqdm(desc=title, total=total, unit="image", file=sys.stderr, disable=None, leave=False))
        bars[0].update(done - bars[0].n)

    try:
        yield progress
    finally:
        for bar in bars:
            bar.close()


def table(record: Mapping[str, Any]) -> str:
    """A record as text: what ran, a line a picture, the mean."""
    from upres.evaluation.results import dataset_label

    run, metrics = record["run"], [METRICS[name] for name in record["metrics"]]
    rows = [*record["images"], {**record, "name": "mean"}]
    width = max(len(row["name"]) for row in rows)
    cells = [
        [metric.text(value) for metric, value in zip(metrics, row["metrics"].values(), strict=True)] for row in rows
    ]
    columns = [max(map(len, column)) for column in zip(*cells, [each.heading for each in metrics], strict=True)]

    def line(name: str, figures: Sequence[str]) -> str:
        aligned = (figure.rjust(column) for figure, column in zip(figures, columns, strict=True))
        return "  ".join(["", name.ljust(width), *aligned])

    count = len(record["images"])
    return "\n".join(
        [
            f"{record['model']} x{record['scale']} on {dataset_label(record)} by protocol {record['protocol']} "
            f"({run['engine']}, {run['precision']})",
            line("", [each.heading for each in metrics]),
            *(line(row["name"], figures) for row, figures in zip(rows, cells, strict=True)),
            *([f"worse than before: {record['worse']} of {count} pictures"] if "worse" in record else []),
        ]
    )
