"""Fuzz the readers of weights: ``python -m tests.fuzz.checkpoints --seconds 1200``.

atheris mutates model cards, the pickles within torch files, such files as a whole, and ONNX graphs, guided by the lines
that they reach in `upres.models` and `upres.lab.foreign`. A finding is an exception that is not of the error tree, a
message of several lines, an end by a signal, more than ten seconds for one file, or more than 2 GiB.
"""

import argparse
import io
import json
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.guided import guided, require_guided
from tests.fuzz.workers import run_worker

TIMEOUT_S = 10
MEMORY_MIB = 2048
LONGEST_MESSAGE = 1100
_EVERY = 50
_COUNTS = "counts.json"
_RECORD = "archive/data.pkl"


def fuzz(kind: str, seconds: float, folder: Path) -> dict[str, Any]:
    """Fuzz one reader in a process of its own.

    Returns:
        A row: kind, runs, how many of them were read and refused, and findings by name of their file in ``folder``.
    """
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(SEEDS[kind]()):
        (corpus / f"seed{index}").write_bytes(data)
    command = [sys.executable, "-m", "tests.fuzz.checkpoints", "--kind", kind, "--seconds", str(int(seconds) or 1)]
    status = run_worker([*command, "--worker", str(folder)], seconds, folder / "log")
    counts = json.loads((folder / _COUNTS).read_text()) if (folder / _COUNTS).is_file() else {}
    findings = [path.name for path in folder.glob("*-*") if path.name.split("-")[0] in ("crash", "timeout", "oom")]
    if status and not findings:
        findings = [f"ended with {status}: {(folder / 'log').read_text(errors='replace')[-2000:]}"]
    return {"kind": kind, "seconds": round(seconds), **counts, "findings": findings}


def _card_seeds() -> list[bytes]:
    from upres.models.catalog import find

    cards = [find(name).card.to_dict() for name in ("esr_tm_x2", "rlfn_c32b6_x4")]
    small = [
        {**card, "training": {}, "scores": card["scores"][:1], "latencies": card["latencies"][:1]} for card in cards
    ]
    return [json.dumps(card).encode() for card in small]


def _archives() -> list[bytes]:
    import torch

    weight = torch.rand(8, 1, 3, 3)
    found = []
    for content in (
        {"filter.weight": weight},
        {"params": {"a.weight": weight.half(), "b": weight[:2]}, "epoch": 3, "best": np.float64(1.5)},
        {"state_dict": {"module.w": torch.nn.Parameter(weight)}, "list": [1, (2.5, None, "x")]},
    ):
        stream = io.BytesIO()
        torch.save(content, stream)
        found.append(stream.getvalue())
    return found


def _legacy() -> list[bytes]:
    import torch

    stream = io.BytesIO()
    torch.save({"filter.weight": torch.rand(8, 1, 3, 3)}, stream, _use_new_zipfile_serialization=False)
    return [stream.getvalue()]


def _pickle_seeds() -> list[bytes]:
    found = []
    for content in _archives():
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found.append(archive.read(_RECORD))
    return found


def _graph_seeds() -> list[bytes]:
    from upres.models.catalog import WEIGHTS_DIR

    return [(WEIGHTS_DIR / f"{name}.onnx").read_bytes() for name in ("esr_max_x2", "esr_tm_x2")]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "card": _card_seeds,
    "pickle": _pickle_seeds,
    "archive": lambda: [*_archives(), *_legacy()],
    "graph": _graph_seeds,
}
"""What is fuzzed -> the small files that it begins with."""


class _Worker:
    """What is done with each input; what is not an error of ours goes on to atheris, which keeps the input."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._read: Callable[[bytes], None] = getattr(self, f"_read_{kind}")
        self._folder, self._path = folder, folder / "input.pth"
        self._counts: Counter[str] = Counter({"runs": 0, "read": 0, "refused": 0})
        self._records: dict[str, bytes] = {}
        with zipfile.ZipFile(io.BytesIO(_archives()[1])) as archive:
            self._records = {name: archive.read(name) for name in archive.namelist()}

    def __call__(self, data: bytes) -> None:
        from upres.errors import UpresError

        self._counts["runs"] += 1
        try:
            self._read(data)
            self._counts["read"] += 1
        except UpresError as error:
            self._counts["refused"] += 1
            if not str(error).isprintable() or len(str(error)) > LONGEST_MESSAGE:
                raise AssertionError(f"expected one short line, got {str(error)[:200]!r}") from error
        if self._counts["runs"] % _EVERY == 1:
            (self._folder / _COUNTS).write_text(json.dumps(self._counts))

    def _read_card(self, data: bytes) -> None:
        from safetensors.numpy import save_file

        from upres.models.card import HEADER_KEY, read_card

        save_file({"w": np.zeros(1)}, self._path, metadata={HEADER_KEY: data.decode("utf-8", "replace")})
        read_card(self._path).to_dict()

    def _read_pickle(self, data: bytes) -> None:
        with zipfile.ZipFile(self._path, "w") as archive:
            for name, content in self._records.items():
                archive.writestr(name, data if name == _RECORD else content)
        self._read_archive(self._path.read_bytes())

    def _read_archive(self, data: bytes) -> None:
        from upres.lab.foreign.read import parts, read, unwrap

        self._path.write_bytes(data)
        state, _ = unwrap(read(self._path))
        for part, _ in parts(state):
            assert part

    def _read_graph(self, data: bytes) -> None:
        from upres.models.catalog import WEIGHTS_DIR
        from upres.models.graph import require_graph

        self._path.write_bytes(data)
        require_graph(self._path, weights=WEIGHTS_DIR / "esr_max_x2.safetensors", channels=1)


def _work(kind: str, seconds: int, folder: Path) -> None:
    import atheris

    with guided("upres.models", "upres.lab.foreign"):
        import upres.lab.foreign.read
        import upres.models.graph
    require_guided(upres.lab.foreign.read.read)
    require_guided(upres.models.graph.require_graph)
    worker = _Worker(kind, folder)
    for data in SEEDS[kind]():  # imports what is needed before anything is timed
        worker(data)
    options = {
        "max_total_time": seconds,
        "timeout": TIMEOUT_S,
        "rss_limit_mb": MEMORY_MIB,
        "max_len": 65536,
        "artifact_prefix": f"{folder}/",
        "verbosity": 0,
    }
    atheris.Setup([sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(folder / "corpus")], worker)
    atheris.Fuzz()


def main() -> None:
    """Fuzz every reader, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all readers together (default: 60)")
    parser.add_argument("--kind", choices=SEEDS, help="fuzz this one alone")
    parser.add_argument("--findings", type=Path, help="folder for the files that are findings")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker is not None:
        _work(args.kind, int(args.seconds), args.worker)
        return
    kinds = list(SEEDS) if args.kind is None else [args.kind]
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for kind in kinds:
            row = fuzz(kind, args.seconds / len(kinds), (args.findings or Path(scratch)) / kind)
            failed |= bool(row["findings"])
            print(row, flush=True)  # noqa: T201
    sys.exit(failed)


if __name__ == "__main__":
    main()
