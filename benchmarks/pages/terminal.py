"""A terminal at work, as an SVG: commands, and what they printed when this program ran them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.pages.page import write
from benchmarks.pages.tables import machine_line
from upres.machine.environment import environment

NAME = "terminal.svg"
COMMANDS = (
    "upres upscale photo.png",
    "upres upscale old.jpg --scale 4",
    "upres upscale comics/ -o large/ --fast",
    "upres upscale comics/ -o large/ --fast",
)
_ADVANCE, _LINE, _EDGE = 8, 20, 16
"""Pixels from letter to letter, from line to line, and around the text."""
_BACK, _TEXT, _COMMAND = "#0d1117", "#c9d1d9", "#7ee787"
_PROMPT = "$ "


def measure(files: Mapping[str, bytes], target: Path) -> dict[str, Any]:
    """Run the commands on these files, draw the terminal, and say what it shows and on which machine.

    Args:
        files: Path in the folder of the run -> content.
        target: The SVG to write.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        runs = [{"command": command, "printed": _run(command, folder)} for command in COMMANDS]
    write(target, _svg(runs))
    return {"environment": environment(), "runs": runs}


def render(content: Mapping[str, Any], *, folder: str) -> str:
    """The picture, with the machine whose seconds it shows."""
    said = "; ".join(dict.fromkeys(run["command"] for run in content["runs"]))
    here = content["environment"]
    seconds = f"Its seconds are those of {here['cores']} cores of {machine_line(here)}."
    return f"![A terminal: {said}]({folder}/{NAME})\n\n{seconds}"


def _run(command: str, folder: str) -> list[str]:
    """The lines that a command prints."""
    program, *arguments = command.split()
    environ = {**os.environ, "COLUMNS": "100"}
    module = [sys.executable, "-m", program, *arguments]
    done = subprocess.run(module, cwd=folder, env=environ, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _svg(runs: Sequence[Mapping[str, Any]]) -> str:
    lines = list[tuple[str, str]]()
    for run in runs:
        lines += [(_PROMPT + run["command"], _COMMAND), *((line, _TEXT) for line in run["printed"])]
    width = max(len(text) for text, _ in lines) * _ADVANCE + 2 * _EDGE
    height = len(lines) * _LINE + 2 * _EDGE
    texts = [
        f'<text x="{_EDGE}" y="{_EDGE + _LINE * index + 14}" fill="{color}" xml:space="preserve"'
        f' textLength="{len(text) * _ADVANCE}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for index, (text, color) in enumerate(lines)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\','
            ' monospace" font-size="13">',
            f'<rect width="{width}" height="{height}" rx="8" fill="{_BACK}"/>',
            *texts,
            "</svg>",
            "",
        ]
    )
