"""The README: its commands exist, its links lead somewhere."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from upres.apps.cli.main import VERBS, main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def _commands() -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [line for language, block in blocks if not language for line in block.splitlines()]
    return [line.split("#")[0].strip() for line in lines if line.strip()]


def test_the_two_commands_of_a_fresh_machine_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in ("make demo", "make test"):
        assert command in _commands()
        assert re.search(rf"^{command.split()[1]}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("command", [line for line in _commands() if line.startswith("upres ")])
def test_every_upres_command_parses(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verb, *arguments = shlex.split(command)[1:]
    assert verb in VERBS
    module = importlib.import_module(f"upres.apps.cli.{'import_' if verb == 'import' else verb}")
    reached: list[str] = []
    monkeypatch.setattr(module, "run", lambda args: reached.append(args.verb) or 0)
    assert main([verb, *arguments]) == 0
    assert reached == [verb]


def test_the_index_lists_every_page_once() -> None:
    listed = re.findall(
        r"^\* \[([\w-]+)\]\((\w+/[\w-]+\.md)\): \S", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE
    )
    folders = ("guide", "reference", "reports", "notes")
    there = sorted(f"{folder}/{page.name}" for folder in folders for page in (ROOT / "docs" / folder).glob("*.md"))
    assert sorted(path for _, path in listed) == there
    assert all(Path(path).stem == name for name, path in listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
