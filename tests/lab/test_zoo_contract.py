"""What every architecture of the zoo promises, checked on its smallest interesting form."""

import json
import zlib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from upres.lab.blocks.reparam import FoldableConv, fold_network
from upres.lab.checkpoint import build, describe, load, save
from upres.lab.complexity import receptive_field
from upres.lab.export.onnx import export
from upres.lab.zoo import ARCHITECTURES, MODELS, SCALES
from upres.models.card import ModelSpec

SMALL: Mapping[str, Mapping[str, Any]] = {
    "vdsr": {"num_channels": 6, "num_layers": 4},
    "edsr": {"num_channels": 8, "num_blocks": 2},
    "rdn": {"num_channels": 8, "num_blocks": 2, "num_layers": 2, "growth": 4},
    "carn": {"num_channels": 8, "groups": 4, "efficient": True, "shared": True},
    "imdn": {"num_channels": 16, "num_blocks": 2, "attention_reduction": 4},
    "rfdn": {"num_channels": 12, "num_blocks": 2, "attention": "esa", "attention_channels": 8},
    "ecbsr": {"num_blocks": 2, "num_channels": 6, "num_colors": 3},
    "rlfn": {"num_channels": 10, "mid_channels": 12, "num_blocks": 2, "esa_channels": 4, "value_range": 255.0},
    "bsrn": {"num_channels": 32, "num_blocks": 2},
    "fmen": {"num_channels": 10, "attention_channels": 8, "attention_pairs": (2, 1)},
    "efdn": {"num_channels": 12},
    "neesr": {"num_channels": 12, "distilled_channels": 4, "num_blocks": 2},
    "mobilesr": {"num_channels": 16, "num_heads": 4, "ratios": (2, 1)},
    "imdn_plus": {"num_channels": 12, "num_blocks": 2, "num_stages": 3},
    "lwfanet": {"num_channels": 32, "num_blocks": 2, "tail_channels": 8},
    "span": {"num_channels": 8, "num_blocks": 2},
    "plain": {"num_channels": 8, "num_blocks": 2},
    "rrdbnet": {"num_channels": 8, "num_grow_channels": 4, "num_blocks": 1},
    "srvggnet_compact": {"num_channels": 8, "num_layers": 3},
    "mirnet": {"num_channels": 32, "num_groups": 1, "num_blocks": 1},
    "mirnet_v2": {"num_channels": 16, "groups": [1, 4], "num_blocks": 1},
    "nafnet": {"num_channels": 4, "encoder_blocks": [1, 2], "middle_blocks": 1, "decoder_blocks": [2, 1]},
    "enlarged": {"body": "plain", "arguments": {"num_channels": 8, "num_blocks": 1, "unshuffle": 2}},
}
"""Arguments that keep an architecture's structure and leave out its bulk."""

VARIANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bsrn challenge": ("bsrn", {"num_channels": 12, "num_blocks": 2, "challenge": True}),
    "carn full": ("carn", {"num_channels": 8}),
    "ecbsr luma": ("ecbsr", {"num_blocks": 1, "num_channels": 4, "identity": True}),
    "imdn challenge": ("imdn", {"num_channels": 8, "num_blocks": 2, "attention_reduction": None, "fuse_blocks": False}),
    "rfdn paper": ("rfdn", {"num_channels": 16, "num_blocks": 2, "attention_reduction": 2}),
    "rfdn megsr": (
        "rfdn",
        {"num_channels": 8, "num_blocks": 2, "block": "imdb_r_fdc", "remaining_channels": 8, "attention": "none"},
    ),
    "ladder imdb": ("rfdn", {"num_channels": 8, "num_blocks": 1, "block": "imdb", "distillation_ratio": 0.25}),
    "ladder imdb_r": ("rfdn", {"num_channels": 8, "num_blocks": 1, "block": "imdb_r", "attention": "none"}),
    "ladder imdb_r_srb": ("rfdn", {"num_channels": 8, "num_blocks": 1, "block": "imdb_r_srb", "block_skip": True}),
    "plain gated": ("plain", {"num_channels": 8, "num_blocks": 2, "activation": "silu", "gate": "span"}),
    "plain hard gate": ("plain", {"num_channels": 8, "num_blocks": 2, "gate": "hard"}),
    "plain unshuffled": ("plain", {"num_channels": 8, "num_blocks": 1, "unshuffle": 2, "gate": "hard"}),
    "plain restoring": ("plain", {"num_channels": 8, "num_blocks": 1, "unshuffle": 2, "task": "deblock"}),
    "plain expanded": ("plain", {"num_channels": 6, "num_blocks": 1, "nearest_skip": False, "expanded": True}),
    "compact relu": ("srvggnet_compact", {"num_channels": 6, "num_layers": 2, "activation": "relu"}),
    "compact leakyrelu": ("srvggnet_compact", {"num_channels": 6, "num_layers": 2, "activation": "leakyrelu"}),
    "mirnet sum": ("mirnet", {"num_channels": 8, "num_groups": 2, "num_blocks": 1, "num_rows": 2, "fusion": "sum"}),
    "mirnet cat": ("mirnet", {"num_channels": 8, "num_groups": 1, "num_blocks": 1, "num_columns": 3, "fusion": "cat"}),
    "mirnet bare": (
        "mirnet",
        {"num_channels": 4, "num_groups": 1, "num_blocks": 1, "num_columns": 1, "attention": False, "skips": False},
    ),
    "mirnet one row": ("mirnet", {"num_channels": 8, "num_groups": 1, "num_blocks": 1, "num_rows": 1}),
    "enlarged mirnet": (
        "enlarged",
        {"body": "mirnet", "arguments": {"num_channels": 32, "num_groups": 1, "num_blocks": 1}},
    ),
    "vdsr biased": ("vdsr", {"num_channels": 4, "num_layers": 3, "bias": True}),
}

CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    **{name: (name, SMALL.get(name, {})) for name in ARCHITECTURES},
    **VARIANTS,
}
TRAINED = [name for name, (architecture, _) in CASES.items() if architecture != "bicubic_conv"]
SCALES_OF = {
    case: sorted(
        {
            spec.scale
            for spec in MODELS.values()
            if (spec.architecture, spec.arguments.get("task")) == (architecture, arguments.get("task"))
        }
    )
    for case, (architecture, arguments) in CASES.items()
}
"""The scales at which the zoo names an architecture for a task: 1 for what restores, all of `SCALES` else."""
AT_EVERY_SCALE = [(case, scale) for case, scales in SCALES_OF.items() for scale in scales]


def make(case, *, scale=None, seed=0):
    """The network of a case, at the smallest of its scales unless another is asked for."""
    torch.manual_seed(seed)
    architecture, arguments = CASES[case]
    return build(ModelSpec(architecture=architecture, scale=scale or SCALES_OF[case][0], arguments=arguments))


def odd_scale(case):
    """3, at which a mistake with factors of two shows, where the architecture has it."""
    return 3 if 3 in SCALES_OF[case] else SCALES_OF[case][0]


def fitting(network, length):
    """The next length that the network takes as a side."""
    multiple = getattr(network, "multiple_of", 1)
    return -(-length // multiple) * multiple


def picture(network, height, width, *, batch=1, seed=1):
    """Random pixels of at least this size, with sides that the network takes."""
    channels = 1 if network.color_mode == "luma" else 3
    height, width = fitting(network, height), fitting(network, width)
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed))


def disturb(network):
    """Move batch statistics and zero starts to where a mistake with them shows."""
    generator = torch.Generator().manual_seed(2)
    for buffer in network.buffers():
        if buffer.dtype.is_floating_point and buffer.dim() == 1:
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return network


LOCAL = [case for case in CASES if make(case).halo is not None]


GOLDENS = Path(__file__).with_name("zoo_goldens.json")
"""Outputs of small networks with made-up weights. ``python tests/lab/test_zoo_contract.py`` adds the cases that are not
in the file, and leaves the others: they were recorded where official weights gave the official outputs
(`archs/test_goldens.py`), which not everybody can try."""


def golden(case):
    """Count of parameters, and some values that a network with weights made from their names gives."""
    network = make(case).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            random = np.random.default_rng(zlib.crc32(name.encode()))
            if name.endswith("running_var"):
                tensor.copy_(torch.from_numpy(random.random(tensor.shape) + 0.5))
            elif name.endswith("running_mean") or name in dict(network.named_parameters()):
                spread = 1 / max(1, tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else 0.1
                tensor.copy_(torch.from_numpy(random.normal(0, spread, tensor.shape)))
        lr = torch.from_numpy(np.random.default_rng(0).random(picture(network, 19, 24).shape))
        sr = network(lr.float())[0].double()
    corners = [sr[-1, y, x].item() for y in (0, -1) for x in (0, -1)]
    values = [sr.mean().item(), sr.std().item(), *corners, sr[0, sr.shape[1] // 2, sr.shape[2] // 2].item()]
    return {"parameters": sum(p.numel() for p in network.parameters()), "values": [float(f"{v:.7g}") for v in values]}


@pytest.mark.parametrize("case", CASES)
def test_the_output_is_what_it_was(case):
    expected, got = json.loads(GOLDENS.read_text())[case], golden(case)
    assert got["parameters"] == expected["parameters"]
    scale = max(map(abs, expected["values"]))
    np.testing.assert_allclose(got["values"], expected["values"], rtol=0, atol=2e-5 * scale)


def test_every_architecture_is_tested():
    assert set(ARCHITECTURES) == {architecture for architecture, _ in CASES.values()}


@pytest.mark.parametrize("case", CASES)
def test_the_smallest_picture_is_enough(case):
    scale = odd_scale(case)
    network = make(case, scale=scale).eval()
    side = fitting(network, getattr(network, "min_size", 1))
    with torch.no_grad():
        sr = network(picture(network, side, side))
    assert sr.shape[-2:] == (scale * side, scale * side)
    assert torch.isfinite(sr).all()


@pytest.mark.parametrize(("case", "scale"), [each for each in AT_EVERY_SCALE if each[0] in TRAINED])
def test_odd_sizes_come_out_scaled_and_gradients_reach_every_parameter(case, scale):
    network = make(case, scale=scale).train()
    for parameter in network.parameters():
        if not parameter.any():  # a branch that begins with nothing keeps its gradients to itself
            torch.nn.init.constant_(parameter, 0.1)
    lr = picture(network, 17, 23, batch=2)
    sr = network(lr)
    assert sr.shape == (2, lr.shape[1], lr.shape[2] * scale, lr.shape[3] * scale)
    sr.square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert without == []
    zero = [name for name, p in network.named_parameters() if not p.grad.any()]
    # a convolution's bias does not matter in front of batch normalisation, nor does that of a softmax's keys
    assert [name for name in zero if not name.endswith("bias")] == []


@pytest.mark.parametrize("case", CASES)
def test_flat_pictures_have_finite_gradients(case):
    network = make(case)
    flat = torch.zeros_like(picture(network, 16, 16)).requires_grad_()
    network(flat).sum().backward()
    assert torch.isfinite(flat.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("case", CASES)
def test_single_precision_agrees_with_double(case):
    network = make(case).eval()
    lr = picture(network, 16, 21)
    with torch.no_grad():
        single, double = network(lr), deepcopy(network).double()(lr.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_a_checkpoint_brings_back_the_same_network(case, tmp_path):
    network = disturb(make(case)).eval()
    architecture, arguments = CASES[case]
    spec = ModelSpec(architecture=architecture, scale=SCALES_OF[case][0], arguments=arguments)
    card = describe(network, spec, name=case)
    save(tmp_path / "model.safetensors", network, card)
    loaded, read = load(tmp_path / "model.safetensors")
    lr = picture(network, 16, 18)
    with torch.no_grad():
        assert torch.equal(network(lr), loaded(lr))
    assert read.color_mode == network.color_mode
    assert read.halo == network.halo


@pytest.mark.parametrize("case", CASES)
def test_folding_changes_the_form_and_not_the_picture(case):
    network = disturb(make(case)).eval()
    foldable = any(isinstance(module, FoldableConv) for module in network.modules())
    folded = fold_network(deepcopy(network))
    assert not any(isinstance(module, FoldableConv) for module in folded.modules())
    count, folded_count = (sum(p.numel() for p in n.parameters()) for n in (network, folded))
    assert folded_count < count if foldable else folded_count == count
    lr = picture(network, 16, 18)
    with torch.no_grad():
        torch.testing.assert_close(folded(lr), network(lr), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("case", LOCAL)
def test_the_halo_is_no_wider_than_the_network_sees(case):
    network = make(case, scale=odd_scale(case)).eval()
    multiple = getattr(network, "multiple_of", 1)  # within a square of so many pixels, one reaches less far than others
    assert 2 * (network.halo - multiple) + 1 <= receptive_field(network) <= 2 * network.halo + 1


@pytest.mark.parametrize(("case", "scale"), [each for each in AT_EVERY_SCALE if each[0] in LOCAL])
def test_a_tile_with_its_halo_equals_the_whole(case, scale):
    network = make(case, scale=scale).eval().double()
    halo = fitting(network, network.halo)
    side = halo + fitting(network, 9)
    lr = picture(network, 2, 2 * side).double()
    with torch.no_grad():
        whole = network(lr)
        left = network(lr[..., : side + halo])[..., : scale * side]
        right = network(lr[..., side - halo :])[..., scale * halo :]
    torch.testing.assert_close(torch.cat((left, right), dim=-1), whole, atol=1e-11, rtol=1e-9)


def test_names_of_what_enlarges_say_the_scale_and_every_scale_is_there():
    enlarging = {name: spec for name, spec in MODELS.items() if spec.scale > 1}
    assert all(name.endswith(f"_x{spec.scale}") for name, spec in enlarging.items())
    assert {(name[:-3], scale) for name in enlarging for scale in SCALES} == {
        (name[:-3], spec.scale) for name, spec in enlarging.items()
    }


@pytest.mark.parametrize("name", [name for name, spec in MODELS.items() if spec.scale in (1, 3)])
def test_every_named_model_can_be_built(name):
    with torch.device("meta"):
        network = build(MODELS[name])
    assert all(p.is_meta for p in network.parameters())
    assert network.color_mode in ("luma", "rgb")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_onnx_with_free_sizes_equals_torch(case, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = make(case, scale=odd_scale(case)).eval()
    export(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    for height, width in ((17, 23), (32, 20)):
        lr = picture(network, height, width)
        with torch.no_grad():
            expected = network(lr).numpy()
        (found,) = session.run(None, {"input": lr.numpy()})
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max(), rtol=1e-4)


if __name__ == "__main__":
    held = json.loads(GOLDENS.read_text())
    GOLDENS.write_text(json.dumps({case: held.get(case) or golden(case) for case in CASES}, indent=1) + "\n")
