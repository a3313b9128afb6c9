"""What the arms of the studies on restoration are, and what judges them."""

import pytest

from upres.apps.cli.main import main
from upres.errors import RecipeError
from upres.lab.checkpoint import build, describe, save
from upres.lab.studies import restoration
from upres.lab.studies.run import require_validation
from upres.lab.studies.speed import latency_ms
from upres.lab.studies.study import Study
from upres.lab.subject import weigh
from upres.models.card import ModelSpec


def flops_a_pixel(study: Study) -> dict[str, float]:
    networks = {
        row.label: build(recipe.spec()).eval() for row, recipe in zip(study.rows, study.recipes(), strict=False)
    }
    return {label: weigh(network, scale=1).flops / (1280 * 720) for label, network in networks.items()}


def test_restorers_have_about_as_many_operations():
    flops = flops_a_pixel(restoration.RESTORERS)
    assert flops["mirnet"] == pytest.approx(78.6e3, rel=0.02)
    assert all(0.9 < each / flops["mirnet"] < 1.1 for each in flops.values())


def test_arms_of_the_ablation_differ_from_the_full_network_in_one_argument():
    full, *others = restoration.ABLATION.rows
    for row in others:
        assert row.against == "full"
        assert len(row.arguments.items() - full.arguments.items()) == 1
        assert row.stages == full.stages


def test_only_the_noise_differs_where_noise_is_compared():
    gaussian, sensor, mix = restoration.NOISE_MODELS.rows
    assert len({row.stages[0].degradation for row in (gaussian, sensor, mix)}) == 3
    assert gaussian.model == sensor.model == mix.model
    assert gaussian.arguments == sensor.arguments == mix.arguments


def test_networks_that_learn_from_different_faults_are_judged_by_one_set(tmp_path, capsys):
    study = restoration.NOISE_MODELS
    require_validation([study, restoration.ABLATION], tmp_path / "PolyU50")
    for other in (None, tmp_path / "CID22val" / "HR"):
        with pytest.raises(RecipeError, match=r"noise_models: .* judged by PolyU50; name its folder"):
            require_validation([study], other)
    assert main(["train", study.name, "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "judged by PolyU50" in capsys.readouterr().err


def test_networks_that_take_multiples_alone_are_timed_on_the_next_larger_picture(tmp_path):
    arguments = {"num_channels": 4, "encoder_blocks": [1, 1], "middle_blocks": 1, "decoder_blocks": [1, 1]}
    spec = ModelSpec(architecture="nafnet", scale=1, arguments=arguments)
    network = build(spec)
    assert network.multiple_of == 4
    save(tmp_path / "a.safetensors", network, describe(network, spec, name="a"))
    times = latency_ms({"a": tmp_path / "a.safetensors"}, height=18, width=30, rounds=1)
    assert times["a"] > 0
