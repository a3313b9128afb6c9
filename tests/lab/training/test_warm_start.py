"""Networks that begin with other networks' weights, wider or narrower."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from upres.errors import Hint, RecipeError, UnknownModelError
from upres.lab.checkpoint import build
from upres.lab.training.outcome import Outcome
from upres.lab.training.recipe import WarmStart
from upres.lab.training.recipes import recipe_for
from upres.lab.training.warm_start import adopt, earlier_steps
from upres.models.card import ModelSpec, read_card


def _network(architecture: str, scale: int = 2, **arguments: object) -> nn.Module:
    torch.manual_seed(0)
    return build(ModelSpec(architecture=architecture, scale=scale, arguments=arguments)).eval()


def _kill(network: nn.Module, width: int, dead: list[int]) -> None:
    """Make no layer of ``width`` outputs give anything in the ``dead`` ones."""
    for name, value in network.named_parameters():
        if value.shape[0] == width:
            value.data[dead] = 0
        elif name.startswith("upsampler.") and value.shape[0] == 4 * width:
            value.data.view(width, 4, *value.shape[1:])[dead] = 0


@pytest.mark.parametrize(
    ("architecture", "wide", "narrow", "dead"),
    [
        ("rlfn", {"num_channels": 10, "mid_channels": 6, "num_blocks": 2}, {"num_channels": 8}, [2, 7]),
        ("edsr", {"num_channels": 9, "num_blocks": 2}, {"num_channels": 8}, [0]),
        (
            "rdn",
            {"num_channels": 10, "growth": 10, "num_blocks": 2, "num_layers": 3},
            {"num_channels": 9, "growth": 9},
            [4],
        ),
    ],
)
def test_a_wider_network_whose_extra_channels_are_dead_gives_the_same_function(
    architecture: str, wide: dict[str, object], narrow: dict[str, object], dead: list[int]
) -> None:
    theirs, ours = _network(architecture, **wide), _network(architecture, **{**wide, **narrow})
    width = wide["num_channels"]
    assert isinstance(width, int)
    _kill(theirs, width, dead)
    report = adopt(ours, theirs, WarmStart(narrow=True), source="wide")
    assert not report.fresh
    x = torch.rand(1, 3, 16, 18)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-4)


def test_without_narrow_a_wider_network_fills_only_what_fits() -> None:
    ours = _network("rlfn", num_channels=8, mid_channels=6, num_blocks=1)
    report = adopt(ours, _network("rlfn", num_channels=10, mid_channels=6, num_blocks=1), WarmStart(), source="wide")
    assert "blocks.0.conv2.weight" in report.taken
    assert "head.weight" in report.fresh


def test_narrowing_on_the_way_to_another_scale_leaves_the_head_fresh() -> None:
    ours = _network("rlfn", scale=3, num_channels=8, num_blocks=1)
    report = adopt(ours, _network("rlfn", num_channels=10, num_blocks=1), WarmStart(narrow=True), source="wide")
    assert set(report.fresh) == {"upsampler.0.weight", "upsampler.0.bias"}


def test_channels_that_cannot_be_matched_are_an_error_that_names_them() -> None:
    ours = _network("imdn", num_channels=14, num_blocks=1, attention_reduction=None)
    theirs = _network("imdn", num_channels=16, num_blocks=1, attention_reduction=None)
    with pytest.raises(
        RecipeError, match=r"start\.narrow: blocks\.0\.\S+ has 12 channels for 10.*name it in start\.fresh"
    ):
        adopt(ours, theirs, WarmStart(narrow=True), source="wide")


@pytest.mark.parametrize(
    ("architecture", "narrow", "wide"),
    [
        ("rlfn", {"num_channels": 8, "num_blocks": 2}, {"num_channels": 13}),
        ("edsr", {"num_channels": 6, "num_blocks": 2}, {"num_channels": 14}),
        (
            "rdn",
            {"num_channels": 9, "growth": 9, "num_blocks": 2, "num_layers": 3},
            {"num_channels": 11, "growth": 11},
        ),
    ],
)
def test_a_widened_network_begins_as_the_same_function_and_its_copies_part(
    architecture: str, narrow: dict[str, object], wide: dict[str, object]
) -> None:
    theirs, ours = _network(architecture, **narrow), _network(architecture, **{**narrow, **wide})
    report = adopt(ours, theirs, WarmStart(wide=True), source="narrow")
    assert not report.fresh
    x = torch.rand(1, 3, 16, 18)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-4)
    ours(x).square().mean().backward()
    for name, weight in ours.named_parameters():
        if weight.ndim == 4 and weight.shape[0] > 3:
            assert weight.grad is not None
            rows = weight.grad.flatten(1)
            alive = rows[rows.any(dim=1)]
            assert len(alive.unique(dim=0)) == len(alive), f"{name} has copies that learn alike"


def test_a_widened_network_that_is_another_function_is_refused() -> None:
    theirs, ours = (_network("carn", num_channels=width, groups=4) for width in (8, 12))
    with pytest.raises(RecipeError, match=r"start\.wide"):
        adopt(ours, theirs, WarmStart(wide=True), source="narrow")


def test_cards_count_the_steps_before(tmp_path: Path) -> None:
    recipe = recipe_for("esr_tm_x2")
    network = build(recipe.spec())

    def run(name: str, start: str, steps: int) -> int:
        outcome = Outcome(
            tmp_path / name, replace(recipe, start=WarmStart(model=start)), validation={"dataset": "set"}, data={}
        )
        outcome.folder.mkdir(exist_ok=True)
        for which in ("best", "last"):
            outcome.write(outcome.path(which), network, recipe.spec(), step=steps, scores={"psnr": 30.0})
        return int(read_card(outcome.path("best")).training["earlier_steps"])

    assert run("first", "", 10) == 0
    assert run("second", "first", 5) == 10
    assert run("third", "second", 2) == 15
    (tmp_path / "second" / "best.safetensors").unlink()
    assert run("third", "second", 4) == 15, "a run that goes on knows, though what it began from is gone"
    assert earlier_steps(WarmStart(model="third"), beside=tmp_path) == 19


def test_a_beginning_that_is_not_there_is_told_with_the_ways_out(tmp_path):
    with pytest.raises(UnknownModelError, match=r"begins with 'rlfn_x2', and no run beside this one") as raised:
        earlier_steps(recipe_for("rlfn_x4").start, beside=tmp_path)
    assert raised.value.hint is Hint.OTHER_START
