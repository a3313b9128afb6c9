"""The hook for commit messages holds CONTRIBUTING.md's rules."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / ".ci" / "commit_message.py"


def faults(message: str, changed: list[str]) -> list[str]:
    spec = spec_from_file_location("commit_message", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[str] = module.faults(message, changed)
    return found


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        ("Say what a file holds\n\nTwo readers asked.\n", ["src/upres/errors.py"]),
        ("Say what a page holds\n", ["docs/guide/files.md", "README.md"]),
        ("x" * 72, ["docs/guide/files.md"]),
        ("Merge branch 'pages' into main, which git words itself and may be longer than 72", ["src/upres/errors.py"]),
        ("Short\n# On branch main, a comment of git's that is longer than seventy-two characters, as they are\n", []),
    ],
)
def test_good_messages_pass(message: str, changed: list[str]) -> None:
    assert faults(message, changed) == []


@pytest.mark.parametrize(
    ("message", "changed", "fault"),
    [
        ("", [], "the first line is empty"),
        ("# only a comment\n", [], "the first line is empty"),
        ("x" * 73, [], "the subject has 73 characters, expected at most 72"),
        ("Delete a file.", [], "ends with a full stop"),
        ("Delete a file\nand more", [], "the second line is not empty"),
        ("Delete a file\n", ["docs/guide/files.md", "src/upres/errors.py"], "no body, but src/upres/errors.py changes"),
        ("Delete a file\n\n# comment\n", ["native/pool.cpp"], "no body, but native/pool.cpp changes"),
        ("Train\n", ["src/upres/models/weights/a.safetensors"], "say why, and what was measured"),
    ],
)
def test_each_rule_is_told(message: str, changed: list[str], fault: str) -> None:
    (found,) = faults(message, changed)
    assert fault in found


def test_git_calls_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.hooksPath=.git/hooks"]
        return subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    git("init", "--quiet")
    hook = tmp_path / ".git" / "hooks" / "commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}" "$1"\n')
    hook.chmod(0o755)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("a = 1\n")
    git("add", "src")
    refused = git("commit", "-m", "Add a")
    assert refused.returncode != 0
    assert "commit message: no body, but src/a.py changes: say why, and what was measured" in refused.stderr
    assert git("commit", "-m", "Add a", "-m", "Somebody asked.").returncode == 0
