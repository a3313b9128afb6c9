"""The models that ship, and any model file: from a name or a path to a card and its files."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from upres.errors import CheckpointError, Hint, UnknownModelError, near_miss
from upres.models.card import ModelCard, read_card, weights_digest

WEIGHTS_DIR = Path(__file__).parent / "weights"


@dataclass(frozen=True, kw_only=True)
class Model:
    """A card and the files that hold the network it describes."""

    card: ModelCard
    weights: Path
    """``.safetensors`` with the parameters."""
    graph: Path | None = None
    """``.onnx`` of the same network, for the general engines."""
    int8_graph: Path | None = None
    """``.int8.onnx`` of the same network with its wide convolutions in 8 bits."""


@cache
def list_models() -> tuple[Model, ...]:
    """Every model inside the package, sorted by name."""
    return tuple(_from_file(path) for path in sorted(WEIGHTS_DIR.glob("*.safetensors")))


def find(name: str | Path) -> Model:
    """The shipped model of that name, or the one in the ``.safetensors`` file at that path.

    Raises:
        UnknownModelError: If it is neither; the nearest name is suggested.
        CheckpointError: If it is a file that carries no card.
    """
    path = WEIGHTS_DIR / f"{name}.safetensors"
    if path.is_file():
        return _from_file(path)
    path = Path(name)
    if path.is_file():
        if path.suffix != ".safetensors":
            raise CheckpointError(f"{path}: expected a .safetensors file", hint=Hint.IMPORT_MODEL)
        return _from_file(path)
    known = [model.card.name for model in list_models()]
    raise UnknownModelError(f"no model '{name}'.{near_miss(str(name), known)}", hint=Hint.LIST_MODELS)


def find_all(name: str | Path) -> tuple[Model, ...]:
    """The model that `find` finds, or for the name of a shipped family, ``esr_tm``, its model of every scale.

    Raises:
        UnknownModelError: If there is neither.
        CheckpointError: If it is a file that carries no card.
    """
    named = ((path, path.stem.rpartition("_x")) for path in sorted(WEIGHTS_DIR.glob("*_x*.safetensors")))
    family = [path for path, (family, _, scale) in named if family == str(name) and scale.isdigit()]
    return tuple(map(_from_file, family)) or (find(name),)  # the cards of all models take 12 ms


def digest_of(models: Iterable[Model]) -> str:
    """16 hexadecimal digits that change when the weights of one of these models change."""
    content = hashlib.sha256()
    for model in models:
        content.update(weights_digest(model.weights).encode())
    return content.hexdigest()[:16]


def _from_file(path: Path) -> Model:
    graphs = [file if file.is_file() else None for file in (path.with_suffix(".onnx"), path.with_suffix(".int8.onnx"))]
    return Model(card=read_card(path), weights=path, graph=graphs[0], int8_graph=graphs[1])
