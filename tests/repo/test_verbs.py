"""A verb parses, makes one call of the library, and prints: no file of the command is long."""

from pathlib import Path

import pytest

from upres.apps.cli.main import VERBS

CLI = Path(__file__).resolve().parents[2] / "src" / "upres" / "apps" / "cli"
MAX_LINES = 120


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_every_file_of_the_command_is_short(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES, f"{path.name}: what it does belongs to the library"


def test_every_verb_has_its_file():
    for verb in VERBS:
        assert (CLI / f"{'import_' if verb == 'import' else verb}.py").is_file()
