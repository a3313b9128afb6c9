"""Official files and odd states: the architecture, scale and arguments that are told from tensors."""

import shutil
from typing import Any

import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import recognise

OFFICIAL: dict[str, tuple[str, int, dict[str, Any]]] = {
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


@pytest.mark.parametrize("shape", [(), (7,), (7, 1, 5, 5), (8, 1, 5, 4), (8, 2, 5, 5), (0, 1, 3, 3), (8, 1, 4, 4)])
def test_odd_shapes_are_not_recognised(shape):
    with pytest.raises(CheckpointError, match=r"not recognised"):
        recognise({"filter.weight": torch.zeros(shape)})


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(CheckpointError, match=r"filter.weight holds values that are not finite"):
        recognise({"filter.weight": torch.full((32, 1, 3, 3), torch.nan)})


def test_unknown_architecture_gets_a_suggestion(fsrcnn_state):
    with pytest.raises(CheckpointError, match=r"unknown architecture 'fsrcn'. Did you mean 'fsrcnn'"):
        recognise(fsrcnn_state, architecture="fsrcn")


def test_asking_for_another_scale_is_an_error(fsrcnn_state):
    with pytest.raises(CheckpointError, match=r"not recognised as fsrcnn x4"):
        recognise(fsrcnn_state, architecture="fsrcnn", scale=4)
