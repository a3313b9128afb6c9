"""Imports point down: each room may use only the rooms listed for it here."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "upres"

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "machine": set(),
    "image": {"machine"},
    "models": {"machine"},
    "metrics": {"image"},
    "evaluation": {"metrics", "image", "machine", "models", "engines"},
    "engines": {"models", "machine"},
    "engines.torch": {"models", "engines", "lab.checkpoint"},
    "pipeline": {"engines", "models", "image"},
    "upscaler": {"models", "image", "machine", "pipeline"},
    "video": {"image", "pipeline", "engines", "upscaler", "folders", "machine"},
    "folders": {"upscaler", "image", "pipeline", "machine"},
    "bench": {"engines", "models", "machine"},
    "lab.blocks": set(),
    "lab.archs": {"lab.blocks", "lab.zoo", "models"},
    "lab.zoo": {"models"},
    "lab.complexity": set(),
    "lab.checkpoint": {"models", "lab.zoo", "machine"},
    "lab.foreign": {"models", "machine", "lab.checkpoint", "lab.zoo", "lab.blocks", "lab.export"},
    "lab.data": {"machine", "image", "models", "evaluation"},
    "lab.losses": {"image", "lab.checkpoint", "models"},
    "lab.training": {
        "lab.checkpoint",
        "lab.complexity",
        "lab.zoo",
        "lab.losses",
        "lab.data",
        "lab.compress",
        "engines.torch",
        "image",
        "models",
        "machine",
        "metrics",
        "evaluation",
    },
    "lab.studies": {
        "evaluation",
        "lab.training",
        "lab.data",
        "lab.losses",
        "lab.checkpoint",
        "lab.export",
        "lab.subject",
        "bench",
        "models",
        "machine",
    },
    "lab.compress": {"lab.blocks", "lab.complexity", "lab.data", "models"},
    "lab.subject": {"lab.checkpoint", "lab.complexity", "lab.compress", "lab.foreign", "models"},
    "lab.inspect": {"lab.subject", "lab.complexity", "lab.compress", "image", "machine"},
    "lab.challenge": {
        "lab.complexity",
        "lab.checkpoint",
        "lab.subject",
        "evaluation",
        "bench",
        "engines",
        "models",
        "metrics",
        "image",
        "machine",
    },
    "lab.export": {"lab.checkpoint", "lab.compress", "models"},
}
"""Room -> rooms it may import, besides itself and ``errors``. The longest name that fits a module counts."""

MODULES = sorted(SOURCE.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def _room(module: str) -> str | None:
    return max((room for room in ALLOWED if _within(module, room)), key=len, default=None)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_only_what_its_room_may(path: Path) -> None:
    module = _name(path)
    if module in {"", "__main__", "lab"} or _within(module, "apps"):
        return
    room = _room(module)
    assert room is not None, f"{module} is in no room of this test's table"
    own = {room, room.split(".")[0]} if not room.startswith("lab") else {room}
    allowed = ALLOWED[room] | own | {"errors"}
    wrong = [
        target
        for target in (name.removeprefix("upres.") for name in _imports(path) if name.startswith("upres."))
        if not any(_within(target, name) for name in allowed)
    ]
    assert not wrong, f"{module} (room {room}) may not import {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_the_lab_and_the_torch_engine_import_torch(path: Path) -> None:
    module = _name(path)
    if _within(module, "lab") or module == "engines.torch":
        return
    torch = [name for name in _imports(path) if name.split(".")[0] in {"torch", "lightning_fabric"}]
    assert not torch, f"{module} imports {torch}"


@pytest.mark.parametrize("path", [p for p in MODULES if _within(_name(p), "lab.archs")], ids=_name)
def test_architectures_never_import_each_other(path: Path) -> None:
    others = [name for name in _imports(path) if name.startswith("upres.lab.archs.")]
    assert not others


def test_nothing_imports_the_apps() -> None:
    for path in MODULES:
        if not _within(_name(path), "apps") and _name(path) != "__main__":
            assert not [name for name in _imports(path) if name.startswith("upres.apps")], path


def test_every_room_of_the_table_exists() -> None:
    names = {_name(path) for path in MODULES}
    for room in ALLOWED.keys() | set().union(*ALLOWED.values()):
        assert any(_within(name, room) for name in names), f"no module in room {room}"


@pytest.mark.parametrize("room", ALLOWED)
def test_every_allowed_edge_is_used(room: str) -> None:
    used = {
        max(edges, key=len)
        for path in MODULES
        if _room(_name(path)) == room
        for name in _imports(path)
        if (edges := [edge for edge in ALLOWED[room] if _within(name.removeprefix("upres."), edge)])
    }
    unused = sorted(ALLOWED[room] - used)
    assert not unused, f"room {room} imports nothing of {unused}: take them out of this test's table"
