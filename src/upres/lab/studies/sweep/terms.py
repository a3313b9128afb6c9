"""What has to be equal on all machines that work on a sweep, so that results and resumed runs are the same ones."""

import hashlib
import platform
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from upres.errors import DataError, LedgerError
from upres.machine.digest import digest


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the pictures of a sweep lie on a machine."""

    data: str
    """Folder of training pictures."""
    validation: str
    """Folder of pictures to validate on; empty for what `upres.lab.training.run.run_recipe` takes by itself."""
    sets: tuple[str, ...]
    """Data sets that finished networks are measured on."""


def terms_of(places: Places) -> dict[str, Any]:
    """The versions and the digests of all pictures, as JSON-ready data.

    Raises:
        DataError: If a folder is missing or empty.
    """
    folders = [places.data, *filter(None, [places.validation]), *places.sets]
    return {
        "versions": {
            "python": ".".join(platform.python_version_tuple()[:2]),
            **{package: version(package).partition("+")[0] for package in ("upres", "torch")},
        },
        "pictures": [_digest_of_folder(Path(folder)) for folder in folders],
    }


def require_same(here: Mapping[str, Any], planned: Mapping[str, Any], places: Places) -> None:
    """Refuse to work under other terms than those of the plan.

    Raises:
        LedgerError: If versions or pictures differ; it names what differs, and the machine.
    """
    found = [
        f"{name} {mine}, and the plan was made with {planned['versions'].get(name)}"
        for name, mine in here["versions"].items()
        if mine != planned["versions"].get(name)
    ]
    names = [asdict(places)["data"], *filter(None, [places.validation]), *places.sets]
    if len(here["pictures"]) != len(planned["pictures"]):
        found.append(f"{len(here['pictures'])} folders of pictures, and the plan has {len(planned['pictures'])}")
    else:
        pairs = zip(names, here["pictures"], planned["pictures"], strict=True)
        found += [f"{name}: other pictures than the plan's" for name, mine, theirs in pairs if mine != theirs]
    if found:
        raise LedgerError(
            f"on {socket.gethostname()}: {'; '.join(found)}; make them equal, or plan once more into the same folder "
            "if the sweep may go on like this"
        )


def _digest_of_folder(folder: Path) -> str:
    """Of names and contents of all files in a folder."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected a folder of pictures")
    files = _files(folder)
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.relative_to(folder).as_posix()} {digest(path)}\n".encode())
    return whole.hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise DataError(f"{folder}: no file in it; expected a folder of pictures")
    return files
