"""Short names of machines, so that a figure says which one it belongs to.

``machines.json`` beside this file is the table: an installed wheel prints the names too, and has no ``benchmarks``
folder. In a checkout ``benchmarks/machines.json`` is a link to it.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

MACHINES = Path(__file__).with_name("machines.json")
IDENTITY = ("cores", "instruction_sets", "cpu_family", "cpu_model", "cpu_stepping")
"""What two environments of one machine have in common, wherever both say it."""
LEAST_AND_MOST = {"f32_gflops": (0.9, 1.1), "i16_gops": (0.9, 1.1), "memory_gbs": (0.0, 1.3)}
"""What a measured ceiling may be of the machine's. Memory has no least: whatever else runs reads from it too."""
ADD = "python -m benchmarks name NAME"
"""The command that adds this machine to the table, in a checkout."""


def name_of(environment: Mapping[str, Any], table: Mapping[str, Mapping[str, Any]] | None = None) -> str | None:
    """The name of the machine that an environment describes; ``None`` where no machine of the table fits, or several.

    Args:
        environment: As `upres.machine.environment.environment` gives it. Files of the past have no ceilings, or no
            family of the processor; the rest decides then. Without instruction sets there is no name.
        table: Name -> machine; `MACHINES` by default.
    """
    if not environment.get("instruction_sets"):
        return None
    known = machines() if table is None else table
    fits = [name for name, machine in known.items() if _same(machine, environment)]
    return fits[0] if len(fits) == 1 else None


def label(environment: Mapping[str, Any]) -> str:
    """The machine as tables name it: ``epyc-a (AMD EPYC)``; of an unnamed one also how to name it."""
    name, cpu = environment.get("name") or name_of(environment), environment["cpu"]
    return f"{name} ({cpu})" if name else f"unnamed machine ({cpu}; `{ADD}` adds it)"


@cache
def machines() -> Mapping[str, Mapping[str, Any]]:
    """The table: name -> ``cpu``, the keys of `IDENTITY`, and ``ceilings`` of all cores."""
    table: Mapping[str, Mapping[str, Any]] = json.loads(MACHINES.read_text(encoding="utf-8"))
    return table


def _same(machine: Mapping[str, Any], environment: Mapping[str, Any]) -> bool:
    if any(_differ(machine.get(key), environment.get(key)) for key in IDENTITY):
        return False
    limits, found = machine["ceilings"], environment.get("ceilings") or {}
    return all(
        least <= found[key] / limits[key] <= most
        for key, (least, most) in LEAST_AND_MOST.items()
        if limits.get(key) and found.get(key) is not None
    )


def _differ(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one != other
