"""A challenge run as files: CSV for `rank`, Markdown, and one HTML page with plots that needs nothing else."""

import csv
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from upres.bench.report import describe
from upres.errors import MissingExtraError
from upres.evaluation.results import dataset_label
from upres.lab.challenge.run import ChallengeReport, Result
from upres.machine.atomic import write_text
from upres.metrics.table import METRICS

COLUMNS: Mapping[str, tuple[str, str]] = {
    "main_rank": ("main", "{:d}"),
    "main_score": ("score", "{:.3f}"),
    "sub1_rank": ("sub 1", "{:d}"),
    "sub2_rank": ("sub 2", "{:d}"),
    "sub3_rank": ("sub 3", "{:d}"),
    "entry": ("entry", "{}"),
    "psnr_db": (METRICS["psnr"].heading, "{:.3f}"),
    **{name: (metric.heading, f"{{:.{metric.decimals}f}}") for name, metric in METRICS.items() if not metric.key},
    "latency_ms": ("time ms", "{:.2f}"),
    "spread": ("spread", "{:.0%}"),
    "parameters_m": ("params M", "{:.3f}"),
    "flops_g": ("FLOPs G", "{:.2f}"),
    "flops_exact_g": ("exact FLOPs G", "{:.2f}"),
    "activations_m": ("acts M", "{:.2f}"),
    "peak_mib": ("memory MiB", "{:.1f}"),
    "num_convs": ("convs", "{:d}"),
    "receptive_field": ("reach px", "{:d}"),
    "precision": ("type", "{}"),
}
"""Row key -> heading and format, in the order of the tables."""

COSTS = {
    "latency_ms": "time, ms",
    "parameters_m": "parameters, M",
    "flops_g": "FLOPs, G",
    "activations_m": "activations, M",
    "peak_mib": "memory, MiB",
}
"""What quality is plotted against."""

PAGE = Path(__file__).with_name("page.html")
"""The page without its figures."""

_INK, _SOFT, _LINE, _ACCENT, _FAILED = "#1d2733", "#5b6877", "#d8dee6", "#0b6e99", "#b4532a"


def write_files(report: ChallengeReport, folder: Path) -> list[Path]:
    """Write ``results.csv``, ``results.md``, ``report.json`` and ``report.html`` into the folder.

    Returns:
        Their paths.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        OutputError: If the folder cannot be written.
    """
    texts = {
        "results.csv": to_csv(report),
        "results.md": to_markdown(report),
        "report.json": json.dumps(report.to_dict(), indent=1) + "\n",
        "report.html": to_html(report),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def to_csv(report: ChallengeReport) -> str:
    """The rows as a wide table that ``upres challenge rank`` takes."""
    text = io.StringIO()
    rows = flat_rows(report)
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_markdown(report: ChallengeReport) -> str:
    """A heading, how it was measured, and the table."""
    rows = flat_rows(report)
    columns = shown_columns(rows)
    lines = [f"# {title(report)}\n", f"{conditions(report)}\n"]
    lines.append("| " + " | ".join(COLUMNS[column][0] for column in columns) + " |")
    lines.append("|" + "|".join("---" if column in ("entry", "precision") else "--:" for column in columns) + "|")
    lines += ["| " + " | ".join(cells(row, columns)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def to_html(report: ChallengeReport) -> str:
    """One self-contained page: the conditions, a table that sorts by a click, and quality against each cost."""
    rows = flat_rows(report)
    columns = shown_columns(rows)
    head = "".join(
        f'<th scope="col"{_left(column)}><button type="button">{COLUMNS[column][0]}</button></th>' for column in columns
    )
    body = "".join(_html_row(row, columns) for row in rows)
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        title=html.escape(title(report)),
        conditions=html.escape(conditions(report)),
        head=head,
        body=body,
        plots="\n".join(f"<figure>{plot(report.results, cost, report.floor_db)}</figure>" for cost in COSTS),
    )


def title(report: ChallengeReport) -> str:
    """Data set, scale or task, and whose rules."""
    settings = report.settings
    goal = f": {settings['task']}" if "task" in settings else f" x{settings['scale']}"
    return f"{dataset_label(settings)}{goal}, ranked by the NTIRE {report.ranking.rules.year} rules"


def conditions(report: ChallengeReport) -> str:
    """How the figures came about, in a paragraph."""
    settings = report.settings
    how = f"{settings['engine']} ({settings['device']}, {settings['precision']}), {settings['threads']} threads"
    return (
        f"PSNR by the {settings['protocol']} protocol; at least {report.floor_db:.2f} dB to be ranked, set by "
        f"{report.baseline}. Time: mean over the pictures of the median of {report.rounds} calls, contenders in turn, "
        f"on {how}. Memory: peak beyond the idle process. FLOPs and activations by the {report.counting} convention "
        f"on a 256x256 input. {describe(dict(report.environment))}"
    )


def flat_rows(report: ChallengeReport) -> list[dict[str, Any]]:
    """The report's rows, in which every metric without a key of its own is a column by its name."""
    others = [{name: row["metrics"][name] for name in row["metrics"] if not METRICS[name].key} for row in report.rows]
    plain = [{key: value for key, value in row.items() if key != "metrics"} for row in report.rows]
    return [row | more for row, more in zip(plain, others, strict=True)]


def shown_columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that some row fills."""
    return [column for column in COLUMNS if any(row.get(column) is not None for row in rows)]


def cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """The row's figures as text; what it lacks as a dash, a reach without bound as ``all``."""
    texts = []
    for column in columns:
        value = row.get(column)
        absent = "all" if column == "receptive_field" else "–"
        small = isinstance(value, float) and column != "spread" and 0 < value < 0.1  # the networks of 400 parameters
        layout = "{:.3g}" if small else COLUMNS[column][1]
        texts.append(absent if value is None else layout.format(value))
    return texts


def plot(results: Sequence[Result], cost: str, floor_db: float) -> str:
    """PSNR against one cost as an ``<svg>`` element, with the line of those that nobody beats at both."""
    text = io.StringIO()
    figure = draw(results, cost, floor_db)
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = text.getvalue()
    label = html.escape(f"PSNR against {COSTS[cost]}")
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def draw(results: Sequence[Result], cost: str, floor_db: float) -> Any:
    """The same as a matplotlib figure."""
    figure_class, ticker = _matplotlib()
    figure = figure_class(figsize=(6.2, 3.9), layout="constrained")
    axes = figure.add_subplot()
    best = pareto(results, cost)
    axes.step([getattr(r, cost) for r in best], [r.psnr_db for r in best], where="post", color=_LINE, zorder=1)
    for result in results:
        point = getattr(result, cost), result.psnr_db
        color, marker = (_ACCENT, "o") if result.passed else (_FAILED, "X")
        axes.scatter(*point, s=34, color=color, marker=marker, zorder=3)
        axes.annotate(result.entry, point, xytext=(6, 5), textcoords="offset points", fontsize=8.5, color=_INK)
    axes.axhline(floor_db, color=_FAILED, linewidth=0.8, linestyle=(0, (4, 4)), zorder=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes.set_xlabel(COSTS[cost], color=_SOFT)
    axes.set_ylabel("PSNR, dB", color=_SOFT)
    axes.tick_params(which="both", colors=_SOFT, labelsize=8.5)
    axes.margins(x=0.2, y=0.14)
    for side, shown in {"top": False, "right": False, "left": True, "bottom": True}.items():
        axes.spines[side].set_visible(shown)
        axes.spines[side].set_color(_LINE)
    return figure


def pareto(results: Sequence[Result], cost: str) -> list[Result]:
    """Those that no other beats in quality at the same cost or less, cheapest first."""
    best: list[Result] = []
    for result in sorted(results, key=lambda result: (getattr(result, cost), -result.psnr_db)):
        if not best or result.psnr_db > best[-1].psnr_db:
            best.append(result)
    return best


def _html_row(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    texts = cells(row, columns)
    data = "".join(
        f'<td{_left(column)} data-value="{html.escape(str(_sortable(row.get(column))))}">{html.escape(text)}</td>'
        for column, text in zip(columns, texts, strict=True)
    )
    return f"<tr{'' if row['passed'] else ' class=failed'}>{data}</tr>\n"


def _sortable(value: object) -> object:
    return 1e99 if value is None else value


def _left(column: str) -> str:
    return " class=left" if column in ("entry", "precision") else ""


def _matplotlib() -> tuple[Any, Any]:
    """The figure class and the ticker module, set up for small files that are the same every time."""
    try:
        import matplotlib
        from matplotlib import ticker
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("the challenge's plots", "lab") from error
    matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: smaller, searchable, in the page's font
    matplotlib.rcParams["svg.hashsalt"] = "upres"
    matplotlib.rcParams["text.parse_math"] = False  # a dollar in a name is a dollar
    return Figure, ticker
