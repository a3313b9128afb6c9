"""What docstrings, comments and pages name is there: files by their path, modules and objects by their dotted name."""

import re
import tokenize
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from tokenize import COMMENT, DEDENT, INDENT, NEWLINE, NL, STRING

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "upres"
ROOTS = (ROOT, PACKAGE, ROOT / "native")
FILES = sorted(
    [
        *(path for name in ("src", "tests", "benchmarks") for path in (ROOT / name).rglob("*.py")),
        *(ROOT / "native").rglob("*.[ch]*"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CMakeLists.txt", "Makefile", "pyproject.toml")),
    ]
)
ROOMS = sorted(
    {path.name for folder in (ROOT, PACKAGE) for path in folder.iterdir() if path.is_dir()} - {"src", "build"}
)
PATH = re.compile(rf"(?<![\w./])((?:src|{'|'.join(map(re.escape, ROOMS))})/[\w./-]*\.(?:py|md|h|cpp|png))\b")
DOTTED = re.compile(r"(?<![\w./-])upres(?:\.[A-Za-z_]\w*)+")


def _text(file: Path) -> str:
    """The file; of a test only its comments and docstrings, as its other strings may name what must not be there."""
    if not (file.suffix == ".py" and file.is_relative_to(ROOT / "tests")):
        return file.read_text()
    with tokenize.open(file) as lines:
        tokens = [token for token in tokenize.generate_tokens(lines.readline) if token.type not in (NL, INDENT, DEDENT)]
    pairs = zip([None, *tokens], tokens, strict=False)
    return "\n".join(
        token.string
        for before, token in pairs
        if token.type == COMMENT or (token.type == STRING and (before is None or before.type in (NEWLINE, COMMENT)))
    )


def _paths(text: str) -> Iterator[str]:
    """Paths below one of `ROOTS`, but for patterns such as ``apps/cli/x.py`` and ``NAME.py``."""
    return (path for path in PATH.findall(text) if len(Path(path).stem) > 1 and not Path(path).stem.isupper())


@cache
def _resolves(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                # a field without a default is no attribute of its class
                return attribute in getattr(found, "__annotations__", {})
            found = getattr(found, attribute)
        return True
    return False


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_named_files_exist(file: Path) -> None:
    gone = {path for path in _paths(_text(file)) if not any((root / path).exists() for root in ROOTS)}
    assert not gone, f"{file.relative_to(ROOT)} names files that are not there: {sorted(gone)}"


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_dotted_names_resolve(file: Path) -> None:
    gone = {name for name in DOTTED.findall(_text(file)) if not _resolves(name)}
    assert not gone, f"{file.relative_to(ROOT)} names what is not there: {sorted(gone)}"


def test_a_wrong_name_is_seen() -> None:
    """As is `upres.lab.zoo.MODELS` of this docstring, or the check of tests would be none."""
    assert "upres.lab.zoo.MODELS" in _text(Path(__file__))
    assert "upres.lab.training.soap" not in _text(Path(__file__))
    assert list(_paths("see docs/nowhere.md, lab/zoo.py and apps/cli/x.py")) == ["docs/nowhere.md", "lab/zoo.py"]
    assert _resolves("upres.lab.zoo.MODELS")
    assert not _resolves("upres.lab.training.soap")
    assert not _resolves("upres.lab.zoo.MODEL")
