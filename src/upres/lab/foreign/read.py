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
from upres.lab.foreign.bounds import HARMLESS, STRIP, quoted, require_numbers, require_sound_archive

WRAPPERS = (
    "params_ema", "params", "state_dict_ema", "state_dict", "model_state_dict", "ema", "net", "model", "network",
    "generator", "netG", "weights",
)  # fmt: skip
"""Keys under which training code keeps a state, the averaged one before the raw one."""


BOOKKEEPING = ("n_averaged", "num_updates", "decay", "total_ops", "total_params")
"""Single numbers that averaging and counting leave among the tensors."""
DEEPEST = 8
"""Mappings within mappings; training code has three or four."""
_NEVER = (
    "builtins",
    "os",
    "posix",
    "nt",
    "subprocess",
    "sys",
    "shutil",
    "socket",
    "importlib",
    "runpy",
    "pty",
    "ctypes",
)
"""Modules whose names in a pickle are no accident."""


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


def unwrap(
    content: Mapping[str, Any], *, source: str = "the state", depth: int = 0
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The state dict inside what a training run saved, and the names of what lies beside its tensors.

    Args:
        content: What `read` found.
        source: How messages call it.
        depth: How many mappings this one lies in.

    Raises:
        CheckpointError: If there are no tensors, some are not numbers, or mappings lie in each other without end.
    """
    if depth > DEEPEST:
        raise CheckpointError(f"{source}: its mappings hold each other, or lie deeper than {DEEPEST}")
    for key in WRAPPERS:
        inner = content.get(key)
        if isinstance(inner, Mapping) and _holds_tensors(inner):
            return unwrap(inner, source=source, depth=depth + 1)
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        require_numbers(tensors, source=source)
        kept = {key: _as_float32(value) for key, value in tensors.items() if not _is_bookkeeping(key, value)} or tensors
        return kept, tuple(str(key) for key in content if str(key) not in kept)
    inside = [value for value in content.values() if isinstance(value, Mapping) and _holds_tensors(value)]
    if len(inside) == 1:
        return unwrap(inside[0], source=source, depth=depth + 1)
    raise CheckpointError(f"{source}: holds no tensors; its entries are {', '.join(list(content)[:8]) or 'none'}")


def without_prefixes(state: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The state as it is, then without what wrappers such as DataParallel put before every name."""
    while True:
        yield state
        first = {key.partition(".")[0] for key in state}
        if len(first) > 1 or not all("." in key for key in state):
            return
        state = {key.partition(".")[2]: value for key, value in state.items()}


def parts(state: dict[str, Tensor]) -> Iterator[tuple[dict[str, Tensor], tuple[str, ...]]]:
    """The state in every way that wrappers may have left it, and the names that are left out in each.

    First as `without_prefixes` has it; then, where names begin differently, as in a file that holds a generator and a
    discriminator, what each beginning has for itself: averaged weights first.
    """
    whole = state
    for whole in without_prefixes(state):
        yield whole, ()
    beginnings = dict.fromkeys(name.partition(".")[0] for name in whole if "." in name)
    for beginning in sorted(beginnings, key=lambda name: "ema" not in name.lower()):
        inside = {name: tensor for name, tensor in whole.items() if name.startswith(f"{beginning}.")}
        outside = tuple(name for name in whole if name not in inside)
        if len(inside) < 2 and any(whole[name].numel() > 1 for name in outside):
            continue  # a single tensor is easily taken for a network of one layer
        for stripped in without_prefixes({name.partition(".")[2]: tensor for name, tensor in inside.items()}):
            yield stripped, outside


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: damaged .safetensors file ({error})") from error


def _read_pickle(path: Path) -> Any:
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            require_sound_archive(path)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(list(HARMLESS)):
            warnings.simplefilter("ignore")  # about old formats and unusual pickles: what fails says so itself
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"loading it would call {wanted[1]}" if wanted else "it is damaged, or no pickle of plain tensors"
        raise CheckpointError(
            f"{path}: refused, nothing was run: {what}. Ask for a file that holds only tensors "
            f"(a state_dict or .safetensors){_line_that_strips(path, wanted[1] if wanted else '')}"
        ) from error
    except Exception as error:  # a damaged archive fails in whatever way its bytes lead to
        reason = str(error).partition(".")[0] or type(error).__name__
        raise CheckpointError(f"{path}: damaged, or not a weight file ({reason})") from error


def _line_that_strips(path: Path, wanted: str) -> str:
    """Advice where a class of somebody's code lies beside the weights; none where a function is to be called."""
    module, _, name = wanted.rpartition(".")
    if not module or not name[:1].isupper() or module.partition(".")[0] in _NEVER:
        return ""
    kept = "{k: v for k, v in d.items() if isinstance(v, (dict, torch.Tensor))}"
    line = STRIP.format(
        f"d = torch.load({quoted(path)}, map_location='cpu', weights_only=False); "
        f"torch.save(d.state_dict() if hasattr(d, 'state_dict') else {kept}, 'plain.pth')"
    )
    return f"; or, only if you trust it, as this runs what it asks for, strip it where {module} is installed: {line}"


def _holds_tensors(content: Mapping[Any, Any], depth: int = 0) -> bool:
    return depth <= DEEPEST and any(
        isinstance(value, Tensor) or (isinstance(value, Mapping) and _holds_tensors(value, depth + 1))
        for value in content.values()
    )


def _is_bookkeeping(name: str, tensor: Tensor) -> bool:
    """Whether it is a number that counts something about the training: averages, steps, operations."""
    return tensor.numel() == 1 and name.rpartition(".")[2] in BOOKKEEPING


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
