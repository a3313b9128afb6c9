"""Some seconds of mutated weight files; ``python -m tests.fuzz.checkpoints`` takes longer."""

import pytest

from tests.fuzz.checkpoints import SEEDS, fuzz

SECONDS = 30


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEEDS)
def test_no_mutation_is_more_than_an_error_of_ours(kind, tmp_path):
    pytest.importorskip("atheris", reason="atheris, which fuzzes, is not installed (Linux wheels only)")
    row = fuzz(kind, SECONDS / len(SEEDS), tmp_path / kind)
    assert row["findings"] == []
    assert row["runs"] > 50
    assert row["refused"] > 0
