"""Checkpoints: what was saved is loaded, strictly, and the header says what it is."""

import json
import stat

import pytest
import torch
from safetensors.torch import load_file, save_file

from upres.errors import CheckpointError, UnknownModelError
from upres.lab import checkpoint
from upres.lab.zoo import ARCHITECTURES, MODELS
from upres.models.card import HEADER_KEY, ModelSpec, read_card
from upres.models.catalog import find

SPEC = ModelSpec(architecture="esr_tm", scale=3, arguments={"kernel_size": 3, "num_channels": 2})


@pytest.fixture
def saved(tmp_path):
    network = checkpoint.build(SPEC).eval()
    card = checkpoint.describe(network, SPEC, name="tm", licence="Apache-2.0", training={"steps": 3})
    path = tmp_path / "tm.safetensors"
    checkpoint.save(path, network, card)
    return path, network


def test_the_header_says_what_the_network_is(saved):
    path, _ = saved
    card = read_card(path)
    assert (card.name, card.spec, card.color_mode) == ("tm", SPEC, "luma")
    assert (card.parameters, card.halo, card.licence) == (2 * 9 * 2 * 9, 1, "Apache-2.0")
    assert card.training == {"steps": 3}


def test_load_brings_back_equal_outputs_in_evaluation_mode(saved):
    path, network = saved
    loaded, _ = checkpoint.load(path)
    assert not loaded.training
    lr = torch.rand(1, 1, 5, 7)
    assert torch.equal(loaded(lr), network(lr))


def test_save_takes_count_halo_and_colour_from_the_network(saved, tmp_path):
    path, network = saved
    wrong = read_card(path).to_dict() | {"parameters": 1, "halo": 99, "color_mode": "rgb"}
    written = checkpoint.save(tmp_path / "b.safetensors", network, type(read_card(path)).from_dict(wrong))
    assert (written.parameters, written.halo, written.color_mode) == (324, 1, "luma")
    assert read_card(tmp_path / "b.safetensors") == written


def test_the_catalogue_finds_a_saved_model(saved):
    path, _ = saved
    assert find(path).card.name == "tm"


def test_a_saved_file_can_be_read_by_others(saved):
    path, _ = saved
    assert path.stat().st_mode & stat.S_IRUSR
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_interrupted_save_leaves_the_old_file(saved, monkeypatch):
    path, network = saved
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(CheckpointError, match=r"cannot be written.*No space left"):
        checkpoint.save(path, network, read_card(path))
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_saving_into_a_missing_folder_is_an_error(saved, tmp_path):
    path, network = saved
    with pytest.raises(CheckpointError, match=r"nowhere.*cannot be written"):
        checkpoint.save(tmp_path / "nowhere" / "x.safetensors", network, read_card(path))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda state: state.pop("filter.weight"), r"filter.weight \[36, 1, 3, 3\] is missing"),
        (lambda state: state.update(extra=torch.zeros(2)), r"extra \[2\] is unknown"),
        (
            lambda state: state.update({"filter.weight": torch.zeros(36, 1, 5, 5)}),
            r"filter.weight is \[36, 1, 5, 5\], expected \[36, 1, 3, 3\]",
        ),
        (lambda state: state["filter.weight"].fill_(torch.nan), "filter.weight holds values that are not finite"),
    ],
)
def test_load_is_strict(saved, damage, message):
    path, _ = saved
    state = load_file(path)
    damage(state)
    save_file(state or {"nothing": torch.zeros(1)}, path, metadata=read_card(path).to_header())
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(path)


def test_a_header_of_another_version_is_refused(saved):
    path, _ = saved
    card = read_card(path).to_dict() | {"shininess": 3}
    save_file(load_file(path), path, metadata={HEADER_KEY: json.dumps(card)})
    with pytest.raises(CheckpointError, match=r"shininess"):
        checkpoint.load(path)


def test_build_names_the_nearest_architecture():
    with pytest.raises(CheckpointError, match=r"unknown architecture 'esr_tn'. Did you mean 'esr_tr'|'esr_tm'"):
        checkpoint.build(ModelSpec(architecture="esr_tn", scale=2))


def test_build_refuses_unknown_arguments():
    with pytest.raises(CheckpointError, match=r"esr_tm cannot be built at scale 2.*num_chanels"):
        checkpoint.build(ModelSpec(architecture="esr_tm", scale=2, arguments={"num_chanels": 4}))


def test_build_refuses_unknown_transforms():
    with pytest.raises(CheckpointError, match=r"unknown transform 'foldd'"):
        checkpoint.build(ModelSpec(architecture="esr_tm", scale=2, transforms=({"name": "foldd"},)))


def test_spec_of_suggests_a_name():
    with pytest.raises(UnknownModelError, match=r"Did you mean 'esr_cnn_x3'"):
        checkpoint.spec_of("esrcnn_x3")


def test_the_tables_fit_each_other():
    assert {spec.architecture for spec in MODELS.values()} == set(ARCHITECTURES)
    assert all(name.endswith(f"_x{spec.scale}") == (spec.scale > 1) for name, spec in MODELS.items())


def test_half_precision_states_fill_a_float_network():
    network = checkpoint.build(SPEC)
    half = {key: value.half() for key, value in network.state_dict().items()}
    checkpoint.load_state(network, half, source="half")
    assert network.filter.weight.dtype == torch.float32
    assert torch.equal(network.filter.weight, half["filter.weight"].float())
