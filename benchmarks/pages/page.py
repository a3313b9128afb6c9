"""What a page of figures is: where it stands, which results it shows, how these are measured and rendered."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from upres.machine.atomic import atomic_file
from upres.machine.environment import environment

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What measuring needs besides the page."""

    shared: Path = Path("../shared")
    """Folder with ``data/train``, ``data/test`` and ``reference``."""
    runs: Path = Path("runs/int8")
    """Folder of the 8-bit networks: ``trained/best.safetensors`` and the graphs made of them."""
    sweep: Path = Path("sweeps/pool")
    """Folder of the sweep of the plan ``pool``."""
    repeats: int = 3
    """Runs of each contender where whole processes are timed."""
    checkpoints: Sequence[str] = ()
    """Networks that do not ship, to be shown beside the pool."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """One network's time on one machine, wherever a page shows it; what all but ``ms`` name must have one value."""

    machine: str | None
    model: str
    engine: str
    arithmetic: str
    width: int
    """Of what comes out."""
    height: int
    threads: int
    ms: float


def _none(*_: Any) -> Iterable[Latency]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Page:
    """A file, or a part of one between two marks, that a program writes from files of results."""

    name: str
    target: str
    """Path below the root."""
    inputs: tuple[str, ...]
    """Paths below the root of JSON files and of tables, ``.csv``."""
    render: Callable[..., str]
    """Text from the content of each input, in their order."""
    mark: str | None = None
    """Name of the marks in the target, ``<!-- mark -->``; without one the text is the whole file."""
    latencies: Callable[..., Iterable[Latency]] = _none
    """The latencies that the text shows, from the same contents."""
    measure: Mapping[str, Callable[[Settings], None]] = field(default_factory=dict)
    """Part -> what measures it and writes it into the inputs."""
    command: str = ""
    """What makes the inputs where ``measure`` does not."""

    def contents(self) -> list[Any]:
        """What the inputs hold."""
        return [read(ROOT / name) for name in self.inputs]

    def text(self) -> str:
        """What the target should hold."""
        rendered = self.render(*self.contents())
        return rendered if self.mark is None else fill((ROOT / self.target).read_text(), self.mark, rendered)

    def is_written(self) -> bool:
        """Whether the target holds what the inputs say."""
        path = ROOT / self.target
        return path.is_file() and path.read_text() == self.text()

    def write(self) -> None:
        """Write the target from the inputs."""
        write(ROOT / self.target, self.text())


def results(name: str) -> str:
    """The path of a results file as pages name it."""
    return f"benchmarks/results/{name}.json"


def read(path: Path) -> Any:
    """A JSON file's content; of a table its rows, column -> cell."""
    text = path.read_text()
    return list(csv.DictReader(text.splitlines())) if path.suffix == ".csv" else json.loads(text)


def write(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_file(path) as stream:
        stream.write(text.encode())


def write_results(name: str, content: Any, *, indent: int | None = 1) -> None:
    """Write a results file; without ``indent`` all in one line."""
    write(ROOT / results(name), json.dumps(content, indent=indent) + "\n")


def measured_here(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows with the environment they were measured in."""
    return {"environment": environment(), "rows": list(rows)}


def fill(page: str, name: str, text: str) -> str:
    """The page with the text between two marks replaced.

    Raises:
        ValueError: If it has no such marks.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin not in page or end not in page:
        raise ValueError(f"expected the marks {begin} and {end} in the page; write them where the table belongs")
    head, rest = page.split(begin, 1)
    return f"{head}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}"
