"""What the arms of the ghost studies cost, and that one can be run from its teacher to its table."""

import json
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from PIL import Image

from upres.apps.cli.main import main
from upres.lab.checkpoint import build, load, parameter_count
from upres.lab.compress.operations import compress
from upres.lab.compress.prune.operation import prune
from upres.lab.studies import ghost, table
from upres.lab.studies.study import Study
from upres.lab.subject import weigh

STUDIES = (ghost.CONVERTED, ghost.SCRATCH, ghost.OFFSETS, ghost.WIRING, ghost.DENSE, ghost.FOURFOLD)


def planes_of(network: torch.nn.Module) -> int:
    return 1 if network.color_mode == "luma" else 3


def networks(study: Study) -> dict[str, torch.nn.Module]:
    """Every arm, with weights that were never trained."""
    made = {}
    for row, recipe in zip(study.rows, study.recipes()[len(study.teachers) :], strict=False):
        network = build(recipe.spec()).eval()
        scale = recipe.spec().scale
        for options in row.compress:
            planes = planes_of(network)
            pairs = ((torch.rand(1, planes, 24, 24), torch.rand(1, planes, 24 * scale, 24 * scale)) for _ in range(2))
            network, _ = compress(network, options, pairs=pairs)
        shrink = row.stages[0].shrink
        if shrink.asked:
            network, _ = prune(network, kind=shrink.kind, share=shrink.share, width=shrink.width)
        made[row.label] = network
    return made


def test_ghosts_and_pruned_networks_have_the_same_operations():
    flops = {label: weigh(each, scale=2).flops for label, each in networks(ghost.CONVERTED).items()}
    halved = ("random", "pruned_l1", "pruned_fpgm", "pruned_taylor", "faded")
    assert {flops[label] for label in halved} == {flops["ghost"]}
    assert 0.97 < flops["aligned"] / flops["ghost"] < 1
    assert flops["separable"] < flops["ghost"] < flops["depthwise"] < flops["original"]
    assert 1 - flops["ghost"] / flops["original"] == pytest.approx(0.373, abs=0.001)


def test_the_narrow_network_is_no_cheaper_by_much():
    made = networks(ghost.SCRATCH)
    flops = {label: weigh(each, scale=2).flops for label, each in made.items()}
    assert 0.97 < flops["narrow"] / flops["ghost"] < 1
    assert parameter_count(made["ghost"]) == 121_987, "as counted for EDSR of 8 blocks and 32 channels"


@pytest.mark.parametrize(
    "study", [ghost.OFFSETS, ghost.WIRING, ghost.DENSE, ghost.FOURFOLD], ids=lambda study: study.name
)
def test_every_arm_can_be_made_and_run(study):
    for label, network in networks(study).items():
        with torch.no_grad():
            assert torch.isfinite(network(torch.rand(1, planes_of(network), 20, 24))).all(), label


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("UPRES_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    for index in range(2):
        picture = np.random.default_rng(index).integers(256, size=(96, 96, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{index}.png")
    return folder


def test_a_study_trains_its_teacher_first_and_does_not_compare_it(data, tmp_path, capsys, monkeypatch):
    rows = tuple(row for row in ghost.CONVERTED.rows if row.label in ("original", "ghost", "separable", "faded"))
    study = replace(ghost.CONVERTED, name="toy", rows=rows)
    monkeypatch.setattr(table, "STUDIES", {"toy": study})
    runs = tmp_path / "runs"
    settings = [f"--set={each}" for each in ("steps=3", "patch_size=16", "batch_size=2", "arguments.num_blocks=1")]
    command = ["train", "toy", "--data", str(data), "--out", str(runs), "--results", str(tmp_path / "toy.json")]
    assert main([*command, *settings, "--quiet", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [run["recipe"] for run in report["runs"]] == [
        "teacher_edsr_c32b8_x2", "toy-original-seed0", "toy-ghost-seed0", "toy-separable-seed0", "toy-faded-seed0",
        "toy-original-seed1", "toy-ghost-seed1",
    ]  # fmt: skip
    assert all(run["error"] is None for run in report["runs"])
    cards = {label: load(runs / f"toy-{label}-seed0" / "last.safetensors")[1] for label in ("original", "ghost")}
    assert [step["name"] for step in cards["ghost"].spec.transforms] == ["ghost"]
    assert cards["original"].training["earlier_steps"] == cards["ghost"].training["earlier_steps"] == 3
    found = {row["label"]: row for row in json.loads((tmp_path / "toy.json").read_text())["rows"]}
    assert list(found) == ["original", "ghost", "separable", "faded"]
    assert found["faded"]["flops"] == found["ghost"]["flops"]
    assert found["separable"]["flops"] < found["ghost"]["flops"] < found["original"]["flops"]
    assert found["ghost"]["parameters"] == cards["ghost"].parameters < cards["original"].parameters
    assert (found["ghost"]["spread_db"] is not None, found["separable"]["spread_db"]) == (True, None)


def test_rows_are_run_seed_by_seed():
    names = [recipe.name for recipe in islice(ghost.CONVERTED.recipes(), 1, None)]
    assert names[-3:] == ["ghost-original-seed1", "ghost-ghost-seed1", "ghost-pruned_taylor-seed1"]
    assert all(name.endswith("seed0") for name in names[:-3])
