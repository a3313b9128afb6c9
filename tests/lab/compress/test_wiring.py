"""Channels that hang together, architecture by architecture, and as torch-pruning finds them."""

from collections import defaultdict
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.lab.compress.networks import SMALL
from upres.lab.archs.ecbsr import ECBSR
from upres.lab.archs.edsr import EDSR
from upres.lab.archs.plain import PlainSR
from upres.lab.compress.ghost.convert import convert
from upres.lab.compress.wiring import Wiring, wiring_of


def writers(wiring: Wiring) -> dict[frozenset[str], set[int]]:
    """The convolutions that write the same classes, and these classes."""
    by_class: dict[int, set[str]] = defaultdict(set)
    for name, classes in wiring.outputs.items():
        for number in classes:
            by_class[number].add(name)
    result: dict[frozenset[str], set[int]] = defaultdict(set)
    for number, names in by_class.items():
        result[frozenset(names)].add(number)
    return dict(result)


def test_edsr_has_one_stream_and_a_private_width_a_block() -> None:
    wiring = wiring_of(SMALL["edsr"])
    assert wiring.private == {f"blocks.{i}.conv1": f"blocks.{i}.conv2" for i in range(2)}
    stream = frozenset({"head", "blocks.0.conv2", "blocks.1.conv2", "body_conv"})
    found = writers(wiring)
    assert len(found[stream]) == 8
    alone = ("blocks.0.conv1", "blocks.1.conv1", "upsampler.0", "upsampler.2", "tail")
    assert set(found) == {stream, *(frozenset({name}) for name in alone)}
    assert wiring.inputs["blocks.1.conv1"] == wiring.outputs["head"] == wiring.inputs["upsampler.0"]
    assert wiring.inputs["blocks.1.conv2"] == wiring.outputs["blocks.1.conv1"]


def test_the_picture_is_fixed_at_both_ends_and_each_of_its_channels_apart() -> None:
    wiring = wiring_of(SMALL["edsr"])
    assert len(set(wiring.inputs["head"])) == len(set(wiring.outputs["tail"])) == 3
    assert wiring.fixed == {*wiring.inputs["head"], *wiring.outputs["tail"]}
    light = wiring_of(SMALL["rlfn"])
    assert set(light.outputs["upsampler.0"]) <= light.fixed


def test_a_pixel_shuffle_makes_sets_of_neighbours() -> None:
    wiring = wiring_of(SMALL["edsr"])
    classes = wiring.outputs["upsampler.0"]
    assert len(classes) == 32
    assert [classes[i] for i in range(0, 32, 4)] == list(wiring.inputs["upsampler.2"])
    assert all(len(set(classes[i : i + 4])) == 1 for i in range(0, 32, 4))


def test_vdsr_is_a_chain() -> None:
    wiring = wiring_of(SMALL["vdsr"])
    assert wiring.private == {f"body.{2 * i}": f"body.{2 * i + 2}" for i in range(4)}
    assert set(wiring.inputs["body.0"]) | set(wiring.outputs["body.8"]) == wiring.fixed


def test_rdn_reads_what_each_dense_layer_made_at_its_place() -> None:
    wiring = wiring_of(SMALL["rdn"])
    first, second = (wiring.outputs[f"blocks.0.layers.{i}"] for i in range(2))
    stream = wiring.outputs["second"]
    assert wiring.inputs["blocks.0.layers.2"] == (*stream, *first, *second)
    assert wiring.outputs["blocks.0.fusion"] == stream
    assert wiring.inputs["fusion.0"] == (*stream, *stream)
    assert wiring.private == {"fusion.0": "fusion.1"}


def test_carn_joins_what_a_cascade_adds_and_concatenates() -> None:
    wiring = wiring_of(SMALL["carn"])
    block, fusion = "body.blocks.0.blocks.{}.body.{}", "body.blocks.0.fusions.{}.0"
    assert wiring.outputs[block.format(0, 2)] == wiring.outputs["head"]
    assert wiring.outputs[block.format(1, 2)] == wiring.outputs[fusion.format(0)]
    assert wiring.inputs[fusion.format(1)] == (
        *wiring.outputs["head"],
        *wiring.outputs[block.format(0, 2)],
        *wiring.outputs[block.format(1, 2)],
    )
    assert wiring.private[block.format(0, 0)] == block.format(0, 2)


def test_carn_m_shares_a_block_and_keeps_its_groups_equal() -> None:
    wiring = wiring_of(SMALL["carn_m"])
    block = "body.blocks.0.blocks.0.body.{}"
    for conv in (0, 2):
        classes = wiring.outputs[block.format(conv)]
        assert classes[:2] == classes[2:4] == classes[4:6] == classes[6:]
        assert len(set(classes)) == 2
    assert wiring.private[block.format(0)] == block.format(2)
    assert wiring.private[block.format(2)] == block.format(4)
    fusions = [f"body.blocks.0.fusions.{place}.0" for place in range(2)]
    together = [wiring.outputs[name] for name in ("head", block.format(4), *fusions)]
    assert len(set(together)) == 1  # the one block stands at all three places
    assert wiring.axes[f"{block.format(0)}.weight"][1] == wiring.outputs["head"][:2]


def test_imdn_splits_what_the_code_counts() -> None:
    wiring = wiring_of(SMALL["imdn"])
    stage, attention = wiring.outputs["blocks.0.stages.0"], wiring.outputs["blocks.0.attention.gate.2"]
    assert stage[4:] == wiring.inputs["blocks.0.stages.1"]
    assert stage[:4] == wiring.inputs["blocks.0.fusion"][:4] == attention[:4]
    assert set(stage) <= wiring.counted
    assert not set(wiring.outputs["blocks.0.last"]) & (wiring.counted | wiring.fixed)
    assert wiring.outputs["blocks.0.fusion"] == wiring.outputs["head"]
    gates = {f"blocks.{i}.attention.gate.0": f"blocks.{i}.attention.gate.2" for i in range(2)}
    assert wiring.private == gates | {"fusion.0": "body_conv"}


def test_rfdn_weighs_the_stream_by_attention() -> None:
    wiring = wiring_of(SMALL["e_rfdn"])
    excite = wiring.outputs["blocks.0.attention.excite"]
    assert excite == wiring.outputs["blocks.0.fusion"] == wiring.outputs["blocks.1.remaining.0"]
    narrow = wiring.outputs["blocks.0.attention.skip"]
    assert narrow == wiring.inputs["blocks.0.attention.excite"] == wiring.outputs["blocks.0.attention.convs.4"]
    assert wiring.inputs["blocks.0.attention.stride"] == wiring.outputs["blocks.0.attention.squeeze"]
    assert len(wiring_of(SMALL["rfdn"]).inputs["fusion.0"]) == 24


def test_rlfn_adds_within_a_block_and_not_beyond() -> None:
    wiring = wiring_of(SMALL["rlfn"])
    assert wiring.outputs["blocks.0.conv3"] == wiring.outputs["head"] == wiring.outputs["body_conv"]
    assert wiring.outputs["blocks.0.fusion"] == wiring.outputs["blocks.1.conv3"]
    assert not set(wiring.outputs["blocks.0.fusion"]) & set(wiring.outputs["head"])
    assert wiring.private["blocks.0.conv1"] == "blocks.0.conv2"
    assert "blocks.0.conv3" not in wiring.private


def test_span_shows_the_last_block_s_first_activation_to_the_fusion() -> None:
    wiring = wiring_of(SMALL["span"])
    assert wiring.private == {"fusion": "upsampler.0"}  # SiLU is not among the activations that may stand between
    assert wiring.inputs["fusion"] == (
        *wiring.outputs["head"],
        *wiring.outputs["body_conv"],
        *wiring.outputs["blocks.0.conv3"],
        *wiring.outputs["blocks.2.conv1"],
    )


@pytest.mark.parametrize("gate", ["none", "hard"])
def test_plain_is_private_within_a_block(gate: Any) -> None:
    wiring = wiring_of(PlainSR(scale=2, num_channels=8, num_blocks=1, gate=gate))
    assert wiring.private == {"blocks.0.conv1": "blocks.0.conv2", "blocks.0.conv2": "blocks.0.conv3"}
    assert wiring.outputs["blocks.0.conv3"] == wiring.outputs["head"]


def test_ecbsr_takes_the_slopes_along() -> None:
    wiring = wiring_of(SMALL["ecbsr"])
    assert wiring.axes["body.1.weight"] == (wiring.outputs["body.0"],)
    assert wiring.private["body.0"] == "body.2"


def test_expanded_blocks_are_followed_branch_by_branch() -> None:
    wiring = wiring_of(ECBSR(scale=2, num_channels=8, num_blocks=1))
    made = wiring.outputs["body.0.conv"]
    assert made == wiring.outputs["body.0.expanded.conv"] == wiring.outputs["body.0.sobel_x.point"]
    assert wiring.axes["body.0.sobel_x.gain"] == (made, None, None, None)
    assert wiring.axes["body.0.sobel_x.bias"] == (made,)
    assert wiring.private["body.0.expanded.point"] == "body.0.expanded.conv"


def test_rrdbnet_has_one_stream_and_dense_layers() -> None:
    wiring = wiring_of(SMALL["rrdbnet"])
    dense = "blocks.0.dense.1.convs.{}"
    assert wiring.inputs[dense.format(2)] == (
        *wiring.outputs["head"],
        *wiring.outputs[dense.format(0)],
        *wiring.outputs[dense.format(1)],
    )
    assert wiring.outputs[dense.format(4)] == wiring.outputs["head"]
    assert wiring.private == {"enlarge.0": "refine", "refine": "tail"}


def test_a_depthwise_convolution_passes_its_channels_on() -> None:
    network = nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.ReLU(), nn.Conv2d(6, 3, 1))
    network.color_mode = "rgb"  # type: ignore[assignment]
    wiring = wiring_of(network)
    assert wiring.outputs["0"] == wiring.outputs["1"] == wiring.inputs["3"]
    assert wiring.axes["1.weight"] == (wiring.outputs["1"], None, None, None)


def test_ghosts_are_copies_and_counted_by_their_layer() -> None:
    network, _ = convert(EDSR(scale=2, num_channels=8, num_blocks=1), share=0.5)
    wiring = wiring_of(network)
    made = wiring.outputs["blocks.0.conv1.primary"]
    assert len(made) == 4
    assert sorted(set(wiring.inputs["blocks.0.conv2.primary"])) == sorted(set(made))
    assert set(made) <= wiring.counted


class _Softmax(nn.Module):
    color_mode = "rgb"

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.second(torch.softmax(self.first(x), dim=1))
        return result


def test_what_is_unknown_holds_its_channels_fast() -> None:
    network = _Softmax()
    wiring = wiring_of(network)
    assert set(wiring.outputs["first"]) <= wiring.fixed
    assert set(wiring.inputs["second"]) <= wiring.fixed
    assert wiring.private == {}


def test_a_mask_of_one_channel_ties_nothing_together() -> None:
    class Masked(_Softmax):
        def __init__(self) -> None:
            super().__init__()
            self.mask = nn.Conv2d(4, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            maps = self.first(x)
            result: Tensor = self.second(torch.sigmoid(self.mask(maps)) * maps)
            return result

    wiring = wiring_of(Masked())
    assert len(set(wiring.outputs["first"]) - wiring.fixed) == 4
    assert wiring.outputs["first"] == wiring.inputs["second"] == wiring.inputs["mask"]
    assert set(wiring.outputs["mask"]) <= wiring.fixed


def test_a_result_that_two_read_is_not_private() -> None:
    class Forked(_Softmax):
        def forward(self, x: Tensor) -> Tensor:
            narrow = torch.relu(self.first(x))
            result: Tensor = self.second(narrow) + narrow.mean(1, keepdim=True)
            return result

    assert wiring_of(Forked()).private == {}


def test_the_network_is_left_as_it_was() -> None:
    network = SMALL["plain"].train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    wiring_of(network)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.skipif(find_spec("torch_pruning") is None, reason="torch-pruning, of the dev extra, is not installed")
@pytest.mark.filterwarnings("ignore")  # its own, of old interfaces of torch
@pytest.mark.parametrize(
    "name", ["edsr", "vdsr", "rdn", "carn", "rfdn", "e_rfdn", "rlfn", "span", "plain", "rrdbnet", "carn_m", "ecbsr"]
)
def test_torch_pruning_finds_the_same_groups(name: str) -> None:
    import torch_pruning as tp

    network = SMALL[name].eval()
    names = {module: path for path, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    ignored = [m for m, path in names.items() if "upsampler" in path or path in {"tail", "body.8"}]
    picture = torch.rand(1, 1 if network.color_mode == "luma" else 3, 16, 16)
    graph: Any = tp.DependencyGraph().build_dependency(network, example_inputs=picture)
    theirs = {
        frozenset(
            names[dependency.target.module]
            for dependency, _ in group
            if dependency.handler == tp.prune_conv_out_channels
        )
        for group in graph.get_all_groups(ignored_layers=ignored, root_module_types=[nn.Conv2d])
    }
    wiring = wiring_of(network)
    ours = {layers for layers, classes in writers(wiring).items() if not any(names[m] in layers for m in ignored)}
    assert ours == theirs
