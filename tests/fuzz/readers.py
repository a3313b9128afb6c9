"""Fuzz the readers of pictures: ``python -m tests.fuzz.readers --seconds 1200 --out FILE.json``.

atheris mutates small files of each format (tests/fuzz/seeds.py), guided by the lines that they reach in
`upres.image`. A finding is an exception that is not of the error tree, a message of several lines, an end by a signal,
more than ten seconds for one file, or more than 1.5 GiB.
"""

import argparse
import io
import json
import resource
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.fuzz.guided import guided, require_guided
from tests.fuzz.seeds import READERS, seeds
from tests.fuzz.workers import run_worker

MAX_PIXELS = 2**22
MAX_MEMORY = 2**28
TIMEOUT_S = 10
MEMORY_MIB = 1536
LONGEST_MESSAGE = 1000
_EVERY = 50
_COUNTS, _EXCEPTIONS = "counts.json", "exceptions.json"


def fuzz(form: str, seconds: float, folder: Path) -> dict[str, Any]:
    """Fuzz one format's reader in processes of its own, a new one after each that ends early.

    Returns:
        A row: format, seeds, runs, what came of them, the longest time for one file, memory, findings.
    """
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    made = seeds(form)
    for index, data in enumerate(made):
        (corpus / f"seed{index}").write_bytes(data)
    totals: Counter[str] = Counter()
    findings: dict[str, str] = {}
    slowest = peak = 0.0
    end, start = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 1:
        start += 1
        work = folder / f"process{start}"
        work.mkdir()
        command = [sys.executable, "-m", "tests.fuzz.readers", "--format", form, "--seconds", str(int(left) or 1)]
        command += ["--worker", str(work), "--corpus", str(corpus), "--seed", str(start)]
        status = run_worker(command, left, work / "log")
        counts = json.loads((work / _COUNTS).read_text()) if (work / _COUNTS).is_file() else {}
        slowest, peak = max(slowest, counts.pop("slowest_s", 0.0)), max(peak, counts.pop("peak_mib", 0))
        totals.update(counts)
        findings |= json.loads((work / _EXCEPTIONS).read_text()) if (work / _EXCEPTIONS).is_file() else {}
        for artifact in sorted(work.glob("*-*")):
            if artifact.name.split("-")[0] in ("crash", "timeout", "oom"):
                findings[f"{artifact.name.split('-')[0]}, {artifact.stat().st_size} bytes"] = (
                    artifact.read_bytes().hex()
                )
        if status and not counts:
            findings[f"ended with {status} before the first file"] = (work / "log").read_text()[-2000:]
            break
    return {
        "format": form,
        "seeds": len(made),
        "processes": start,
        "seconds": round(seconds),
        **{name: totals[name] for name in ("runs", "pictures", "refused", "too_large")},
        "slowest_s": round(slowest, 3),
        "peak_mib": round(peak),
        "findings": findings,
    }


class _Worker:
    """What is done with each file, and what came of all of them."""

    def __init__(self, form: str, folder: Path) -> None:
        self._form, self._folder = form, folder
        self._counts: Counter[str] = Counter()
        self._slowest = 0.0
        self._exceptions: dict[str, str] = {}

    def __call__(self, data: bytes) -> None:
        for content in _variants(self._form, data):
            start = time.perf_counter()
            self._counts["runs"] += 1
            self._counts[self._read(content)] += 1
            self._slowest = max(self._slowest, time.perf_counter() - start)
        if self._counts["runs"] % _EVERY < 2:
            self._save()

    def _read(self, content: bytes) -> str:
        from upres.errors import ImageTooLargeError, UpresError
        from upres.image.io import read

        try:
            picture = read(named(content, self._form), max_pixels=MAX_PIXELS, max_memory=MAX_MEMORY)
            assert min(picture.size) >= 1
        except UpresError as error:
            message = str(error)
            if "\n" in message or len(message) > LONGEST_MESSAGE:
                self._found(f"message: {message[:80]!r}", content)
            return "too_large" if isinstance(error, ImageTooLargeError) else "refused"
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            self._found(f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}", content)
            return "refused"
        return "pictures"

    def _found(self, what: str, content: bytes) -> None:
        if what not in self._exceptions:
            self._exceptions[what] = content.hex()
            (self._folder / _EXCEPTIONS).write_text(json.dumps(self._exceptions))

    def _save(self) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        content = {**self._counts, "slowest_s": self._slowest, "peak_mib": peak}
        (self._folder / _COUNTS).write_text(json.dumps(content))


def named(content: bytes, form: str) -> io.BytesIO:
    """A stream with a name: TGA has no mark by which to know it."""
    stream = io.BytesIO(content)
    stream.name = f"input.{form}"  # type: ignore[attr-defined]
    return stream


def _variants(form: str, data: bytes) -> Iterator[bytes]:
    """The file, and where checksums would stop every mutation, the file with the right ones."""
    yield data
    if form == "png" and (repaired := _with_checksums(data)) != data:
        yield repaired


def _with_checksums(data: bytes) -> bytes:
    pieces, position = [data[:8]], 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        body = data[position + 4 : position + 8 + length]
        if len(body) < 4 + length:
            break
        pieces += [data[position : position + 4], body, zlib.crc32(body).to_bytes(4, "big")]
        position += 12 + length
    return b"".join([*pieces, data[position:]])


def _work(form: str, seconds: int, folder: Path, corpus: Path, seed: int) -> None:
    import atheris

    with guided("upres.image"):
        import upres.image.io
        import upres.image.read
    require_guided(upres.image.read.read)
    for data in seeds(form):  # imports the codec and its libraries before anything is timed
        upres.image.io.read(named(data, form))
    options = {
        "max_total_time": seconds,
        "timeout": TIMEOUT_S,
        "rss_limit_mb": MEMORY_MIB,
        "max_len": 65536,
        "seed": seed,
        "artifact_prefix": f"{folder}/",
        "verbosity": 0,
    }
    atheris.Setup(
        [sys.argv[0], *(f"-{key}={value}" for key, value in options.items()), str(corpus)], _Worker(form, folder)
    )
    atheris.Fuzz()


def main() -> None:
    """Fuzz every reader, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all readers together (default: 60)")
    parser.add_argument("--format", choices=READERS, help="fuzz this one alone")
    parser.add_argument("--processes", type=int, default=1, help="readers at the same time (default: 1)")
    parser.add_argument("--out", type=Path, help="write what came of it here, as JSON")
    parser.add_argument("--findings", type=Path, help="folder for the files that are findings")
    for name in ("--worker", "--corpus"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker is not None:
        _work(args.format, int(args.seconds), args.worker, args.corpus, args.seed)
        return
    forms = READERS if args.format is None else (args.format,)
    rows = []
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(args.processes) as pool:
        for row in pool.map(lambda form: fuzz(form, args.seconds / len(forms), Path(scratch) / form), forms):
            rows.append(row)
            print({**row, "findings": list(row["findings"])}, flush=True)  # noqa: T201
    _keep(rows, args.findings)
    if args.out is not None:
        from upres.machine.environment import environment

        shown = [{**row, "findings": sorted(row["findings"])} for row in rows]
        limits = {"max_pixels": MAX_PIXELS, "timeout_s": TIMEOUT_S, "memory_mib": MEMORY_MIB}
        packages = ("atheris", "imagecodecs", "tifffile", "pillow-heif")
        content = {"environment": environment(*packages), "limits": limits, "rows": shown}
        args.out.write_text(json.dumps(content, indent=1) + "\n")
    sys.exit(any(row["findings"] for row in rows))


def _keep(rows: list[dict[str, Any]], folder: Path | None) -> None:
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        for index, (what, content) in enumerate(row["findings"].items()):
            (folder / f"{row['format']}-{index}.txt").write_text(f"{what}\n{content}\n")


if __name__ == "__main__":
    main()
