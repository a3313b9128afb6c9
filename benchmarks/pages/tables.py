"""How figures look: tables of Markdown, medians with their spread, differences, and the machine's name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from upres.machine.names import label

LEFT, RIGHT = "---", "--:"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], align: str | Sequence[str] = LEFT) -> str:
    """A table of Markdown, without a line break at its end.

    Args:
        columns: Their headings.
        rows: Cells, as many as columns.
        align: `LEFT` or `RIGHT`: of each column, or as one text of every column but the first.
    """
    aligned = [LEFT, *[align] * (len(columns) - 1)] if isinstance(align, str) else align
    lines = [f"| {' | '.join(columns)} |".replace("|  |", "| |"), f"|{'|'.join(aligned)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def pm(row: Mapping[str, Any]) -> str:
    """A median latency and the distance between the quartiles: ``48.2 ± 12%``."""
    return f"{row['latency_ms_median']:.1f} ± {row['spread']:.0%}"


def ms(value: float | None) -> str:
    """Milliseconds to three digits or so; empty where there are none."""
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def distance(ours: float | None, theirs: float | None, digits: int) -> str:
    """A figure and in brackets its distance to another one, where there is one; empty where there is none."""
    if ours is None:
        return ""
    shown = f"{ours:.{digits}f}"
    return shown if theirs is None else f"{shown} ({ours - theirs:+.{digits}f})"


def machine_line(*environments: Mapping[str, Any]) -> str:
    """The one machine that a table's figures come from, by name.

    Raises:
        ValueError: If they come from several: their figures cannot stand in one table.
    """
    names = list(dict.fromkeys(map(label, environments)))
    if len(names) != 1:
        raise ValueError(f"expected the figures of one machine, got those of {', '.join(names)}: split the table")
    return names[0]
