"""What an installation takes: a fresh environment, `pip install .`, and the bytes of each package in it."""

import platform
import subprocess
import tempfile
import venv
from collections.abc import Mapping, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from benchmarks.pages.page import ROOT, Page, Settings, results, write_results

_NOT_OURS = frozenset({"pip", "setuptools"})
"""What an environment holds before anything is installed."""
_NAMED = 4
"""Packages, the largest first, whose sizes the page names."""


def measure(_: Settings) -> None:
    """Install this checkout into an environment of its own; pip fetches what it depends on."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = (str(Path(folder) / "bin" / "python"), "-m", "pip")
        subprocess.run([*pip, "install", "--quiet", "--disable-pip-version-check", str(ROOT)], check=True)
        (site,) = Path(folder).glob("lib/python*/site-packages")
        sizes = {found: _bytes(found) for found in distributions(path=[str(site)]) if found.name not in _NOT_OURS}
        packages = [
            {"name": found.name, "version": found.version, "bytes": size}
            for found, size in sorted(sizes.items(), key=lambda item: -item[1])
        ]
    system = f"{platform.system()} {platform.machine()}"
    write_results("install", {"system": system, "python": platform.python_version(), "packages": packages})


def render(content: Mapping[str, Any]) -> str:
    """One paragraph."""
    packages = content["packages"]
    total = sum(package["bytes"] for package in packages)
    ours = next(package["bytes"] for package in packages if package["name"] == "upres")
    others = [package for package in packages if package["name"] != "upres"][:_NAMED]
    named = ", ".join(f"{package['name']} {_megabytes(package['bytes'])}" for package in others)
    return (
        f"`pip install .` into a fresh environment takes {_megabytes(total)} with all it depends on"
        f" ({content['system']}, Python {content['python']}): {named}, upres itself with its weights"
        f" {_megabytes(ours)}. No PyTorch, no CUDA, and nothing is fetched later."
    )


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.0f} MB"


def _bytes(package: Distribution) -> int:
    """Bytes of the files that pip noted for a package, compiled modules included."""
    located = (Path(str(file.locate())) for file in package.files or ())
    return sum(path.stat().st_size for path in located if path.is_file())


PAGES: Sequence[Page] = (
    Page(
        name="install",
        target="README.md",
        mark="install",
        inputs=(results("install"),),
        render=render,
        measure={"install": measure},
    ),
)
