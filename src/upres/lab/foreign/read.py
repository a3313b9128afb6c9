"""What weight files hold: tensors and plain containers, and among them the state of a network.

A pickle goes through torch's ``weights_only`` loader, which builds tensors and plain containers and runs no code.
"""

import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from upres.errors import CheckpointError

WRAPPERS = (
    "params_ema", "params", "state_dict_ema", "state_dict", "model_state_dict", "ema", "net", "model", "network",
    "generator", "netG", "weights",
)  # fmt: skip
"""Keys under which training code keeps a state, the averaged one before the raw one."""


def read(path: str | Path) -> dict[str, Any]:
    """What a ``.safetensors`` or pickled torch file holds: tensors and plain containers. The suffix is not looked at.

    Raises:
        CheckpointError: If the file is missing, empty, damaged, or asks for code to be run; nothing of it was.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    if not head:
        raise CheckpointError(f"{path}: the file is empty")
    content = _read_safetensors(path) if head[8:] == b"{" else _read_pickle(path)
    if isinstance(content, Mapping):
        return {str(key): value for key, value in content.items()}
    raise CheckpointError(f"{path}: holds a {type(content).__name__}, expected a mapping of names to tensors")


def unwrap(content: Mapping[str, Any], *, source: str = "the state") -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The state dict inside what a training run saved, and the names of what lies beside its tensors.

    Raises:
        CheckpointError: If there are no tensors.
    """
    for key in WRAPPERS:
        inner = content.get(key)
        if isinstance(inner, Mapping) and _holds_tensors(inner):
            return unwrap(inner, source=source)
    tensors = {str(key): _as_float32(value) for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        return tensors, tuple(str(key) for key in content if str(key) not in tensors)
    inside = [value for value in content.values() if isinstance(value, Mapping) and _holds_tensors(value)]
    if len(inside) == 1:
        return unwrap(inside[0], source=source)
    raise CheckpointError(f"{source}: holds no tensors; its entries are {', '.join(list(content)[:8]) or 'none'}")


def without_prefixes(state: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The state as it is, then without what wrappers such as DataParallel put before every name."""
    while True:
        yield state
        first = {key.partition(".")[0] for key in state}
        if len(first) > 1 or not all("." in key for key in state):
            return
        state = {key.partition(".")[2]: value for key, value in state.items()}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: damaged .safetensors file ({error})") from error


def _read_pickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old formats and unusual pickles: what fails says so itself
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"loading it would call {wanted[1]}" if wanted else "it is damaged, or no pickle of plain tensors"
        raise CheckpointError(
            f"{path}: refused, nothing was run: {what}. Ask for a file that holds only tensors "
            "(a state_dict or .safetensors)"
        ) from error
    except Exception as error:  # a damaged archive fails in whatever way its bytes lead to
        reason = str(error).partition(".")[0] or type(error).__name__
        raise CheckpointError(f"{path}: damaged, or not a weight file ({reason})") from error


def _holds_tensors(content: Mapping[Any, Any]) -> bool:
    return any(isinstance(v, Tensor) or (isinstance(v, Mapping) and _holds_tensors(v)) for v in content.values())


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
