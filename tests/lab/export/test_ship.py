"""Networks as they leave the lab."""

import pytest

from upres.bench.report import latencies_of
from upres.errors import UnknownModelError
from upres.lab.checkpoint import build, describe, save, spec_of
from upres.lab.export.ship import ship
from upres.models.catalog import find

SCORE = {"dataset": "Set5", "protocol": "paper", "psnr_db": 35.4322, "ssim": 0.9}


@pytest.fixture
def model(tmp_path):
    network = build(spec_of("esr_tm_x2"))
    save(tmp_path / "mine.safetensors", network, describe(network, spec_of("esr_tm_x2"), name="mine", scores=(SCORE,)))
    return tmp_path / "mine.safetensors"


def test_a_file_receives_the_graph_alone(model, tmp_path):
    shipped = ship(model, tmp_path / "graph.onnx")
    assert (shipped.model, shipped.format, shipped.output) == ("mine", "onnx", tmp_path / "graph.onnx")
    assert shipped.size_bytes == (tmp_path / "graph.onnx").stat().st_size
    assert shipped.max_error <= 1e-5
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["graph.onnx", "mine.safetensors"]


def test_a_folder_receives_weights_whose_card_keeps_what_was_not_measured_anew(model, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    assert ship(model, folder).output == folder / "mine.onnx"
    assert find(folder / "mine.safetensors").card.scores == (SCORE,)
    better = {**SCORE, "psnr_db": 36.0}
    ship(model, folder, scores={"mine": [better], "another": [SCORE]})
    assert find(folder / "mine.safetensors").card.scores == (better,)
    assert sorted(entry.name for entry in folder.iterdir()) == ["mine.onnx", "mine.safetensors"]


def test_what_is_no_model_is_not_shipped(tmp_path):
    with pytest.raises(UnknownModelError):
        ship("no_such_model", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_reports_are_no_latencies():
    assert latencies_of([]) == {}
