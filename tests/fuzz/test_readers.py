"""Half a minute of mutated pictures for all readers together; ``python -m tests.fuzz.readers`` takes longer."""

import pytest

from tests.fuzz.readers import fuzz, named
from tests.fuzz.seeds import READERS, seeds
from upres.image.formats import FORMATS
from upres.image.io import read

SECONDS = 30


@pytest.mark.parametrize("form", READERS)
def test_every_seed_is_a_picture_of_its_format(form):
    made = seeds(form)
    assert len(made) >= 3
    for data in made:
        assert read(named(data, form)).source.format == form


def test_every_format_has_seeds():
    pytest.importorskip("pillow_heif")
    assert set(READERS) == set(FORMATS)


@pytest.mark.slow
@pytest.mark.parametrize("form", READERS)
def test_no_mutation_is_more_than_an_error_of_ours(form, tmp_path):
    pytest.importorskip("atheris", reason="atheris, which fuzzes, is not installed (Linux wheels only)")
    row = fuzz(form, SECONDS / len(READERS), tmp_path)
    assert row["findings"] == {}
    assert row["runs"] > 50
    assert row["pictures"] > row["seeds"], "mutations that nothing guides are hardly ever pictures"
    assert row["refused"] > 0
