"""One page with all figures of a network, their numbers beside them, in a single file."""

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = """body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 0.85em; font-variant-numeric: tabular-nums; }
td, th { padding: 0.1rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd; }
"""


def page(facts: Mapping[str, Any], figures: Mapping[str, tuple[Mapping[str, Any], bytes]]) -> str:
    """An HTML page that needs no other file.

    Args:
        facts: Of the network and the picture, JSON-ready.
        figures: What a figure shows -> its numbers, JSON-ready, and its PNG.
    """
    name = escape(str(facts["model"]))
    parts = [f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>{name}</title>\n<style>\n{_STYLE}</style>"]
    parts.append(f"<h1>{name}</h1>\n{_table([{key: value for key, value in facts.items() if key != 'model'}])}")
    for says, (numbers, png) in figures.items():
        image = b64encode(png).decode("ascii")
        parts.append(f'<h2>{escape(says[0].upper() + says[1:])}</h2>\n<img alt="" src="data:image/png;base64,{image}">')
        single = {key: value for key, value in numbers.items() if not _is_rows(value)}
        parts += [_table([single])] if single else []
        for key, rows in numbers.items():
            if _is_rows(rows):
                parts.append(f"<details>\n<summary>{escape(key)}</summary>\n{_table(rows)}\n</details>")
    return "\n".join(parts) + "\n</html>\n"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _table(rows: list[Mapping[str, Any]]) -> str:
    heads = "".join(f"<th>{escape(str(key))}" for key in rows[0])
    lines = ["".join(f"<td>{escape(_text(value))}" for value in row.values()) for row in rows]
    return "\n".join(["<table>", f"<tr>{heads}", *(f"<tr>{line}" for line in lines), "</table>"])


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return str(value)
