"""What MIRNet's paper says of its parts, and what its authors' files share."""

import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.archs.mirnet import BlurDown, CatFusion, MIRNet
from upres.lab.blocks.selective import SelectiveKernelFusion
from upres.lab.foreign.recognise import recognise


def count(network):
    return sum(p.numel() for p in network.parameters())


def published(network, *, num_channels, columns):
    """A state under the names of the authors' code, every column with a copy of its row's unit."""
    state = {}
    for name, tensor in network.state_dict().items():
        parts = name.split(".")
        if parts[0] in ("head", "tail"):
            state[f"conv_{'in' if parts[0] == 'head' else 'out'}.weight"] = tensor
            continue
        group, rest = f"body.{parts[1]}.body", parts[2:]
        if rest[0] == "tail":
            state[f"{group}.{len(network.groups[0].blocks)}.weight"] = tensor
            continue
        block, kind, rest = f"{group}.{rest[1]}", rest[2], rest[3:]
        if kind == "tail":
            state[f"{block}.conv_out.weight"] = tensor
        elif kind == "units":
            inner = ".".join(rest[1:]).replace("gates.0.conv", "SA.spatial.conv")
            inner = inner.replace("gates.1.body", "CA.conv_du").replace("join", "conv1x1")
            state |= {f"{block}.blocks.{rest[0]}.{column}.{inner}": tensor.clone() for column in range(columns)}
        elif kind == "fusions":
            inner = ".".join(rest[1:]).replace("squeeze", "conv_du").replace("excite", "fcs")
            state[f"{block}.selective_kernel.{rest[0]}.{inner}"] = tensor
        else:
            side = {"body": "top", "short": "bot"}[rest[2]]
            if kind == "last_up":
                label = f"last_up.{int(rest[0]) + 1}"
            else:
                source, target = map(int, rest[0].split("_"))
                label = f"{kind}.{num_channels * 2**source}_{2 ** abs(source - target)}"
            state[f"{block}.{label}.body.{rest[1]}.{side}.{'.'.join(rest[3:])}"] = tensor
            if kind == "down":
                state[f"{block}.{label}.body.{rest[1]}.bot.0.filt"] = torch.zeros(1)
    return state


@pytest.mark.parametrize(("num_channels", "rows", "columns", "groups", "blocks"), [(8, 3, 2, 2, 1), (16, 2, 3, 1, 2)])
def test_files_of_other_shapes_are_recognised(num_channels, rows, columns, groups, blocks):
    arguments = {
        "num_channels": num_channels,
        "num_groups": groups,
        "num_blocks": blocks,
        "num_rows": rows,
        "num_columns": columns,
    }
    network = MIRNet(scale=1, **arguments).eval()
    recognised = recognise(published(network, num_channels=num_channels, columns=columns))
    assert (recognised.spec.architecture, recognised.spec.arguments) == ("mirnet", arguments)
    x = torch.rand(1, 3, 16, 20)
    with torch.no_grad():
        assert torch.equal(recognised.network()(x), network(x))


def test_columns_that_do_not_share_are_refused():
    state = published(MIRNet(scale=1, num_channels=8, num_groups=1, num_blocks=1), num_channels=8, columns=2)
    state["body.0.body.0.blocks.1.1.body.0.weight"] += 1
    with pytest.raises(CheckpointError, match=r"blocks\.1\.1\.body\.0\.weight: expected what the units"):
        recognise(state)


def test_selective_fusion_needs_six_times_fewer_parameters_than_concatenation():
    """The paper's count, at its width and three rows."""
    assert count(CatFusion(64, 3)) / count(SelectiveKernelFusion(64, 3)) == pytest.approx(6, abs=0.05)


def test_the_blur_takes_away_what_halving_would_fold():
    checkers = (torch.arange(8)[:, None] + torch.arange(8)[None, :]).remainder(2).float().expand(1, 2, 8, 8)
    torch.testing.assert_close(BlurDown(2)(checkers)[..., 1:, 1:], torch.full((1, 2, 3, 3), 0.5))


def test_one_slope_serves_all_units():
    network = MIRNet(scale=1, num_channels=8)
    assert len({unit.body[1] for group in network.groups for block in group.blocks for unit in block.units}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 2}, "expected scale 1"),
        ({"scale": 1, "task": "upscale"}, "a task that restores"),
        ({"scale": 1, "num_channels": 4}, "needs 8 maps or more, got 4"),
        ({"scale": 1, "fusion": "mean"}, "no fusion 'mean'"),
    ],
)
def test_what_it_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MIRNet(**arguments)
