"""Rows of figures on standard output."""

from collections.abc import Mapping, Sequence
from typing import Any


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the keys and a line a row, with tabs in between; four decimals."""
    print("\t".join(rows[0]))
    for row in rows:
        print("\t".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()))
