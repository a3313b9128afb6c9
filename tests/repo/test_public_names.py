"""What `import upres` offers, and what it must not cost."""

import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import upres
from upres.apps.cli.main import VERBS

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ["UpresError", "Upscaler", "__version__", "evaluate", "find_model", "list_models", "restore", "upscale"]


def test_public_names_are_pinned_sorted_and_real() -> None:
    assert upres.__all__ == PUBLIC == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(upres, name) is not None


def test_the_version_is_pyprojects_and_the_changelogs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert upres.__version__ == project["version"], "install again: pip install --no-deps -e ."
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1].split()[0] == project["version"]


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(upres, "upscal")


def test_verbs_are_pinned() -> None:
    assert list(VERBS) == [
        "upscale", "restore", "video", "models", "doctor", "evaluate", "train", "export", "import", "bench",
        "challenge", "compress", "sweep", "inspect",
    ]  # fmt: skip


def test_every_verb_shows_help_with_examples() -> None:
    for verb in VERBS:
        result = _python("-m", "upres", verb, "--help")
        assert result.returncode == 0, result.stderr
        assert f"upres {verb}" in result.stdout
        assert "example" in result.stdout, f"upres {verb} --help shows no example"


def test_unknown_verb_names_the_nearest() -> None:
    result = _python("-m", "upres", "upscal", "photo.jpg")
    assert result.returncode == 2
    assert "Did you mean 'upscale'?" in result.stderr


def test_import_is_fast_and_brings_no_heavy_library() -> None:
    code = "import sys, upres; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = _python("-c", code).stdout.split()
    assert "upres" in loaded
    assert not {"torch", "numpy", "openvino", "onnxruntime", "PIL"} & set(loaded)
    assert min(_seconds("import upres") for _ in range(3)) - min(_seconds("pass") for _ in range(3)) < 0.2


def test_upscale_imports_no_torch(tmp_path: Path) -> None:
    picture = ROOT / "examples" / "chelsea.png"
    code = (
        "import sys; from upres.apps.cli.main import main;"
        f"status = main(['upscale', {str(picture)!r}, '-o', {str(tmp_path / 'out.png')!r}, '--quiet']);"
        "print(status, 'torch' in sys.modules)"
    )
    assert _python("-c", code).stdout.split()[-2:] == ["0", "False"]


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def _seconds(code: str) -> float:
    started = time.perf_counter()
    _python("-c", code)
    return time.perf_counter() - started


def test_the_version_is_looked_up_only_when_it_is_asked_for() -> None:
    """It costs 30 ms, a tenth of a small picture."""
    assert _python("-m", "upres", "--version").stdout == f"upres {upres.__version__}\n"
    code = "import sys; from upres.apps.cli.main import main; main(['models']); print('email' in sys.modules)"
    assert _python("-c", code).stdout.split()[-1] == "False"


def test_help_brings_no_heavy_library() -> None:
    code = (
        "import contextlib, io, sys; from upres.apps.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main(['upscale', '--help'])\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    loaded = set(_python("-c", code).stdout.split())
    assert "upres" in loaded
    assert not {"torch", "numpy", "openvino", "PIL", "email"} & loaded
