"""`upres evaluate`: the JSON contract, several models and protocols, what is measured again."""

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from upres.apps.cli.main import main
from upres.engines.engine import SessionFacts
from upres.errors import UnknownModelError
from upres.evaluation import bicubic_network, contenders, evaluate
from upres.image.resize import imresize
from upres.metrics.protocol import PROTOCOLS
from upres.models import choices
from upres.models.card import ModelCard, ModelSpec
from upres.models.catalog import Model, find


@dataclass
class FakeSession:
    """Bicubic under another name, so that its figures are known."""

    model: Model
    facts: ClassVar = SessionFacts(engine="fake", precision="f32")

    def __call__(self, batch):
        return bicubic_network(self.model.card.scale, eight_bit=False)(batch)


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for dataset in ("SetA", "SetB"):
        (tmp_path / dataset).mkdir()
        for name in "xy":
            picture = imresize(rng.integers(0, 256, (9, 8, 3), np.uint8), size=(64, 60))
            Image.fromarray(picture).save(tmp_path / dataset / f"{name}.png")
    return tmp_path


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Models that need no engine; the list says which of them were opened, and how."""
    calls = []

    def model(name, scale, color_mode):
        card = ModelCard(
            name=name, spec=ModelSpec(architecture="a", scale=scale), color_mode=color_mode, parameters=scale
        )
        weights = tmp_path / f"{name}.safetensors"
        if not weights.exists():
            save_file({"w": np.full(3, scale, np.float32)}, weights, card.to_header())
        return Model(card=card, weights=weights)

    shipped = [model("tiny_x2", 2, "luma"), model("tiny_x3", 3, "luma"), model("wide_x2", 2, "rgb")]

    def find_all(name):
        found = tuple(m for m in shipped if name in (m.card.name, str(m.weights), m.card.name.rpartition("_")[0]))
        if not found:
            raise UnknownModelError(f"no model '{name}'.")
        return found

    def open_session(model, **settings):
        calls.append((model.card.name, settings))
        return FakeSession(model)

    monkeypatch.setattr(contenders, "find_all", find_all)
    monkeypatch.setattr(contenders, "list_models", lambda: tuple(shipped))
    monkeypatch.setattr(contenders, "open_session", open_session)
    return calls


def run_json(capsys, *arguments):
    assert main(["evaluate", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_one_model_on_one_set_is_the_json_contract(data, opened, capsys):
    report = run_json(capsys, "tiny_x2", "--data", data / "SetA")
    network = bicubic_network(2, eight_bit=False)
    expected = evaluate(network, data / "SetA", scale=2, color_mode="luma", model="tiny_x2")
    assert report == expected.to_dict()
    assert list(report) == ["model", "scale", "dataset", "protocol", "psnr_db", "ssim", "metrics", "images"]
    assert opened == [("tiny_x2", {"engine": "auto", "threads": None, "precision": "f32", "device": "cpu"})]


def test_engine_settings_reach_the_engine(data, opened, capsys):
    settings = ("--engine", "torch", "--threads", 1, "--precision", "bf16", "--device", "cuda")
    run_json(capsys, "tiny_x2", "--data", data / "SetA", *settings)
    assert opened == [("tiny_x2", {"engine": "torch", "threads": 1, "precision": "bf16", "device": "cuda"})]


def test_self_ensemble_is_another_contender(data, opened, capsys, monkeypatch, tmp_path):
    def leaning(self, batch):
        return bicubic_network(2, eight_bit=False)(np.roll(batch, 1, axis=3))

    monkeypatch.setattr(FakeSession, "__call__", leaning)

    def both(batch):
        made = [leaning(None, each) for each in (batch, batch[..., ::-1])]
        return (made[0] + made[1][..., ::-1]) / 2

    asked = ("tiny_x2", "--data", data / "SetA", "--out", tmp_path / "kept.json")
    once, twice = run_json(capsys, *asked), run_json(capsys, *asked, "--self-ensemble")
    expected = evaluate(both, data / "SetA", scale=2, color_mode="luma", model="tiny_x2+")
    assert (once["model"], twice["model"]) == ("tiny_x2", "tiny_x2+")
    assert twice["psnr_db"] == pytest.approx(expected.to_dict()["psnr_db"], abs=1e-3)
    assert twice["psnr_db"] > once["psnr_db"] + 1
    assert run_json(capsys, *asked) == once
    assert len(opened) == 2, "both are kept"


def test_all_models_sets_and_protocols_in_one_call(data, opened, capsys):
    reports = run_json(
        capsys, "bicubic", "all", "--data", data / "SetA", data / "SetB", "--protocol", "paper", "esr", "--scale", 2
    )
    found = [(report["model"], report["dataset"], report["protocol"]) for report in reports]
    assert sorted(found) == sorted(
        (model, dataset, protocol)
        for dataset in ("SetA", "SetB")
        for model, protocol in [("bicubic", "paper"), ("bicubic", "esr"), ("tiny_x2", "paper"), ("tiny_x2", "esr"),
                                ("wide_x2", "paper")]
    )  # fmt: skip
    assert [name for name, _ in opened] == ["tiny_x2", "wide_x2"]  # once each


def test_bicubic_takes_the_scales_of_the_others(data, opened, capsys):
    reports = run_json(capsys, "bicubic", "tiny_x3", "--data", data / "SetA")
    assert [(report["model"], report["scale"]) for report in reports] == [("bicubic", 3), ("tiny_x3", 3)]


def test_bicubic_is_resized_as_each_protocol_means(data, capsys):
    reports = run_json(capsys, "bicubic", "--data", data / "SetA", "--scale", 2, "--protocol", "all")
    assert {report["protocol"] for report in reports} == set(PROTOCOLS)
    for report in reports:
        luma = PROTOCOLS[report["protocol"]].luma_only
        expected = evaluate(
            bicubic_network(2, eight_bit=not luma),
            data / "SetA",
            scale=2,
            color_mode="luma" if luma else "rgb",
            protocol=report["protocol"],
            model="bicubic",
        )
        assert report == expected.to_dict()


def test_finished_parts_are_not_measured_again(data, opened, capsys):
    out, table = data / "out" / "quality.json", data / "out" / "quality.md"
    arguments = ["tiny_x2", "tiny_x3", "--data", data / "SetA", "--out", out, "--markdown", table]
    first = run_json(capsys, *arguments)
    written = out.read_bytes()
    assert run_json(capsys, *arguments) == first
    assert len(opened) == 2
    assert out.read_bytes() == written

    run_json(capsys, *arguments, "--protocol", "paper", "ntire")
    assert len(opened) == 4
    assert len(json.loads(out.read_text())["results"]) == 4
    assert "## Protocol `ntire`" in table.read_text()
    assert str(data) not in out.read_text() + table.read_text()


def test_new_weights_are_measured_again_and_a_new_header_is_not(data, opened, capsys):
    arguments = ["tiny_x2", "--data", data / "SetA", "--out", data / "quality.json"]
    run_json(capsys, *arguments)
    save_file({"w": np.full(3, 2, np.float32)}, data / "tiny_x2.safetensors", {"upres": "a card with scores"})
    run_json(capsys, *arguments)
    assert len(opened) == 1
    save_file({"w": np.full(3, 7, np.float32)}, data / "tiny_x2.safetensors")
    run_json(capsys, *arguments)
    assert len(opened) == 2


def test_an_interrupted_run_keeps_what_was_finished(data, opened, capsys):
    arguments = ["tiny_x2", "--data", data / "SetA", data / "SetB", "--out", data / "quality.json"]
    hidden = (data / "SetB" / "y.png").rename(data / "y.png")
    (data / "SetB" / "y.png").write_bytes(b"not a picture")
    assert main(["evaluate", *map(str, arguments)]) == 1
    hidden.rename(data / "SetB" / "y.png")
    assert [record["dataset"] for record in json.loads((data / "quality.json").read_text())["results"]] == ["SetA"]
    capsys.readouterr()
    assert len(run_json(capsys, *arguments)) == 2


def test_two_files_of_one_name_are_told_apart_by_their_paths(data, opened, capsys):
    path = str(data / "tiny_x2.safetensors")
    reports = run_json(capsys, "tiny_x2", path, "--data", data / "SetA")
    assert {report["model"] for report in reports} == {"tiny_x2", path}


def test_text_shows_every_picture_the_mean_and_what_ran(data, opened, capsys):
    assert main(["evaluate", "tiny_x2", "--data", str(data / "SetA")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("tiny_x2 x2 on SetA by protocol paper (fake, f32)\n")
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["x", "y", "mean"]


def test_text_names_unit_and_direction_of_every_metric(data, opened, capsys):
    assert main(["evaluate", "tiny_x2", "--data", str(data / "SetA"), "--metrics", "ssimulacra2,psnr"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["PSNR", "dB", "↑", "SSIMULACRA2", "↑"]
    assert [len(line) for line in lines[1:]] == [len(lines[1])] * 4
    assert [len(line.split()) for line in lines[2:]] == [3, 3, 3]


def test_metrics_of_pictures_are_left_out_where_a_plane_is_compared(data, opened, capsys):
    arguments = ["tiny_x2", "--data", str(data / "SetA"), "--protocol", "esr", "paper"]
    arguments += ["--metrics", "psnr", "ssimulacra2"]
    assert main(["evaluate", *arguments, "--json"]) == 0
    captured = capsys.readouterr()
    found = {report["protocol"]: list(report["metrics"]) for report in json.loads(captured.out)}
    assert found == {"paper": ["psnr", "ssimulacra2"], "esr": ["psnr"]}
    assert "upres: esr: ssimulacra2 left out, for RGB pictures only" in captured.err


def test_a_file_that_lacks_a_metric_gains_it_and_loses_none(data, opened, capsys):
    out = data / "quality.json"
    arguments = ["tiny_x2", "--data", data / "SetA", "--out", out]
    plain = run_json(capsys, *arguments)
    more = run_json(capsys, *arguments, "--metrics", "psnr,ssimulacra2")
    assert list(more["metrics"]) == ["psnr", "ssimulacra2"]
    assert "ssim" not in more
    assert len(opened) == 2
    assert run_json(capsys, *arguments) == plain
    assert run_json(capsys, *arguments, "--metrics", "ssimulacra2,ssim")["metrics"].keys() == {"ssim", "ssimulacra2"}
    assert len(opened) == 2
    (held,) = json.loads(out.read_text())["results"]
    assert list(held["metrics"]) == ["psnr", "ssim", "ssimulacra2"]


def test_a_results_file_of_before_there_were_metrics_still_answers(data, opened, capsys):
    out = data / "quality.json"
    arguments = ["tiny_x2", "--data", data / "SetA", "--out", out]
    report = run_json(capsys, *arguments)
    content = json.loads(out.read_text())
    for figures in (content["results"][0], *content["results"][0]["images"]):
        del figures["metrics"]
    out.write_text(json.dumps(content))
    assert run_json(capsys, *arguments) == report
    assert len(opened) == 1


def test_the_input_is_the_baseline_of_restoration(data, capsys):
    for folder, shift in (("clean", 0), ("noisy", 9)):
        (data / "Real" / folder).mkdir(parents=True)
        picture = np.random.default_rng(2).integers(0, 200, (40, 30, 3), np.uint8) + np.uint8(shift)
        Image.fromarray(picture).save(data / "Real" / folder / "a.png")
    report = run_json(capsys, "input", "--data", data / "Real", "--protocol", "ntire")
    assert (report["model"], report["scale"], report["dataset"]) == ("input", 1, "Real")
    assert report["psnr_db"] == pytest.approx(20 * np.log10(255 / 9), abs=1e-6)
    reports = run_json(capsys, "input", "--data", data / "Real", "--scale", 1, "--protocol", "all")
    assert {report["protocol"] for report in reports} == set(PROTOCOLS)


@pytest.mark.needs("openvino")
def test_a_task_is_the_network_that_is_taken_for_it_measured_on_rgb(tiny_restorers, data, capsys, monkeypatch):
    picture = np.random.default_rng(2).integers(30, 200, (40, 30, 3), np.uint8)
    for folder, pixels in (("clean", picture + np.uint8(10)), ("noisy", picture)):
        (data / "Real" / folder).mkdir(parents=True)
        Image.fromarray(pixels).save(data / "Real" / folder / "a.png")
    report = run_json(capsys, "deblock", "--data", data / "Real", "--engine", "openvino")
    assert (report["model"], report["scale"], report["protocol"]) == ("tiny_deblock", 1, "ntire")
    assert report["psnr_db"] is None  # without end: the network adds those 10
    reports = run_json(capsys, "input", "deblock", "--data", data / "Real", "--engine", "openvino")
    assert [(each["model"], each["protocol"]) for each in reports] == [("input", "ntire"), ("tiny_deblock", "ntire")]
    monkeypatch.delitem(choices.CHOICES, ("denoise", "default", 1))
    assert main(["evaluate", "denoise", "--data", str(data / "Real")]) == 1
    assert capsys.readouterr().err.startswith("upres: this installation has no network for denoise; name the file")


def test_luma_protocols_are_left_out_for_rgb_networks_with_a_note(data, opened, capsys):
    assert main(["evaluate", "wide_x2", "--data", str(data / "SetA"), "--protocol", "all", "--json"]) == 0
    captured = capsys.readouterr()
    assert [report["protocol"] for report in json.loads(captured.out)] == ["paper", "ntire", "matlab-uint8"]
    assert "wide_x2: esr, luma-float left out, for luma networks only" in captured.err


def test_a_family_is_measured_at_every_scale_or_the_one_asked_for(data, opened, capsys):
    assert [report["model"] for report in run_json(capsys, "tiny", "--data", data / "SetA")] == ["tiny_x2", "tiny_x3"]
    assert run_json(capsys, "tiny", "--scale", 3, "--data", data / "SetA")["model"] == "tiny_x3"


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["wide_x2", "--protocol", "esr"], 1, "esr: for luma networks only, and wide_x2 works on RGB"),
        (["tiny_x2", "--scale", "3"], 1, "tiny_x2 upscales by 2, and 3 was asked for; leave --scale out"),
        (["tiny", "--scale", "4"], 1, "tiny upscales by 2 or 3, and 4 was asked for; leave --scale out"),
        (["tiny_x9"], 1, "no model 'tiny_x9'"),
        (["tiny_x2", "--protocol", "papper"], 1, "Did you mean 'paper'?"),
        (["tiny_x2", "--metrics", "psnr,nique"], 1, "no metric 'nique'. Did you mean 'niqe'?"),
        (["tiny_x2", "--metrics", "niqe", "--protocol", "esr"], 1, "niqe looks at RGB pictures; use 'paper'"),
        (["tiny", "--scale", "1"], 1, "tiny upscales by 2 or 3, and 1 was asked for; leave --scale out"),
        (["all", "--scale", "1"], 1, "no model in the package has scale 1; there are 2 or 3"),
        (["bicubic", "--scale", "1"], 1, "bicubic enlarges, and the scale is 1: use input"),
        (["input", "--scale", "2"], 1, "input is the picture as it is, for scale 1, and 2 was asked for: use bicubic"),
        (["input"], 1, "nothing to restore in it; at scale 1 a data set is a folder with noisy/ and clean/"),
        (["bicubic"], 2, "bicubic has no scale of its own: add --scale 2"),
    ],
)
def test_mistakes_are_one_clear_line(data, opened, capsys, arguments, status, complaint):
    command = ["evaluate", *arguments, "--data", str(data / "SetA")]
    if status == 2:
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert stop.value.code == 2
    else:
        assert main(command) == status
    assert complaint in capsys.readouterr().err
    assert not opened


def test_missing_data_is_one_clear_line(data, opened, capsys):
    assert main(["evaluate", "tiny_x2", "--data", str(data / "nowhere")]) == 1
    assert "nowhere: no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(("fault", "protocol"), [("--noise", "ntire"), ("--jpeg", "paper")])
def test_faults_are_put_into_true_pictures_and_judged_as_papers_do(data, capsys, fault, protocol):
    report = run_json(capsys, "input", "--data", str(data / "SetA"), fault, "20")
    assert (report["fault"], report["protocol"], report["worse"]) == ({fault[2:]: 20}, protocol, 0)
    assert 15 < report["psnr_db"] < 45
    assert main(["evaluate", "input", "--data", str(data / "SetA"), fault, "20"]) == 0
    text = capsys.readouterr().out
    assert f"input x1 on SetA, {fault[2:]} 20 by protocol {protocol}" in text
    assert "worse than before: 0 of 2 pictures" in text


def test_results_of_several_faults_lie_in_one_file(data, capsys):
    out = str(data / "out.json")
    for strength in ("10", "20", "10"):
        run_json(capsys, "input", "--data", str(data / "SetA"), "--noise", strength, "--out", out)
    records = json.loads((data / "out.json").read_text())["results"]
    assert [record["fault"] for record in records] == [{"noise": 10}, {"noise": 20}]
    assert records[0]["psnr_db"] > records[1]["psnr_db"] + 3


def test_models_that_enlarge_are_measured_as_ever_where_no_protocol_is_named(data, opened, capsys):
    report = run_json(capsys, "tiny_x2", "--data", str(data / "SetA"))
    assert report["protocol"] == "paper"
    assert "worse" not in report
    assert "fault" not in report


@pytest.mark.parametrize(("scale", "tasks"), [(None, {"upscale"}), (4, {"upscale"}), (1, {"denoise", "deblock"})])
def test_all_leaves_out_what_no_data_set_of_the_others_fits(scale, tasks):
    from upres.evaluation.contenders import Running, find_contenders

    found = find_contenders(["all"], (), scale=scale, running=Running(), tell=print)
    assert {find(each.argument).card.task for each in found} == tasks
    assert {each.scale for each in found} == ({2, 3, 4} if scale is None else {scale})
