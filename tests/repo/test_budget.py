"""Short files and functions; whoever needs more says why here."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

FILE_EXCEPTIONS: dict[str, str] = {}
"""Path below the root -> why it is longer."""
FUNCTION_EXCEPTIONS: dict[str, str] = {}
"""``path::function`` -> why it is longer."""

FILES = [
    *(path for folder in ("src", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))),
    *sorted((ROOT / "native").rglob("*.[ch]*")),
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_short(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    lines = len(path.read_text().splitlines())
    assert lines <= MAX_FILE_LINES or name in FILE_EXCEPTIONS, f"{name} has {lines} lines"


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix == ".py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_short(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    long = {
        f"{name}::{node.name}": node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and _code_lines(node) > MAX_FUNCTION_LINES
    }
    assert not long.keys() - FUNCTION_EXCEPTIONS.keys(), long


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines without the docstring, which may be as long as it is useful."""
    assert node.end_lineno is not None
    documented = ast.get_docstring(node) is not None
    docstring = node.body[0] if documented else None
    length = node.end_lineno - node.lineno + 1
    return length - (docstring.end_lineno - docstring.lineno + 1 if docstring and docstring.end_lineno else 0)


def test_exceptions_are_still_needed() -> None:
    for name in FILE_EXCEPTIONS:
        assert len((ROOT / name).read_text().splitlines()) > MAX_FILE_LINES, f"{name} no longer needs its exception"
