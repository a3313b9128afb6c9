"""The log of a run that was cut off."""

import json

import pytest

from upres.lab.training.log import RunLog

ROWS = b'{"step": 10, "loss": 0.5}\n{"step": 20, "loss": 0.25}\n'


@pytest.mark.parametrize(
    ("torn", "count"),
    [
        (b"", 0),
        (b'{"step": 30, "lo', 1),
        (b"\x00\xff\xfe\n\x80", 2),
        (b'3\n[]\nnull\n"a"\n{}\n{"step": "x"}\n', 6),
        (b"[" * 100_000, 1),
    ],
)
def test_rows_that_cannot_be_read_are_left_out_with_a_word(tmp_path, torn, count):
    path, said = tmp_path / "log.jsonl", []
    path.write_bytes(ROWS + torn)
    log = RunLog(tmp_path, first_step=15, warn=said.append)
    log.write(16, loss=0.1)
    log.close()
    assert [json.loads(row)["step"] for row in path.read_text().splitlines()] == [10, 16]
    assert said == [f"{path}: {count} row{'s' * (count > 1)} cannot be read and left out"] * bool(count)
