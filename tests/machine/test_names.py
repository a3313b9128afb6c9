"""A machine is recognised by what two environments of it have in common."""

import json

import pytest

from upres.machine.names import IDENTITY, MACHINES, label, machines, name_of

SETS = ["avx2", "avx512f"]
LIMITS = {"f32_gflops": 200.0, "i16_gops": 400.0, "memory_gbs": 50.0}
MACHINE = {"cpu": "A CPU", "cpu_family": 25, "cpu_model": 17, "cpu_stepping": 1, "cores": 2, "instruction_sets": SETS}
TABLE = {
    "quick": {**MACHINE, "instruction_sets": [*SETS, "avx_vnni"], "ceilings": {**LIMITS, "f32_gflops": 500.0}},
    "slow": {**MACHINE, "ceilings": LIMITS},
    "wide": {**MACHINE, "ceilings": {**LIMITS, "f32_gflops": 300.0}},
}


def found(**changes):
    return {**MACHINE, "ceilings": LIMITS, **changes}


def test_ceilings_tell_two_machines_of_one_processor_apart():
    assert name_of(found(), TABLE) == "slow"
    assert name_of(found(ceilings={**LIMITS, "f32_gflops": 310.0}), TABLE) == "wide"
    assert name_of(found(ceilings={**LIMITS, "f32_gflops": 250.0}), TABLE) is None
    assert name_of(found(ceilings=None), TABLE) is None  # either of the two


def test_a_busy_memory_is_no_other_machine_and_a_faster_one_is():
    assert name_of(found(ceilings={**LIMITS, "memory_gbs": 5.0}), TABLE) == "slow"
    assert name_of(found(ceilings={**LIMITS, "memory_gbs": 80.0}), TABLE) is None


@pytest.mark.parametrize("change", [{"cores": 4}, {"instruction_sets": ["avx2"]}, {"cpu_stepping": 2}])
def test_whatever_else_differs_is_another_machine(change):
    assert name_of(found(**change), TABLE) is None


def test_what_a_file_of_the_past_lacks_does_not_count():
    old = {"cpu": "A CPU", "cores": 2, "instruction_sets": [*SETS, "avx_vnni"]}
    assert name_of(old, TABLE) == "quick"
    assert name_of({"cpu": "A CPU"}, {"slow": TABLE["slow"]}) is None


def test_the_label_names_the_machine_or_the_command_that_names_it():
    assert label({"cpu": "A CPU", "name": "quick"}) == "quick (A CPU)"
    assert label(found()) == "unnamed machine (A CPU; `python -m benchmarks name NAME` adds it)"


def test_every_machine_of_the_table_is_itself_and_no_other():
    assert json.loads(MACHINES.read_text()) == machines()
    for name, machine in machines().items():
        assert {"cpu", "ceilings", *IDENTITY} == machine.keys()
        assert name_of(machine) == name
