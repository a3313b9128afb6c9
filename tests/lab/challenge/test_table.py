"""Published tables of the challenge, in their two forms."""

import pytest

from upres.errors import DataError
from upres.lab.challenge.table import read_table

LONG = """system,variant,scale,dataset,metric,value,source
SRCNN,SRCNN,2,-,params,57K,elsewhere
NTIRE2022:Ours,Ours,4,DIV2K_val,PSNR_RGB,29.00,here
NTIRE2022:Ours,Ours,4,DIV2K_test,PSNR_RGB,28.70,here
NTIRE2022:Ours,Ours,4,DIV2K_val+test,runtime_ms(TitanXp),27.11,here
NTIRE2022:Ours,Ours,4,-,params_M,0.317,here
NTIRE2022:Ours,Ours,4,LR256x256,FLOPs_G,19.70,here
NTIRE2022:Ours,Ours,4,LR256x256,activations_M,80.05,here
NTIRE2022:Ours,Ours,4,DIV2K_val,gpu_mem_M,377.91,here
NTIRE2022:Ours,Ours,4,-,num_conv,39,here
NTIRE2022:Ours,Ours,4,rank,subtrack1_score(sum of ranks),22,here
"""


def write(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return path


def test_long_form(tmp_path):
    entries, year = read_table(write(tmp_path, LONG), year=2022)
    assert year == 2022
    assert [entry.name for entry in entries] == ["Ours"]
    assert entries[0].figures == {
        "psnr_val_db": 29.0, "psnr_test_db": 28.7, "latency_ms": 27.11, "parameters_m": 0.317, "flops_g": 19.7,
        "activations_m": 80.05, "peak_mib": 377.91, "sub1_score": 22.0,
    }  # fmt: skip


def test_long_form_of_another_year_is_taken_when_it_is_the_only_one(tmp_path):
    assert read_table(write(tmp_path, LONG), year=2025)[1] == 2022
    two = LONG + "NTIRE2024:Theirs,Theirs,4,-,params_M,0.2,here\n"
    assert [e.name for e in read_table(write(tmp_path, two), year=2024)[0]] == ["Theirs"]
    with pytest.raises(DataError, match=r"found years \[2022, 2024\]"):
        read_table(write(tmp_path, two), year=2025)


def test_wide_form(tmp_path):
    text = "entry,psnr_db,latency_ms,parameters_m,note\na,29.1,10,0.3,x\nb,,20,,y\n"
    entries, year = read_table(write(tmp_path, text))
    assert year is None
    assert [entry.figures for entry in entries] == [
        {"psnr_db": 29.1, "latency_ms": 10.0, "parameters_m": 0.3},
        {"latency_ms": 20.0},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,latency_ms\na,1\n", "expected a column 'entry'"),
        ("", "found no columns"),
        ("entry,latency_ms\n", "holds no challenge entry"),
        ("entry,latency_ms\na,fast\n", "latency_ms of 'a' is not a number: 'fast'"),
    ],
)
def test_unusable_tables_say_why(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, text))


def test_a_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="not a readable CSV file"):
        read_table(tmp_path / "absent.csv")
