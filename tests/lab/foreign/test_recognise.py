import os
import pickle
import shutil
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from upres.errors import CheckpointError
from upres.lab.checkpoint import build, spec_of
from upres.lab.foreign.recognise import read, recognise, unwrap

OFFICIAL = {
    "Bicubic_s2.model": ("bicubic_conv", 2, {"form": "naive"}),
    "Bicubic_s3.model": ("bicubic_conv", 3, {"form": "naive"}),
    "Bicubic_PS_s2.safetensors": ("bicubic_conv", 2, {"form": "efficient"}),
    "Bicubic_PS_s3.safetensors": ("bicubic_conv", 3, {"form": "efficient"}),
    "eSR-MAX_s2_K7_C2.model": ("esr_max", 2, {"kernel_size": 7, "num_channels": 2}),
    "eSR-TM_s2_K7_C4.model": ("esr_tm", 2, {"kernel_size": 7, "num_channels": 4}),
    "eSR-TM_s3_K5_C3.model": ("esr_tm", 3, {"kernel_size": 5, "num_channels": 3}),
    "eSR-TR_s2_K5_C2.model": ("esr_tr", 2, {"kernel_size": 5, "num_channels": 2}),
    "eSR-CNN_s2_C4_D3_S6.model": ("esr_cnn", 2, {"num_channels": 4, "num_features": 3, "num_shrink": 6}),
    "ESPCN_s2_D16_S24.model": ("espcn", 2, {"num_features": 16, "num_shrink": 24, "output": "sigmoid"}),
    "ESPCN_s3_D0_S15.model": ("espcn", 3, {"num_features": 0, "num_shrink": 15, "output": "sigmoid"}),
    "FSRCNN_s2_D56_S12_M4.model": ("fsrcnn", 2, {"num_features": 56, "num_shrink": 12, "num_blocks": 4}),
    "FSRCNN_s3_D19_S6_M1.model": ("fsrcnn", 3, {"num_features": 19, "num_shrink": 6, "num_blocks": 1}),
    "ESPCN_x3.safetensors": ("espcn", 3, {"num_features": 64, "activation": "relu", "output": "tanh"}),
    "FSRCNN_x2.safetensors": ("fsrcnn", 2, {"num_features": 56, "tail": "subpixel", "channel_slopes": True}),
    "FSRCNN-small_x3.safetensors": ("fsrcnn", 3, {"num_features": 32, "num_blocks": 1, "tail": "subpixel"}),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_files_are_recognised_under_any_name(shared, tmp_path, name):
    disguise = tmp_path / "weights.bin"
    shutil.copyfile(shared / "reference" / "weights" / name, disguise)
    spec = recognise(read(disguise)).spec
    architecture, scale, arguments = OFFICIAL[name]
    assert (spec.architecture, spec.scale) == (architecture, scale)
    assert arguments.items() <= spec.arguments.items()


def test_model_and_safetensors_files_hold_the_same(shared):
    folder = shared / "reference" / "weights"
    one, other = (recognise(read(folder / f"Bicubic_s2.{suffix}")) for suffix in ("model", "safetensors"))
    assert one.spec == other.spec
    assert one.state["net.weight"].dtype == torch.float32  # stored as float16
    assert torch.equal(one.state["net.weight"], other.state["net.weight"])


def fsrcnn_state():
    torch.manual_seed(0)
    return build(spec_of("fsrcnn_opencv_x3")).state_dict()


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
def test_wrappers_and_prefixes_are_seen_through(tmp_path, wrap):
    state = fsrcnn_state()
    torch.save(wrap(state), tmp_path / "x.pth")
    recognised = recognise(read(tmp_path / "x.pth"))
    assert (recognised.spec.architecture, recognised.spec.scale) == ("fsrcnn", 3)
    assert set(recognised.state) == set(state)
    assert all(torch.equal(recognised.state[key], state[key]) for key in state)


def test_what_is_no_tensor_is_named():
    state = fsrcnn_state()
    assert unwrap({**state, "epoch": 3})[1] == ("epoch",)


def test_legacy_pickles_are_read(tmp_path):
    torch.save(fsrcnn_state(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
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
def test_truncated_files_are_errors(tmp_path, save, fraction):
    path = tmp_path / "x"
    save(fsrcnn_state(), path)
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


def test_a_missing_tensor_is_named_beside_the_nearest_architecture():
    state = fsrcnn_state()
    del state["net.4.bias"]
    with pytest.raises(CheckpointError, match=r"fsrcnn.*net.4.bias \[12\] is missing"):
        recognise(state)


def test_a_damaged_file_names_the_nearest_architecture():
    state = {key: value for key, value in fsrcnn_state().items() if not key.startswith("net.0")}
    with pytest.raises(CheckpointError, match=r"not recognised. Nearest architecture: fsrcnn.*net.0.weight.*missing"):
        recognise(state)


def test_an_opencv_file_without_a_filter_is_still_called_fsrcnn():
    state = {f"{kind}{number}": torch.zeros(3) for kind in ("f", "b", "alpha") for number in range(1, 8)}
    with pytest.raises(CheckpointError, match=r"Nearest architecture: fsrcnn"):
        recognise(state)


def test_something_else_resembles_nothing():
    with pytest.raises(CheckpointError, match=r"Its 2 tensors .embedding, decoder.* resemble no network"):
        recognise({"embedding": torch.zeros(5, 5), "decoder": torch.zeros(3)})


def test_no_tensors_at_all():
    with pytest.raises(CheckpointError, match=r"holds no tensors; its entries are epoch, lr"):
        recognise({"epoch": 1, "lr": 2})


@pytest.mark.parametrize("shape", [(), (7,), (7, 1, 5, 5), (8, 1, 5, 4), (8, 2, 5, 5), (0, 1, 3, 3), (8, 1, 4, 4)])
def test_odd_shapes_are_not_recognised(shape):
    with pytest.raises(CheckpointError, match=r"not recognised"):
        recognise({"filter.weight": torch.zeros(shape)})


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(CheckpointError, match=r"filter.weight holds values that are not finite"):
        recognise({"filter.weight": torch.full((32, 1, 3, 3), torch.nan)})


def test_unknown_architecture_gets_a_suggestion():
    with pytest.raises(CheckpointError, match=r"unknown architecture 'fsrcn'. Did you mean 'fsrcnn'"):
        recognise(fsrcnn_state(), architecture="fsrcn")


def test_asking_for_another_scale_is_an_error():
    with pytest.raises(CheckpointError, match=r"not recognised as fsrcnn x4"):
        recognise(fsrcnn_state(), architecture="fsrcnn", scale=4)
