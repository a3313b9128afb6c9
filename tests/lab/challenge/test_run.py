"""A whole challenge, mostly with faked measurements: turns, ranks, going on after a cut."""

import json

import pytest

from upres.apps.cli.main import main
from upres.engines.torch import TorchSession
from upres.errors import DataError, Hint, OutputExistsError
from upres.evaluation import Fault, evaluate
from upres.image.convert import fitted
from upres.lab.challenge.rank import RULES
from upres.lab.challenge.run import contenders_of, run_challenge
from upres.lab.challenge.tasks import fault_for
from upres.lab.checkpoint import build, describe, load, save
from upres.models.card import ModelSpec


def entrants(models, data, **changes):
    return contenders_of(models, **{"data": str(data), "scale": 2} | changes)


def test_ranks_gate_and_figures(models, data, fake_worker):
    report = run_challenge(entrants(models, data), RULES[2022], gate_db=0.2, rounds=2)
    assert report.baseline == "esr_max"
    assert report.floor_db == pytest.approx(29.8)
    assert [row["entry"] for row in report.rows] == ["esr_max", "esr_tm", "espcn"]
    first, second, failed = report.rows
    assert (first["main_rank"], first["passed"], first["latency_ms"]) == (1, True, 15.0)  # mean of 10 and 20
    assert (second["main_rank"], second["sub2_score"]) == (2, 2 + 1 + 1 + 1 + 1)
    assert (failed["main_rank"], failed["sub1_score"], failed["passed"]) == (None, None, False)
    assert failed["latency_ms"] == 7.5
    assert json.loads(json.dumps(report.to_dict()))["not_ranked"] == ["espcn"]


def test_the_baseline_is_ranked_too_and_scores_are_relative_to_it(models, data, fake_worker):
    report = run_challenge(entrants(models, data), RULES[2025], baseline="esr_tm", gate_db=1, rounds=1)
    assert {row["entry"]: round(row["main_score"], 3) for row in report.rows}["esr_tm"] == 7.389
    assert [row["entry"] for row in report.rows] == ["espcn", "esr_max", "esr_tm"]


@pytest.mark.parametrize(("counting", "figures"), [("ntire", (20.0, 80.0, 4)), ("exact", (21.0, 81.0, 5))])
def test_either_convention_counts(models, data, fake_worker, counting, figures):
    report = run_challenge(entrants(models, data), RULES[2022], counting=counting, rounds=1)
    result = report.results[0]
    assert (result.flops_g, result.activations_m, result.num_convs) == figures
    assert result.flops_exact_g == 21.0


def test_entrants_take_turns_on_every_picture_and_change_order_every_round(models, data, fake_worker):
    run_challenge(entrants(models[:2], data), RULES[2022], rounds=2, warmup=1)
    turns = [(name, *rest) for name, method, *rest in fake_worker.asked if method == "time_image"]
    forward = [("esr_max", 0), ("esr_tm", 0), ("esr_max", 1), ("esr_tm", 1)]
    backward = [("esr_tm", 0), ("esr_max", 0), ("esr_tm", 1), ("esr_max", 1)]
    assert turns == backward + forward + backward


def test_a_cut_run_goes_on_where_it_stopped(models, data, tmp_path, fake_worker, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(fake_worker, "fail_after", 8)  # in the first round, after three assessments
    with pytest.raises(KeyboardInterrupt):
        run_challenge(entrants(models, data), RULES[2022], rounds=2, warmup=0, out=out)
    kept = json.loads((out / "results.json").read_text())
    assert (len(kept["assessments"]), len(kept["rounds"])) == (3, 0)

    monkeypatch.setattr(fake_worker, "fail_after", None)
    fake_worker.asked.clear()
    run_challenge(entrants(models, data), RULES[2022], rounds=2, warmup=0, out=out)
    assert "assess" not in [method for _, method, *_ in fake_worker.asked]
    assert len(json.loads((out / "results.json").read_text())["rounds"]) == 2

    fake_worker.asked.clear()
    again = run_challenge(entrants(models, data), RULES[2022], rounds=2, out=out)
    assert (fake_worker.asked, again.rounds) == ([], 2)  # nothing is left to measure

    more = run_challenge(entrants(models, data), RULES[2025], rounds=3, out=out)
    assert (more.rounds, more.ranking.rules.year) == (3, 2025)


def test_another_run_in_the_folder_is_not_mixed_in(models, data, tmp_path, fake_worker):
    run_challenge(entrants(models, data), RULES[2022], rounds=1, out=tmp_path)
    with pytest.raises(OutputExistsError, match=r"holds a run with other threads, contenders$") as raised:
        run_challenge(entrants(models[:2], data, threads=2), RULES[2022], rounds=1, out=tmp_path)
    assert raised.value.hint is Hint.OTHER_FOLDER_OR_OVERWRITE
    report = run_challenge(entrants(models[:2], data), RULES[2022], rounds=1, out=tmp_path, overwrite=True)
    assert len(report.rows) == 2
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(OutputExistsError, match="is not the results of a challenge run"):
        run_challenge(entrants(models, data), RULES[2022], rounds=1, out=tmp_path)


def test_further_metrics_are_part_of_the_run_and_its_figures(models, data, tmp_path, fake_worker):
    metrics = ("psnr", "ssim", "niqe")
    report = run_challenge(entrants(models, data, metrics=metrics), RULES[2022], rounds=1, out=tmp_path)
    assert report.settings["metrics"] == list(metrics)
    assert report.to_dict()["rows"][0]["metrics"]["niqe"] == 4.5
    changed = entrants(models, data, metrics=("psnr", "ssim", "ssimulacra2"))
    with pytest.raises(OutputExistsError, match="holds a run with other metrics"):
        run_challenge(changed, RULES[2022], rounds=1, out=tmp_path)


def test_a_run_of_before_there_were_metrics_goes_on(models, data, tmp_path, fake_worker):
    run_challenge(entrants(models, data), RULES[2022], rounds=1, out=tmp_path)
    kept = json.loads((tmp_path / "results.json").read_text())
    assert "metrics" not in kept["settings"]
    for assessment in kept["assessments"].values():
        del assessment["metrics"]
    (tmp_path / "results.json").write_text(json.dumps(kept))
    report = run_challenge(entrants(models, data), RULES[2022], rounds=1, out=tmp_path)
    assert report.rows[0]["metrics"] == {}


def test_a_baseline_may_be_named_as_its_model_was(models, data, fake_worker):
    entered = entrants(models, data)
    for baseline in (entered[-1].name, entered[-1].source):
        assert run_challenge(entered, RULES[2022], rounds=1, baseline=baseline).baseline == entered[-1].name


def test_the_results_name_no_folder(models, data, tmp_path, fake_worker):
    report = run_challenge(entrants(models, data), RULES[2022], rounds=1, out=tmp_path / "out")
    assert str(tmp_path) not in (tmp_path / "out/results.json").read_text()
    assert str(tmp_path) not in json.dumps(report.to_dict())


def test_entrants_that_do_not_fit(models, data):
    with pytest.raises(DataError, match="upscales by 2; this run is for scale 4"):
        entrants(models, data, scale=4)
    with pytest.raises(DataError, match="two contenders are named 'esr_tm'"):
        entrants([models[1], models[1]], data)
    with pytest.raises(DataError, match=r"the baseline 'esr_tmm' is not among the contenders. Did you mean 'esr_tm'\?"):
        run_challenge(entrants(models, data), RULES[2022], baseline="esr_tmm")
    with pytest.raises(DataError, match="at least one model"):
        run_challenge([], RULES[2022])


def test_the_command_measures_ranks_and_writes(models, data, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["challenge", "run", models[1], "--data", str(data), "--scale", "2", "--threads", "1"]
    arguments += ["--metrics", "ssimulacra2", "--repeats", "1", "--warmup", "0", "--out", str(out), "--json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    (tm,) = report["rows"]
    assert (tm["entry"], tm["main_rank"], tm["sub2_score"]) == ("esr_tm", 1, 5)
    assert (tm["parameters_m"], tm["num_convs"], tm["receptive_field"]) == (0.0008, 1, 5)
    assert tm["flops_g"] == pytest.approx(800 * 65536 / 1e9)
    assert 15 < tm["psnr_db"] < 60
    assert list(tm["metrics"]) == ["psnr", "ssim", "ssimulacra2"]
    assert (tm["metrics"]["psnr"], tm["metrics"]["ssim"]) == (tm["psnr_db"], tm["ssim"])
    assert 0 <= tm["peak_mib"] < 500
    assert 0 < tm["latency_ms"] < 1e4
    assert {path.name for path in out.iterdir()} == {
        "results.json", "results.csv", "results.md", "report.json", "report.html",
    }  # fmt: skip
    assert main(["challenge", "rank", str(out / "results.csv"), "--rules", "2022", "--json"]) == 0
    ranked = json.loads(capsys.readouterr().out)
    assert [row["entry"] for row in ranked["rows"]] == ["esr_tm"]
    assert ranked["contradictions"] == []


def test_devices_and_engines_that_are_not_there(models, data, capsys):
    from upres.errors import EngineUnavailableError, UnsupportedModelError
    from upres.lab.challenge.contender import ChallengeRunner

    (first,) = entrants(models[:1], data, device="cuda:99")
    with pytest.raises(EngineUnavailableError, match="no device 'cuda:99' here"):
        ChallengeRunner(first)
    (first,) = entrants(models[:1], data, device="cuda", engine="openvino")
    with pytest.raises(UnsupportedModelError, match="openvino: no device 'cuda'; it runs on the CPU"):
        ChallengeRunner(first)


@pytest.mark.parametrize(("engine", "precision"), [("torch", "f32"), ("torch", "bf16"), ("native", "f32")])
def test_every_engine_is_weighed_judged_and_timed_the_same_way(models, data, engine, precision):
    from upres.engines.select import unavailable
    from upres.lab.challenge.contender import ChallengeRunner

    if unavailable(engine):
        pytest.skip(f"{engine} is not here")
    (first,) = entrants(models[:1], data, engine=engine, precision=precision)
    runner = ChallengeRunner(first)
    assessment = runner.assess()
    (reference,) = entrants(models[:1], data, engine="torch")
    expected = ChallengeRunner(reference).assess()["psnr_db"]
    assert assessment["precision"] == precision
    assert assessment["psnr_db"] == pytest.approx(expected, abs=2e-3 if precision == "f32" else 1)
    assert runner.image_names() == ["a", "b"]
    assert 0 < runner.time_image(index=1) < 1e4


def test_counting_by_the_command(models, capsys):
    assert main(["challenge", "count", models[1], "rlfn_ntire_x4", "--input", "720p", "--json"]) == 0
    tm, rlfn = json.loads(capsys.readouterr().out)
    assert (tm["model"], tm["height"], tm["width"]) == (models[1], 360, 640)
    assert tm["flops_g"] == pytest.approx(800 * 360 * 640 / 1e9)
    assert (rlfn["height"], rlfn["width"], rlfn["num_convs"]) == (180, 320, 39)
    assert rlfn["parameters_m"] == pytest.approx(0.317218)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such_x2"], "the zoo has no model 'no_such_x2'"),
        (["no_such.safetensors"], "no model 'no_such.safetensors'"),
        (["rlfn_x2", "--input", "720i"], "expected an input size such as 256x256, or 720p; got '720i'"),
        (["rlfn_x2", "--input", "9x9"], "rlfn_x2 takes pictures from 15x15 on, got 9x9"),
    ],
)
def test_counting_what_cannot_be_counted(arguments, message, capsys):
    assert main(["challenge", "count", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.fixture
def restorers(tmp_path):
    paths = []
    for name, task in (("one", "denoise"), ("two", "denoise"), ("other", "deblock")):
        spec = ModelSpec(
            architecture="plain", scale=1, arguments={"num_channels": 4, "num_blocks": 1, "unshuffle": 2, "task": task}
        )
        network = build(spec)
        paths.append(str(tmp_path / f"{name}.safetensors"))
        save(tmp_path / f"{name}.safetensors", network, describe(network, spec, name=name))
    return paths


def test_denoisers_are_measured_on_noise_of_sigma_50(restorers, data, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["challenge", "run", *restorers[:2], "--task", "denoise", "--data", str(data), "--gate", "99"]
    assert main([*command, "--threads", "1", "--repeats", "1", "--warmup", "0", "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["settings"]["task"], report["settings"]["fault"]) == ("denoise", {"noise": 50})
    assert (report["settings"]["scale"], report["settings"]["protocol"]) == (1, "ntire")
    network, _ = load(restorers[0])
    session = fitted(TorchSession(network), scale=1, min_size=2, multiple_of=2)
    judged = evaluate(session, data, scale=1, color_mode="rgb", protocol="ntire", fault=Fault(noise=50))
    (row,) = [row for row in report["rows"] if row["entry"] == "one"]
    assert row["psnr_db"] == pytest.approx(judged.psnr_db, abs=0.01)
    assert min(row[cost] for cost in ("latency_ms", "parameters_m", "flops_g", "activations_m")) > 0
    assert (out / "results.md").read_text().startswith("# Two, noise 50: denoise, ranked by the NTIRE 2022 rules")


@pytest.mark.parametrize(
    ("which", "options", "says"),
    [
        ([0, 2], ["--task", "denoise"], "other.safetensors is for the task deblock, and this run is for denoise"),
        ([0], ["--scale", "1"], "one.safetensors is for the task denoise, and this run is for upscale"),
        ([0], ["--scale", "1", "--noise", "25"], "noise 25: for contenders that restore, and these enlarge"),
        ([0], ["--task", "enhance"], "nothing is known that stands for enhance; take a set of pairs"),
    ],
)
def test_tasks_that_do_not_fit_are_refused(restorers, data, capsys, which, options, says):
    assert main(["challenge", "run", *(restorers[i] for i in which), "--data", str(data), *options]) == 1
    assert says in capsys.readouterr().err


def test_pairs_are_taken_as_they_are(data, tmp_path):
    for folder in ("noisy", "clean"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").write_bytes((data / "a.png").read_bytes())
    assert fault_for("denoise", tmp_path) is None
    assert fault_for("enhance", tmp_path) is None
    assert fault_for("deblock", tmp_path / "clean") == Fault(jpeg=10)
    assert fault_for("denoise", tmp_path / "clean", Fault(noise=25)) == Fault(noise=25)
