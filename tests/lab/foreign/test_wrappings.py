"""What training code leaves around weights, and what only looks like weights: one network, or one line."""

import argparse
import pickle
import re
import subprocess
import sys
import time
import warnings
import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.checkpoint import build
from upres.lab.foreign import bounds
from upres.lab.foreign.convert import convert
from upres.lab.foreign.own import own_specs
from upres.lab.foreign.read import read, unwrap
from upres.lab.foreign.recognise import recognise
from upres.lab.zoo import MODELS
from upres.models.card import ModelSpec


def prefixed(state, prefix):
    return {f"{prefix}.{key}": value for key, value in state.items()}


DISCRIMINATOR = {
    "conv0.weight": torch.zeros(64, 3, 3, 3),
    "conv0.bias": torch.zeros(64),
    "linear.weight": torch.zeros(1),
}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"params": state, "best_psnr": np.float64(31.4), "epoch": np.int64(7)},
        lambda state: {"params": state, "means": np.zeros((2, 3), np.float32), "ok": np.bool_(True)},
        lambda state: {"n_averaged": torch.tensor(5), **prefixed(state, "module")},
        lambda state: {"model": {"n_averaged": torch.tensor(5), **prefixed(state, "module.model")}},
        lambda state: {"state_dict": {**prefixed(state, "generator"), **prefixed(DISCRIMINATOR, "discriminator")}},
        lambda state: {"state_dict": {**prefixed(DISCRIMINATOR, "net_d"), **prefixed(state, "net_g.module")}},
        lambda state: {
            **prefixed({key: value + 1 for key, value in state.items()}, "model"),
            **prefixed(state, "model_ema"),
        },
        lambda state: {**state, "total_ops": torch.zeros(1), "net.0.total_params": torch.zeros(1)},
        lambda state: {"state_dict": prefixed(prefixed(state, "net"), "module"), "hyper_parameters": {"lr": 1e-4}},
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_what_lies_around_weights_is_seen_through(tmp_path, wrap, zipped, fsrcnn_state):
    torch.save(wrap(fsrcnn_state), tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    recognised = recognise(read(tmp_path / "x.pth"))
    assert (recognised.spec.architecture, recognised.spec.scale) == ("fsrcnn", 3)
    assert set(recognised.state) == set(fsrcnn_state)
    assert all(torch.equal(recognised.state[key], fsrcnn_state[key]) for key in fsrcnn_state)


def test_numbers_of_numpy_run_nothing_of_numpy(tmp_path, monkeypatch):
    torch.save({"w": torch.zeros(2), "lr": np.float64(0.1), "a": np.arange(3)}, tmp_path / "x.pth")
    content = read(tmp_path / "x.pth")
    assert type(content["lr"]) is type(content["a"]) is bounds.Aside
    assert unwrap(content)[1] == ("lr", "a")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "x.pth", weights_only=True)  # nothing stays allowed behind us


def test_other_networks_in_the_file_are_remarked_on(tmp_path, fsrcnn_state):
    torch.save({**prefixed(fsrcnn_state, "g"), **prefixed(DISCRIMINATOR, "d")}, tmp_path / "x.pth")
    result = convert(tmp_path / "x.pth", tmp_path / "y.safetensors", with_graph=False)
    assert result.remarks == (
        "left out tensors of something else in the file: d.conv0.weight, d.conv0.bias, d.linear.weight",
    )


def test_a_single_tensor_beside_others_is_no_network():
    state = {"encoder.filter.weight": torch.rand(32, 1, 5, 5), "decoder.weight": torch.rand(7, 7)}
    with pytest.raises(CheckpointError, match="not recognised"):
        recognise(state)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model": {"a": torch.ones(2)}, "args": argparse.Namespace(lr=1)}, "argparse.Namespace"),
        ({"a": torch.ones(2), "args": argparse.Namespace(lr=1)}, "argparse.Namespace"),
    ],
)
def test_the_line_that_strips_a_class_works(tmp_path, content, named):
    path = tmp_path / "x.pth"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=f"refused, nothing was run: loading it would call {named}") as raised:
        read(path)
    line = re.search(r'python -c "(.*)"$', str(raised.value))[1]
    subprocess.run([sys.executable, "-c", line], cwd=tmp_path, check=True)
    assert torch.equal(unwrap(read(tmp_path / "plain.pth"))[0]["a"], torch.ones(2))


def test_the_line_that_strips_torchscript_works(tmp_path):
    network = torch.nn.Sequential(OrderedDict(filter=torch.nn.Conv2d(1, 8, 3)))
    path = tmp_path / "x.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is going away
        torch.jit.script(network).save(str(path))
    with pytest.raises(CheckpointError, match="a TorchScript program, not weights alone") as raised:
        read(path)
    line = re.search(r'python -c "(.*)"$', str(raised.value))[1]
    subprocess.run([sys.executable, "-W", "ignore", "-c", line], cwd=tmp_path, check=True)
    assert set(read(tmp_path / "plain.pth")) == {"filter.weight", "filter.bias"}


def test_functions_come_without_advice(tmp_path):
    import os

    class Evil:
        def __reduce__(self):
            return os.getenv, ("HOME",)

    torch.save({"a": Evil()}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=r"would call os\.getenv") as raised:
        read(tmp_path / "x.pth")
    assert "python -c" not in str(raised.value)


def _holding_itself():
    content: dict[str, Any] = {"epoch": 1}
    content["model"] = content
    return content


def _nested(depth):
    content: dict[str, Any] = {"w": torch.zeros(2)}
    for _ in range(depth):
        content = {"model": content}
    return content


WEIGHT = torch.rand(32, 1, 5, 5)
ODD = {
    "no values": (lambda: {"filter.weight": torch.empty(32, 1, 5, 5, device="meta")}, "has a shape and no values"),
    "sparse": (lambda: {"filter.weight": WEIGHT.to_sparse()}, "is sparse"),
    "complex": (lambda: {"filter.weight": WEIGHT.to(torch.complex64)}, "complex numbers"),
    "a row of stride 0": (
        lambda: {"filter.weight": torch.ones(1, 1, 1, 1).expand(2**21, 1, 32, 32)},
        "repeats 4 bytes",
    ),
    "half of stride 0": (
        lambda: {"filter.weight": torch.ones(1, 1, dtype=torch.half).expand(2**15, 2**15)},
        "repeats 2 b",
    ),
    "stride 0 in one direction": (lambda: {"filter.weight": torch.ones(32, 1, 1, 5).expand(32, 1, 5000, 5)}, "repeats"),
    "views of one storage": (lambda: dict.fromkeys((f"w{i}" for i in range(99)), WEIGHT), "lie over each other"),
    "itself": (_holding_itself, "hold each other|no tensors"),
    "deep": (lambda: _nested(200), "hold each other|no tensors"),
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_plain_tensor_is_told(tmp_path, case):
    make, message = ODD[case]
    torch.save(make(), tmp_path / "x.pth")
    assert (tmp_path / "x.pth").stat().st_size < 100_000
    with pytest.raises(CheckpointError, match=message) as raised:
        recognise(read(tmp_path / "x.pth"))
    assert str(raised.value).isprintable()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_quantised_tensors_are_told():
    with pytest.raises(CheckpointError, match=r"filter\.weight is quantised"):
        recognise({"filter.weight": torch.quantize_per_tensor(WEIGHT, 0.1, 10, torch.quint8)})


def test_tied_weights_are_no_fault():
    weight = torch.rand(4, 4)
    assert set(unwrap({"a": weight, "b": weight, "c": weight[:2]})[0]) == {"a", "b", "c"}


@pytest.mark.parametrize("record", ["data.pkl", "data/0"])
def test_compressed_archives_are_refused_unread(tmp_path, record):
    torch.save({"filter.weight": torch.zeros(2_000_000)}, tmp_path / "x.pth")
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(tmp_path / "x.pth") as source, zipfile.ZipFile(bomb, "w") as target:
        for entry in source.infolist():
            packed = zipfile.ZIP_DEFLATED if entry.filename.endswith(record) else zipfile.ZIP_STORED
            target.writestr(entry.filename, source.read(entry), compress_type=packed)
    with pytest.raises(CheckpointError, match="refused: its records are compressed"):
        read(bomb)


def test_archives_whose_records_lie_over_each_other_are_refused(tmp_path):
    torch.save({"filter.weight": torch.zeros(200_000)}, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "x.pth", "a") as archive:
        entry = next(each for each in archive.infolist() if each.filename.endswith("data/0"))
        for index in range(1, 9):
            twin = zipfile.ZipInfo(entry.filename[:-1] + str(index))
            for name in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(twin, name, getattr(entry, name))
            archive.filelist.append(twin)
        setattr(archive, "_didModify", True)  # noqa: B010  # that its directory be written anew
    with pytest.raises(CheckpointError, match="lie over each other"):
        read(tmp_path / "x.pth")


def test_tensors_without_end_take_no_time(tmp_path):
    start = time.process_time()
    state = {f"layer{i}.weight": torch.zeros(1) for i in range(30_000)}
    with pytest.raises(CheckpointError, match="holds 30,000 tensors"):
        recognise(state)
    assert time.process_time() - start < 10


def test_wide_readings_are_not_tried():
    start = time.process_time()
    with pytest.raises(CheckpointError, match=r"not recognised|does not fit"):
        recognise({"filter.weight": torch.zeros(2**18, 1, 1, 1)})
    assert time.process_time() - start < 20


@pytest.mark.parametrize("name", ["a\nb\x1b[31mRED", "\x07" * 9, "n" * 100_000, "\u202e" + "x" * 90])
def test_names_are_escaped_and_cut(tmp_path, name):
    torch.save({name: torch.zeros(3), **{f"{name}{i}": torch.zeros(1) for i in range(9)}}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match="not recognised") as raised:
        convert(tmp_path / "x.pth", tmp_path / "y.safetensors")
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1100


def test_every_wrapping_holds_for_what_is_remarked(tmp_path, fsrcnn_state):
    torch.save({**fsrcnn_state, **{f"\x1b[31m{i}": "text" for i in range(40)}}, tmp_path / "x.pth")
    (remark,) = convert(tmp_path / "x.pth", tmp_path / "y.safetensors", with_graph=False).remarks
    assert remark.startswith("left out what is no tensor: \\x1b[31m0, ")
    assert remark.endswith(" and 32 more")


SAME_TENSORS = ("bicubic_conv", "esr_", "fsrcnn", "espcn", "vdsr", "enlarged_", "ladder_imdb_x")
"""Networks whose scale, family or activations no tensor tells: a trial of trained ones does. The ladder's first rung is
IMDN itself."""


@pytest.mark.parametrize("name", [name for name, spec in MODELS.items() if spec.scale in (1, 3, 4)])
def test_plain_states_of_our_classes_are_recognised(name):
    spec = MODELS[name]
    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in build(spec).state_dict().items()}
    for architecture, scale in ((None, None), (spec.architecture, spec.scale)):
        (found, *_) = own_specs(shapes, architecture=architecture, scale=scale)
        expected = {key: tuple(value.shape) for key, value in _meta(found).state_dict().items()}
        assert expected == shapes
        if not name.startswith(SAME_TENSORS) or scale is not None:
            assert (found.architecture, found.scale) == (spec.architecture, spec.scale)


def _meta(spec):
    with torch.device("meta"):
        return build(spec)


@pytest.mark.parametrize(
    ("architecture", "scale", "arguments"),
    [
        ("edsr", 2, {"num_channels": 16, "num_blocks": 2, "residual_scale": 1.0}),
        ("rdn", 3, {"num_channels": 24, "num_blocks": 3, "num_layers": 5, "growth": 16}),
        ("rlfn", 4, {"num_channels": 20, "mid_channels": 24, "num_blocks": 3, "esa_channels": 8}),
        ("imdn", 2, {"num_channels": 32, "num_blocks": 5}),
        ("plain", 2, {"num_channels": 24, "num_blocks": 5, "gate": "hard"}),
        ("plain", 1, {"num_channels": 24, "num_blocks": 5, "gate": "hard", "unshuffle": 2, "task": "denoise"}),
        ("span", 4, {"num_channels": 20, "num_blocks": 4}),
        ("ecbsr", 3, {"num_blocks": 6, "num_channels": 12}),
    ],
)
def test_our_classes_are_recognised_at_any_size(architecture, scale, arguments):
    torch.manual_seed(0)
    network = build(ModelSpec(architecture=architecture, scale=scale, arguments=arguments)).eval()
    recognised = recognise({"params": network.state_dict()})
    assert (recognised.spec.architecture, recognised.spec.scale) == (architecture, scale)
    lr = torch.rand(1, 1 if network.color_mode == "luma" else 3, 16, 18)
    with torch.no_grad():
        assert torch.equal(recognised.network()(lr), network(lr))
