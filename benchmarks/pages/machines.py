"""The machines that figures come from, by name; naming this one, and results that have no name yet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages.page import RESULTS, Page, write
from benchmarks.pages.tables import LEFT, RIGHT, table
from upres.machine.environment import environment
from upres.machine.names import IDENTITY, MACHINES, machines, name_of

TABLE = "benchmarks/machines.json"


def render(known: Mapping[str, Mapping[str, Any]]) -> str:
    """What is known of each machine."""
    lines = []
    for name, machine in known.items():
        limits = machine["ceilings"]
        identity = [machine[key] for key in ("cpu_family", "cpu_model", "cpu_stepping")]
        lines.append(
            (
                name,
                machine["cpu"],
                "not noted" if None in identity else "/".join(map(str, identity)),
                str(machine["cores"]),
                *(_whole(limits[key]) for key in ("f32_gflops", "i16_gops", "memory_gbs")),
                " ".join(machine["instruction_sets"]),
            )
        )
    ceilings = ("float32 GFLOP/s", "int16 GOP/s", "memory GB/s")
    align = (*[LEFT] * 3, *[RIGHT] * 4, LEFT)
    return table(("name", "CPU", "family/model/stepping", "cores", *ceilings, "instruction sets"), lines, align=align)


def add(name: str) -> None:
    """Name this machine.

    Raises:
        ValueError: If the name stands for another machine, or this machine has one.
    """
    found, known = environment(), dict(machines())
    if found["name"] is not None:
        raise ValueError(f"this machine is {found['name']} already")
    if name in known:
        raise ValueError(f"'{name}' is another machine; choose a name that is not among {', '.join(known)}")
    known[name] = {key: found[key] for key in ("cpu", *IDENTITY, "ceilings")}
    write(MACHINES, json.dumps(known, indent=1) + "\n")
    machines.cache_clear()


def name_results(folder: Path = RESULTS) -> Iterator[tuple[Path, str]]:
    """Give every environment in results files that has no name the one that fits, and leave all else as it is.

    Yields:
        Each file that was changed, and a name that was written into it.
    """
    for path in sorted(folder.glob("*.json")):
        text = path.read_text()
        content = json.loads(text)
        names = [name for found in environments(content) if (name := _give_name(found))]
        if names:
            end = "\n" if text.endswith("\n") else ""
            write(path, json.dumps(content, indent=_indent(text)) + end)
        yield from ((path, name) for name in dict.fromkeys(names))


def environments(content: Any) -> Iterator[dict[str, Any]]:
    """The environment of a results file's content, or those of its parts; none where it holds none."""
    found = content.get("environment", {}) if isinstance(content, dict) else {}
    yield from [found] if "cpu" in found else found.values()


def _give_name(found: dict[str, Any]) -> str | None:
    """The name that an environment gained, first of its keys."""
    name = None if found.get("name") else name_of(found)
    if name is not None:
        rest = dict(found)
        found.clear()
        found.update({"name": name} | rest | {"name": name})
    return name


def _indent(text: str) -> int:
    """How far a file's second line is moved in."""
    line = text.split("\n", 2)[1]
    return len(line) - len(line.lstrip())


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


PAGES: Sequence[Page] = (
    Page(name="machines", target="docs/reference/bench.md", mark="machines", inputs=(TABLE,), render=render),
)
