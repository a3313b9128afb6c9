"""What came of fuzzing the readers of pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.pages.page import Page, results
from benchmarks.pages.tables import RIGHT, machine_line, table

COMMAND = "python -m tests.fuzz.readers --seconds 2500 --out benchmarks/results/fuzz_readers.json"

INTRODUCTION = """# Fuzzed readers

`tests/fuzz/readers.py` makes small files of every format and kind, and atheris mutates them, guided by the lines that
they reach in `upres.image`. A finding is an exception that is not one of ours, a message of several lines, an end by a
signal, more than {timeout} s for one file, or more than {memory} MiB. Each reader has a process of its own; PNGs are
read as they are and once more with their checksums put right. The limit is {megapixels:.1f} megapixels.

Written by `python -m benchmarks` from `benchmarks/results/fuzz_readers.json`, which this command writes:
`{command}`. {machine}; {versions}.
"""


def render(content: Mapping[str, Any]) -> str:
    """The Markdown page: a row for each format."""
    limits, rows = content["limits"], content["rows"]
    found = content["environment"]["versions"]
    versions = ", ".join(f"{name} {found[name]}" for name in ("atheris", "pillow", "imagecodecs", "tifffile"))
    head = INTRODUCTION.format(
        timeout=limits["timeout_s"],
        memory=limits["memory_mib"],
        megapixels=limits["max_pixels"] / 1e6,
        command=COMMAND,
        machine=machine_line(content["environment"]),
        versions=versions,
    )
    headings = (
        "format",
        "seeds",
        "s",
        "files read",
        "pictures",
        "refused",
        "too large",
        "slowest, ms",
        "MiB",
        "findings",
    )
    lines = [
        (
            row["format"],
            *(f"{row[name]:,}" for name in ("seeds", "seconds", "runs", "pictures", "refused", "too_large")),
            f"{1000 * row['slowest_s']:.0f}",
            str(row["peak_mib"]),
            str(len(row["findings"])),
        )
        for row in rows
    ]
    total = sum(row["runs"] for row in rows)
    said = f"{total:,} files in all. *MiB* is the most that the process took, the fuzzer in it."
    return "\n".join([head, table(headings, lines, align=RIGHT), "", said, ""])


PAGES: Sequence[Page] = (
    Page(
        name="fuzz",
        target="docs/reports/fuzz.md",
        inputs=(results("fuzz_readers"),),
        render=render,
        command=COMMAND,
    ),
)
