"""Try an installed upres as its user would: enlarge a picture, ask `upres doctor`; nothing of the checkout is imported.

    python .ci/try_wheel.py [--without-native]

The Python that runs this file is the one whose upres is tried.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "examples" / "chelsea.png"
SIZE = (902, 600)
"""Twice the picture's 451x300."""


def main(with_native: bool) -> None:
    """Exit with a message where something is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        home = run(folder, "-c", "import upres; print(upres.__file__)").strip()
        expect(not Path(home).is_relative_to(ROOT / "src"), f"{home} is of the checkout")
        enlarged = Path(folder) / "twice.png"
        run(folder, "-m", "upres", "upscale", str(PICTURE), "-o", str(enlarged), "--quiet")
        size = json.loads(run(folder, "-c", f"from PIL import Image; print(list(Image.open({str(enlarged)!r}).size))"))
        expect(tuple(size) == SIZE, f"{PICTURE.name} became {size}, not {SIZE}")
        run(folder, "-m", "upres", "upscale", str(PICTURE), "-o", str(Path(folder) / "fast.png"), "--fast", "--quiet")
        report = json.loads(run(folder, "-m", "upres", "doctor", "--json"))
        native = next(engine for engine in report["engines"] if engine["name"] == "native")
        expect(native["available"] is with_native, f"native engine: {native}")
    print(f"{home}: {PICTURE.name} enlarged, doctor is content, native engine {'there' if with_native else 'left out'}")


def run(folder: str, *arguments: str) -> str:
    """What this Python prints, run in ``folder`` without what the environment says of modules."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    expect(done.returncode == 0, f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(holds: bool, otherwise: str) -> None:
    """End the program where something does not hold."""
    if not holds:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    main("--without-native" not in sys.argv[1:])
