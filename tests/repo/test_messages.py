"""The library speaks no flags: its messages are for programs and pages as much as for a terminal."""

import ast
import re
from pathlib import Path

import pytest

from upres.apps.cli.main import VERBS
from upres.errors import Hint

SOURCE = Path(__file__).resolve().parents[2] / "src" / "upres"
LIBRARY = [path for path in sorted(SOURCE.rglob("*.py")) if SOURCE / "apps" not in path.parents]
FLAG = re.compile(r"(?<!-)--[a-z]")
VERB = re.compile(rf"\bupres ({'|'.join(VERBS)})\b")


def _texts(source: str) -> list[str]:
    """Every string of a module but those that stand alone, which are docstrings."""
    tree = ast.parse(source)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in alone)
    return [node.value for node in strings if isinstance(node.value, str)]


def _raised(source: str) -> list[str]:
    """Every string of a module that is part of an error raised there."""
    raises = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Raise))
    strings = (node for each in raises for node in ast.walk(each) if isinstance(node, ast.Constant))
    return [node.value for node in strings if isinstance(node.value, str)]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_error_of_the_library_names_a_verb(path):
    assert [text for text in _raised(path.read_text()) if VERB.search(text)] == []


def test_a_verb_would_be_found():
    found = _raised('"`upres models`"\nraise E(f"{x}: no card; convert it first: upres import {x}")')
    assert [text for text in found if VERB.search(text)] == [": no card; convert it first: upres import "]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_message_of_the_library_names_a_flag(path):
    assert [text for text in _texts(path.read_text()) if FLAG.search(text)] == []


def test_a_flag_would_be_found():
    found = _texts('"""Docstring with --flag."""\nx = 1\nraise E(f"{x} exists; --overwrite replaces it")\n"|--:|---|"')
    assert [text for text in found if FLAG.search(text)] == [" exists; --overwrite replaces it"]


@pytest.mark.parametrize("hint", Hint)
def test_every_hint_is_given_by_the_library(hint):
    assert any(str(hint) in path.read_text() for path in LIBRARY)


@pytest.mark.parametrize("hint", Hint)
def test_hints_are_plain_words(hint):
    assert not re.search(r"--|`|=", hint.value)
