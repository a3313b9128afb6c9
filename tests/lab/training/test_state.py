"""What a run keeps in order to go on."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from upres.errors import TrainingError
from upres.lab.training.state import MovingAverage, RunPosition, load_state, save_state, shrink_state


@pytest.fixture
def kept(tmp_path):
    """A network after a step, its mean, its optimiser, and the file of its state."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    average, optimizer = MovingAverage(network, 0.9), torch.optim.Adam(network.parameters())
    network(torch.rand(2, 1, 5, 5)).square().mean().backward()
    optimizer.step()
    average.update(network, 0)
    path = tmp_path / "state.safetensors"
    save_state(
        path, network=network, average=average, optimizer=optimizer, progress=RunPosition(step=1), recipe={"a": 1}
    )
    return path, network, average, optimizer


def test_the_file_is_what_safetensors_writes_byte_for_byte(kept, tmp_path):
    """States of earlier versions, which wrote with `save_file`, stay exchangeable with those of today."""
    path, *_ = kept
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert set(json.loads(metadata["upres_training"])) == {"progress", "recipe"}
    save_file(load_file(path), tmp_path / "again.safetensors", metadata=metadata)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_a_full_disk_keeps_the_state_before(kept, monkeypatch):
    path, network, average, optimizer = kept
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TrainingError, match=r"state.safetensors: cannot be written \(No space left on device\)"):
        save_state(path, network=network, average=average, optimizer=optimizer, progress=RunPosition(step=2), recipe={})
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_shrunken_state_loads_and_weighs_less(kept, tmp_path):
    path, network, average, optimizer = kept
    small = tmp_path / "small.safetensors"
    shrink_state(path, small)
    assert small.stat().st_size < path.stat().st_size
    assert load_state(small, network=network, average=average, optimizer=optimizer) == RunPosition(step=1)


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("small", [False, True])
def test_a_state_with_a_flipped_bit_is_damaged(kept, place, small):
    path, network, average, optimizer = kept
    if small:
        shrink_state(path, path)
    content = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    content[start + int((len(content) - start) * place)] ^= 4
    path.write_bytes(content)
    with pytest.raises(TrainingError, match="damaged, its tensors are not what was saved"):
        load_state(path, network=network, average=average, optimizer=optimizer)


def test_a_state_of_before_has_no_digest_and_loads(kept, tmp_path):
    path, network, average, optimizer = kept
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    del tensors["digest"]
    save_file(tensors, tmp_path / "old.safetensors", metadata=metadata)
    old = tmp_path / "old.safetensors"
    assert load_state(old, network=network, average=average, optimizer=optimizer) == RunPosition(step=1)
