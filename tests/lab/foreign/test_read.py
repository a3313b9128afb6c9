"""Files are read safely, and the state in them is found."""

import os
import pickle
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from upres.errors import CheckpointError
from upres.lab.checkpoint import build, spec_of
from upres.lab.foreign.read import read, unwrap
from upres.lab.foreign.recognise import recognise


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params": state},
        lambda state: {"params_ema": state, "params": {key: value + 1 for key, value in state.items()}},
        lambda state: {"state_dict": state, "epoch": 3, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}},
        lambda state: {"model_state_dict": state, "loss": 0.1},
        lambda state: {"net": state},
        lambda state: {"my_own_key": state, "epoch": 1},
        lambda state: {"state_dict": {"model": state}},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module._orig_mod.{key}": value for key, value in state.items()}},
        lambda state: OrderedDict(state, step=5),
    ],
)
def test_wrappers_and_prefixes_are_seen_through(tmp_path, wrap, fsrcnn_state):
    state = fsrcnn_state
    torch.save(wrap(state), tmp_path / "x.pth")
    recognised = recognise(read(tmp_path / "x.pth"))
    assert (recognised.spec.architecture, recognised.spec.scale) == ("fsrcnn", 3)
    assert set(recognised.state) == set(state)
    assert all(torch.equal(recognised.state[key], state[key]) for key in state)


def test_what_is_no_tensor_is_named(fsrcnn_state):
    state = fsrcnn_state
    assert unwrap({**state, "epoch": 3})[1] == ("epoch",)


def test_legacy_pickles_are_read(tmp_path, fsrcnn_state):
    torch.save(fsrcnn_state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert recognise(read(tmp_path / "old.pth")).spec.architecture == "fsrcnn"


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_refusal_names_what_would_be_called(tmp_path):
    torch.save({"extra": Malicious(tmp_path / "marker")}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match=r"would call posix\.mkdir"):
        read(tmp_path / "evil.pth")


@pytest.mark.parametrize("plain", [True, False])
def test_a_malicious_pickle_is_refused_and_nothing_runs(tmp_path, plain):
    marker, path = tmp_path / "marker", tmp_path / "evil.pth"
    payload = {"filter.weight": torch.zeros(8, 1, 3, 3), "extra": Malicious(marker)}
    if plain:
        path.write_bytes(pickle.dumps({"extra": Malicious(marker)}))
    else:
        torch.save(payload, path)
    with pytest.raises(CheckpointError, match=r"evil.pth: refused, nothing was run"):
        read(path)
    assert not marker.exists()
    if plain:  # the file really is what it is said to be
        pickle.loads(path.read_bytes())
        assert marker.exists()


def test_a_pickled_module_is_refused(tmp_path):
    torch.save(build(spec_of("esr_max_x2")), tmp_path / "whole.pt")
    with pytest.raises(CheckpointError, match=r"refused.*upres.lab.archs.edge_sr.EdgeSRMax.*state_dict"):
        read(tmp_path / "whole.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"GIF89a not weights at all, just bytes" * 20, "damaged"),
        (b"PK\x03\x04 broken archive", "damaged"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{broken", "damaged .safetensors file"),
        (pickle.dumps([1, 2], protocol=2), "damaged"),
    ],
)
def test_files_that_are_none_give_one_clear_line(tmp_path, content, message):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("fraction", [0.3, 0.9, 0.999])
@pytest.mark.parametrize("save", [torch.save, save_file])
def test_truncated_files_are_errors(tmp_path, save, fraction, fsrcnn_state):
    path = tmp_path / "x"
    save(fsrcnn_state, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(CheckpointError, match="damaged"):
        read(path)


def test_a_list_of_tensors_is_no_state(tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="holds a list, expected a mapping of names to tensors"):
        read(tmp_path / "list.pt")


def test_missing_files_and_folders_are_errors(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be read .No such file"):
        read(tmp_path / "absent.pth")
    with pytest.raises(CheckpointError, match=r"cannot be read .Is a directory"):
        read(tmp_path)


def test_no_tensors_at_all():
    with pytest.raises(CheckpointError, match=r"holds no tensors; its entries are epoch, lr"):
        recognise({"epoch": 1, "lr": 2})
