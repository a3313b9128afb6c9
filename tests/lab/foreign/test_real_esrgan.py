"""Files of ESRGAN and Real-ESRGAN against forwards written here: every layout, `upres import`, every engine."""

import itertools
import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from upres.apps.cli.main import main
from upres.engines.select import open_session
from upres.lab.foreign.recognise import recognise
from upres.models.catalog import find
from upres.upscaler import Upscaler

OLD_UPS = {0: (), 1: (3,), 2: (3, 6)}


def conv(state, name, outputs, inputs, generator):
    fan = 9 * inputs
    state[f"{name}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) / fan**0.5
    state[f"{name}.bias"] = torch.randn(outputs, generator=generator) / 10


def rrdb_names(layout, blocks, ups):
    """The names of one generation of the code: head, dense convolutions, trunk, enlargements, the last two."""
    if layout == "new":
        dense = "body.{}.rdb{}.conv{}"
        return "conv_first", dense, "conv_body", [f"conv_up{i + 1}" for i in range(ups)], "conv_hr", "conv_last"
    if layout == "trunk":
        dense = "RRDB_trunk.{}.RDB{}.conv{}"
        return "conv_first", dense, "trunk_conv", [f"upconv{i + 1}" for i in range(ups)], "HRconv", "conv_last"
    last = 2 + 3 * ups
    enlarge = [f"model.{at}" for at in OLD_UPS[ups]]
    return (
        "model.0",
        "model.1.sub.{}.RDB{}.conv{}.0",
        f"model.1.sub.{blocks}",
        enlarge,
        f"model.{last}",
        f"model.{last + 2}",
    )


def rrdb_state(layout, *, blocks=2, width=12, growth=5, ups=2, unshuffle=1, seed=0):
    generator, state = torch.Generator().manual_seed(seed), {}
    head, dense, trunk, enlarge, refine, tail = rrdb_names(layout, blocks, ups)
    conv(state, head, width, 3 * unshuffle**2, generator)
    for block, rdb, index in itertools.product(range(blocks), (1, 2, 3), range(1, 6)):
        outputs = growth if index < 5 else width
        conv(state, dense.format(block, rdb, index), outputs, width + (index - 1) * growth, generator)
    for name in (trunk, *enlarge, refine):
        conv(state, name, width, width, generator)
    conv(state, tail, 3, width, generator)
    return state


def rrdb_forward(state, layout, x, *, blocks=2, ups=2, unshuffle=1):
    """ESRGAN's network in plain calls of torch."""

    def run(name, features):
        return F.conv2d(features, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    head, dense, trunk, enlarge, refine, tail = rrdb_names(layout, blocks, ups)
    n, c, h, w = x.shape
    folded = x.reshape(n, c, h // unshuffle, unshuffle, w // unshuffle, unshuffle).permute(0, 1, 3, 5, 2, 4)
    first = run(head, folded.reshape(n, c * unshuffle**2, h // unshuffle, w // unshuffle))
    features = first
    for block in range(blocks):
        before = features
        for rdb in (1, 2, 3):
            seen = [features]
            for index in range(1, 6):
                made = run(dense.format(block, rdb, index), torch.cat(seen, 1))
                seen.append(F.leaky_relu(made, 0.2) if index < 5 else made)
            features = features + 0.2 * seen[-1]
        features = before + 0.2 * features
    features = first + run(trunk, features)
    for name in enlarge:
        features = F.leaky_relu(run(name, features.repeat_interleave(2, 2).repeat_interleave(2, 3)), 0.2)
    return run(tail, F.leaky_relu(run(refine, features), 0.2))


def compact_state(*, width=10, layers=3, scale=4, activation="prelu", seed=0):
    generator, state = torch.Generator().manual_seed(seed), {}
    for index in range(layers + 2):
        conv(state, f"body.{2 * index}", width if index <= layers else 3 * scale**2, width if index else 3, generator)
        if activation == "prelu" and index <= layers:
            state[f"body.{2 * index + 1}.weight"] = torch.rand(width, generator=generator) / 2
    return state


def compact_forward(state, x, *, layers=3, scale=4, slope=None):
    features = x
    for index in range(layers + 2):
        features = F.conv2d(features, state[f"body.{2 * index}.weight"], state[f"body.{2 * index}.bias"], padding=1)
        if index <= layers:
            slopes = state.get(f"body.{2 * index + 1}.weight", torch.full((features.shape[1],), slope or 0.0))
            features = torch.where(features > 0, features, features * slopes[None, :, None, None])
    return F.pixel_shuffle(features, scale) + x.repeat_interleave(scale, 2).repeat_interleave(scale, 3)


SIZES = [(scale, unshuffle) for scale, unshuffle in [(4, 1), (2, 1), (1, 1), (2, 2), (1, 4), (1, 2)]]


@pytest.mark.parametrize("layout", ["new", "trunk", "old"])
@pytest.mark.parametrize(("scale", "unshuffle"), SIZES)
@pytest.mark.parametrize("key", ["params_ema", "params", None])
def test_rrdbnet_is_told_by_its_structure(layout, scale, unshuffle, key):
    ups = (scale * unshuffle).bit_length() - 1
    state = rrdb_state(layout, ups=ups, unshuffle=unshuffle)
    recognised = recognise({key: state} if key else state)
    assert (recognised.spec.architecture, recognised.spec.scale) == ("rrdbnet", scale)
    assert recognised.spec.arguments == {
        "num_channels": 12,
        "num_grow_channels": 5,
        "num_blocks": 2,
        "unshuffle": unshuffle,
    }
    x = torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(
            recognised.network()(x), rrdb_forward(state, layout, x, ups=ups, unshuffle=unshuffle), atol=1e-5, rtol=1e-4
        )


def test_scale_three_is_asked_for():
    state = rrdb_state("old", ups=1)
    assert recognise(state).other_scales == (3,)
    spec = recognise(state, scale=3).spec
    assert (spec.architecture, spec.scale) == ("rrdbnet", 3)


@pytest.mark.parametrize(("blocks", "width", "growth"), [(6, 64, 32), (23, 64, 32), (1, 24, 8)])
def test_every_size_is_read_off_the_shapes(blocks, width, growth):
    generator = torch.Generator().manual_seed(0)
    for layout in ("new", "old"):
        names = rrdb_state(layout, blocks=blocks, width=width, growth=growth)
        spec = recognise(
            {name: torch.rand(value.shape, generator=generator) / 50 for name, value in names.items()}
        ).spec
        found = [spec.arguments[name] for name in ("num_blocks", "num_channels", "num_grow_channels")]
        assert (spec.scale, *found) == (4, blocks, width, growth)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize(("width", "layers"), [(10, 3), (64, 16), (24, 1)])
def test_the_compact_network_is_told_by_its_structure(scale, width, layers):
    state = compact_state(scale=scale, width=width, layers=layers)
    recognised = recognise({"params": state})
    assert (recognised.spec.architecture, recognised.spec.scale) == ("srvggnet_compact", scale)
    assert recognised.spec.arguments == {"num_channels": width, "num_layers": layers, "activation": "prelu"}
    x = torch.rand(1, 3, 9, 7, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = compact_forward(state, x, layers=layers, scale=scale)
        torch.testing.assert_close(recognised.network()(x), expected, atol=1e-5, rtol=1e-4)


def test_an_activation_that_leaves_no_trace_is_said_to_be_assumed():
    state = compact_state(activation="relu")
    recognised = recognise(state)
    assert recognised.spec.arguments["activation"] in ("relu", "leakyrelu")
    slope = 0.0 if recognised.spec.arguments["activation"] == "relu" else 0.1
    x = torch.rand(1, 3, 9, 7, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(
            recognised.network()(x), compact_forward(state, x, slope=slope), atol=1e-5, rtol=1e-4
        )
    assert recognised.assumed in ((), ("activation",))


FILES = {
    "rrdbnet": (lambda: rrdb_state("old"), lambda state, x: rrdb_forward(state, "old", x), 4),
    "folded": (
        lambda: rrdb_state("new", ups=2, unshuffle=2),
        lambda state, x: rrdb_forward(state, "new", x, ups=2, unshuffle=2),
        2,
    ),
    "compact": (compact_state, compact_forward, 4),
}


@pytest.fixture(scope="module", params=FILES)
def imported(request, tmp_path_factory):
    """A file of random weights, imported by the command: the model, and what it should compute."""
    make, forward, scale = FILES[request.param]
    folder, state = tmp_path_factory.mktemp("real_esrgan"), make()
    for name in state:  # an output of pixels, so that a rounding of one level is what it is in a picture
        if name.startswith(("conv_last", "model.10", "body.8")):
            state[name] = state[name] / 8
    torch.save({"params_ema": state}, folder / "net.pth")
    assert main(["import", str(folder / "net.pth"), "-o", str(folder / "net.safetensors")]) == 0
    model = find(folder / "net.safetensors")
    assert model.card.scale == scale
    return model, lambda x: forward(state, x)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", "torch"])
def test_every_engine_computes_what_torch_does(imported, engine):
    model, forward = imported
    session = open_session(model, engine=engine, precision="f32", threads=1)
    for shape in ((1, 3, 12, 16), (2, 3, 20, 10)):
        x = np.random.default_rng(2).random(shape, np.float32)
        with torch.no_grad():
            expected = forward(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(session(x), expected, atol=2e-5 * max(1, np.abs(expected).max()))


def test_windows_with_the_halo_are_the_whole_picture(imported):
    model, forward = imported
    halo, multiple = model.card.halo, model.card.multiple_of
    assert halo is not None
    side = -(-halo // multiple) * multiple + 8
    x = torch.rand(1, 3, 8, 2 * side, generator=torch.Generator().manual_seed(3))
    reach = -(-halo // multiple) * multiple
    with torch.no_grad():
        whole = forward(x)
        left = forward(x[..., : side + reach])[..., : model.card.scale * side]
    torch.testing.assert_close(left, whole[..., : model.card.scale * side], atol=1e-6, rtol=1e-5)


def test_a_picture_is_made_in_windows_under_a_limit(imported):
    model, _ = imported
    picture = np.random.default_rng(4).integers(0, 256, (90, 131, 3), np.uint8)
    options = {"model": model.weights, "engine": "onnxruntime", "threads": 1}
    whole = Upscaler(model.card.scale, **options)(picture)
    cut = Upscaler(model.card.scale, max_memory=1, **options)(picture)
    assert np.abs(whole.astype(int) - cut).max() <= 1
    assert (whole != cut).mean() < 1e-3


def test_what_keeps_the_size_is_imported_too(tmp_path, capsys):
    torch.save(rrdb_state("new", ups=2, unshuffle=4), tmp_path / "x1.pth")
    assert main(["import", str(tmp_path / "x1.pth"), "-o", str(tmp_path / "x1.safetensors"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["architecture"], report["scale"], report["arguments"]["unshuffle"]) == ("rrdbnet", 1, 4)
    card = find(tmp_path / "x1.safetensors").card
    assert (card.task, card.multiple_of) == ("enhance", 4)
