"""A speed report on disk."""

import json

import pytest

from upres.bench.report import check_free, latencies_of, read_report, write_report
from upres.bench.speed import SpeedReport
from upres.errors import DataError, OutputError, OutputExistsError

ENVIRONMENT = {
    "cpu": "a CPU",
    "name": "box-a",
    "cores": 2,
    "instruction_sets": ["avx2"],
    "python": "3.11",
    "versions": {"upres": "0"},
    "allocator": "stock",
    "date": "2026-01-01",
}


@pytest.fixture
def report():
    return SpeedReport(environment=ENVIRONMENT, rows=())


def test_what_was_written_is_read_again(report, tmp_path):
    path, table = write_report(report, tmp_path / "speed.json")
    assert read_report(path) == json.loads(json.dumps(report.to_dict()))
    assert table == tmp_path / "speed.md"
    assert table.read_text().startswith(
        "box-a (a CPU), 2 cores, avx2; Python 3.11, upres 0; stock allocator; 2026-01-01."
    )


def test_what_is_there_is_replaced_only_on_demand(report, tmp_path):
    path, _ = write_report(report, tmp_path / "speed.json")
    with pytest.raises(OutputExistsError, match=r"speed\.json exists"):
        write_report(report, path)
    write_report(report, path, overwrite=True)


def test_a_missing_folder_is_found_before_the_work(tmp_path):
    with pytest.raises(OutputError, match=r"cannot be written \(there is no folder"):
        check_free(tmp_path / "nowhere" / "speed.json", overwrite=True)


def test_a_full_disk_is_no_existing_output(report, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device") as raised:
        write_report(report, tmp_path / "speed.json")
    assert not isinstance(raised.value, OutputExistsError)
    assert list(tmp_path.iterdir()) == []


def test_cards_get_latencies_with_machine_and_file(tmp_path):
    row = {"model": "m_x2", "engine": "native", "precision": "f32", "width": 8, "height": 4, "threads": 2}
    for name, environment in (("a.json", {"cpu": "a CPU", "name": "box-a"}), ("b.json", {"cpu": "b CPU"})):
        rows = [{**row, "latency_ms_median": 1.23456}]
        (tmp_path / name).write_text(json.dumps({"environment": environment, "rows": rows}))
    measured = {key: value for key, value in row.items() if key != "model"} | {"latency_ms": 1.235}
    assert latencies_of([tmp_path / "a.json", tmp_path / "b.json"]) == {
        "m_x2": [
            {**measured, "cpu": "a CPU", "machine": "box-a", "file": "a.json"},
            {**measured, "cpu": "b CPU", "file": "b.json"},
        ]
    }


@pytest.mark.parametrize("content", ["", "[]", '{"rows": []}'])
def test_another_file_is_no_report(content, tmp_path):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError, match="speed report"):
        read_report(tmp_path / "x.json")
