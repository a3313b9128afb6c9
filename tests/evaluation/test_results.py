"""Results files: what was measured is found again, what changed is measured anew."""

import json

import pytest

from upres.errors import DataError, OutputError
from upres.evaluation.results import Results, card_score, only, to_markdown


def record(
    model="m", *, scale=2, dataset="Set5", protocol="paper", psnr_db=30.0, digest="d1", parameters=10, names="ab"
):
    return {
        "model": model,
        "scale": scale,
        "dataset": dataset,
        "protocol": protocol,
        "psnr_db": psnr_db,
        "ssim": 0.9,
        "images": [{"name": name, "psnr_db": psnr_db, "ssim": 0.9} for name in names],
        "run": {
            "parameters": parameters,
            "weights_sha256": digest,
            "engine": "torch",
            "precision": "f32",
            "asked": {"engine": "auto", "precision": "auto"},
        },
    }


def wanted(**facts):
    whole = record(**facts)
    return {**whole, "images": [image["name"] for image in whole["images"]]}


def test_what_was_added_is_found_again_after_reading_the_file(tmp_path):
    path = tmp_path / "new" / "results.json"
    Results(path).add([record(), record(protocol="esr")])
    again = Results(path)
    assert again.find(wanted()) == record()
    assert again.find(wanted(protocol="esr")) == record(protocol="esr")
    assert json.loads(path.read_text())["written_by"] == "upres evaluate"
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]


@pytest.mark.parametrize(
    "change",
    [{"model": "n"}, {"scale": 3}, {"dataset": "Set14"}, {"protocol": "ntire"}, {"digest": "d2"}, {"names": "abc"}],
)
def test_another_question_has_no_answer_yet(change):
    results = Results()
    results.add([record()])
    assert results.find(wanted(**change)) is None


@pytest.mark.parametrize(
    "asked",
    [
        {"engine": "torch", "precision": "auto"},
        {"engine": "auto", "precision": "f32"},
        {"engine": "auto", "precision": "auto", "device": "cuda"},
    ],
)
def test_another_engine_precision_or_device_asked_for_is_another_question(asked):
    results = Results()
    results.add([record()])
    question = wanted()
    question["run"] = {**question["run"], "asked": asked}
    assert results.find(question) is None


def test_new_weights_replace_the_old_record():
    results = Results()
    results.add([record()])
    results.add([record(digest="d2", psnr_db=31.0)])
    assert [each["psnr_db"] for each in results.records] == [31.0]


def test_file_is_in_one_order_however_it_came_about(tmp_path):
    records = [record(protocol="ntire"), record("big", parameters=99), record(scale=3), record(dataset="A"), record()]
    for path, order in ((tmp_path / "a.json", records), (tmp_path / "b.json", records[::-1])):
        results = Results(path)
        for each in order:
            results.add([each])
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()


@pytest.mark.parametrize("content", ["{", "[]", '{"results": []}'])
def test_refuses_a_file_that_is_something_else(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"results file.*name another, or remove it"):
        Results(path)
    assert path.read_text() == content


def test_unwritable_place_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Results(tmp_path / "file" / "results.json").add([record()])


def test_table_has_a_line_a_model_by_size_and_a_column_a_data_set_by_length():
    text = to_markdown(
        [
            record("large", parameters=12345, dataset="Set14", names="abc"),
            record("large", parameters=12345, psnr_db=33.333),
            record("small", parameters=10, psnr_db=None),
            record("small", parameters=10, scale=4, protocol="esr"),
        ]
    )
    lines = text.splitlines()
    assert "| model | parameters | engine | Set5 | Set14 |" in lines
    first = lines.index("| small | 10 | torch f32 | inf / 0.9000 |  |")
    assert lines[first + 1] == "| large | 12,345 | torch f32 | 33.33 / 0.9000 | 30.00 / 0.9000 |"
    assert [line for line in lines if line.startswith("#")] == [
        "# Quality",
        "## Protocol `paper`",
        "### x2",
        "## Protocol `esr`",
        "### x4",
    ]


def measured(**scores):
    keyed = {"psnr_db": scores["psnr"]} if "psnr" in scores else {}
    whole = {key: value for key, value in record().items() if key not in ("psnr_db", "ssim")}
    images = [{"name": name, **keyed, "metrics": scores} for name in "ab"]
    return {**whole, **keyed, "metrics": scores, "images": images}


def test_a_record_answers_for_the_metrics_that_it_holds():
    results = Results()
    results.add([record()])
    assert results.find({**wanted(), "metrics": ["ssim", "psnr"]}) == record()
    assert results.find({**wanted(), "metrics": ["psnr", "niqe"]}) is None
    results.add([measured(psnr=30.0, niqe=3.0)])
    assert results.find({**wanted(), "metrics": ["niqe"]}) == measured(psnr=30.0, niqe=3.0)


def test_some_metrics_of_a_record():
    assert only(measured(psnr=30.0, niqe=3.0), ["niqe"]) == measured(niqe=3.0)
    assert only(record(), ["psnr"]) == measured(psnr=30.0)


def test_cards_hold_the_old_keys_and_further_metrics_by_name():
    assert card_score(record(psnr_db=30.123456)) == {
        "dataset": "Set5",
        "protocol": "paper",
        "psnr_db": 30.1235,
        "ssim": 0.9,
    }
    score = {"dataset": "Set5", "protocol": "paper", "psnr_db": 30.0, "metrics": {"niqe": 3.1235}}
    assert card_score(measured(psnr=30.0, niqe=3.12346)) == score


def test_tables_show_every_metric_with_unit_and_direction():
    text = to_markdown([record("old"), {**measured(psnr=None, niqe=3.456), "model": "new"}])
    assert "border = scale. PSNR dB ↑ / SSIM ↑ / NIQE ↓.\n" in text
    assert "| old | 10 | torch f32 | 30.00 / 0.9000 / – |" in text
    assert "| new | 10 | torch f32 | inf / – / 3.46 |" in text


def test_a_fault_is_part_of_the_question_and_of_the_tables_and_cards():
    results = Results()
    plain, noisy, blocky = record(), {**record(), "fault": {"noise": 25}}, {**record(), "fault": {"jpeg": 10}}
    results.add([plain, noisy, blocky])
    assert len(results.records) == 3
    assert results.find({**wanted(), "fault": {"noise": 25}}) == noisy
    assert results.find({**wanted(), "fault": {"noise": 50}}) is None
    assert results.find(wanted()) == plain
    assert card_score(noisy)["dataset"] == "Set5, noise 25"
    assert "| Set5 | Set5, noise 25 | Set5, jpeg 10 |" in to_markdown(results.records)
