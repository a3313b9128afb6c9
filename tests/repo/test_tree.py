"""The checkout itself: no machine's paths, no oversized files, nobody else's weights."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_BYTES = 3_000_000


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_path_of_a_machine(tracked: list[Path]) -> None:
    marks = [str(ROOT.parent) + "/", str(Path.home()) + "/", "/ho" + "me/", "/Us" + "ers/"]
    for path in tracked:
        content = path.read_bytes()
        found = [mark for mark in marks if len(mark) > 2 and mark.encode() in content]
        assert not found, f"{path.relative_to(ROOT)} holds {found}"


def test_no_large_file_outside_training_state(tracked: list[Path]) -> None:
    for path in tracked:
        if path.parent.name != "training-state":
            assert path.stat().st_size <= MAX_BYTES, f"{path.relative_to(ROOT)} has {path.stat().st_size} bytes"


def test_weights_carry_cards_and_come_from_training(tracked: list[Path]) -> None:
    from upres.models.card import read_card

    for path in tracked:
        assert path.suffix not in {".pth", ".pt", ".model", ".pkl"}, path
        if path.suffix == ".safetensors" and path.parent.name == "weights":
            card = read_card(path)
            assert card.licence, path.name
            assert card.training["steps"] > 0, path.name
            assert sum(card.training["data"]["licences"].values()) == card.training["data"]["pictures"], path.name


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_file_says_what_it_tests(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path.relative_to(ROOT)} has no module docstring"
