"""What a run needs to go on exactly where it stopped, as one safetensors file (never a pickle)."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.func import functional_call

from upres.errors import Hint, TrainingError
from upres.lab.training.critic import Critic
from upres.machine.atomic import atomic_file

_KEY = "upres_training"
_MOMENTS, _CRITICS_MOMENTS = "optimizer.", "critic_optimizer."
_DIGEST = "digest"
"""Of the tensors a further one, SHA-256 of the others: a second text in the header would have no fixed place there."""


class MovingAverage:
    """A running mean of a network's weights, which validates better than the weights themselves.

    Early on it forgets faster, so that the first steps leave no trace: the share kept is at most
    ``(1 + step) / (10 + step)``.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` (from 0)."""
        keep = min(self.decay, (1 + step) / (10 + step))
        current = network.state_dict()
        floating = [name for name, value in self.tensors.items() if value.is_floating_point()]
        ours, theirs = [self.tensors[n] for n in floating], [current[n] for n in floating]
        torch._foreach_lerp_(ours, theirs, 1 - keep)
        for name in self.tensors.keys() - set(floating):
            self.tensors[name].copy_(current[name])

    @torch.no_grad()
    def output(self, network: nn.Module, lr: Tensor, *, precision: Callable[[], AbstractContextManager[Any]]) -> Tensor:
        """What ``network`` would make of ``lr`` with these weights, as it is when it is used.

        Args:
            network: In the form that was averaged; left as it is.
            lr: ``(N, C, H, W)``.
            precision: Gives the context in which the network is trained.
        """
        was_training = network.training
        try:
            with precision():
                result: Tensor = functional_call(network.eval(), self.tensors, (lr,))
        finally:
            network.train(was_training)
        return result


@dataclass
class RunPosition:
    """Where a run stands."""

    step: int = 0
    best_psnr_db: float = float("-inf")
    best_step: int = 0
    skipped_steps: int = 0
    """Steps left out because the loss or a gradient was not finite."""
    seconds: float = 0.0
    step_seconds: float = 0.0
    """Of ``seconds`` without validating and saving."""
    waited_seconds: float = 0.0
    """Of ``step_seconds`` those that the network stood waiting for a batch."""


def save_state(
    path: Path,
    *,
    network: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
    critic: Critic | None = None,
    progress: RunPosition,
    recipe: Mapping[str, Any],
    transforms: Sequence[Mapping[str, Any]] = (),
    fading: Iterable[int] = (),
) -> None:
    """Write everything to ``path``, whole or not at all.

    ``transforms`` are the steps by which the run compressed its network so far, ``fading`` the classes of its wiring
    that are to go when the stage ends.

    Raises:
        TrainingError: If it cannot be written.
    """
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in average.tensors.items()}
    tensors |= _moments(optimizer, _MOMENTS)
    if critic is not None:
        tensors |= {f"critic.{k}": v for k, v in critic.network.state_dict().items()}
        tensors |= _moments(critic.optimizer, _CRITICS_MOMENTS)
    tensors["random"] = torch.get_rng_state()
    steps: dict[str, Any] = {"transforms": list(transforms), "fading": sorted(fading)}
    noted = {"progress": vars(progress), "recipe": recipe} | {key: value for key, value in steps.items() if value}
    header = {_KEY: json.dumps(noted)}
    _write(path, {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, header)


def saved_recipe(path: Path) -> dict[str, Any]:
    """The recipe of the run whose state is in ``path``.

    Raises:
        TrainingError: If the file is not a training state.
    """
    recipe = _header(path)["recipe"]
    assert isinstance(recipe, dict)
    return recipe


def saved_transforms(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The steps by which the run whose state is in ``path`` compressed its network.

    Raises:
        TrainingError: If the file is not a training state.
    """
    return tuple(_header(path).get("transforms", ()))


def saved_fading(path: Path) -> tuple[int, ...]:
    """The classes that were to go when the stage ends of the run whose state is in ``path``; none where none were.

    Raises:
        TrainingError: If the file is not a training state.
    """
    return tuple(_header(path).get("fading", ()))


def saved_progress(path: Path) -> RunPosition:
    """Where the run whose state is in ``path`` stood.

    Raises:
        TrainingError: If the file is not a training state.
    """
    return RunPosition(**_header(path)["progress"])


def load_state(
    path: Path,
    *,
    network: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
    critic: Critic | None = None,
) -> RunPosition:
    """Bring network, average, optimiser and critic back to what `save_state` wrote; returns where the run stood.

    A state whose moments were rounded to bf16 loads as well: a warm restart rather than an exact one.

    Raises:
        TrainingError: If the file is damaged or belongs to another network.
    """
    with safe_open(str(path), framework="pt") as file:
        tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    noted = tensors.pop(_DIGEST, None)
    if noted is not None and not torch.equal(noted, _digest(tensors)):  # states of before have none
        raise TrainingError(f"{path}: damaged, its tensors are not what was saved", hint=Hint.OTHER_FOLDER_OR_RESTART)
    try:
        network.load_state_dict(_below(tensors, "network."))
        if critic is not None:
            critic.network.load_state_dict(_below(tensors, "critic."))
        for name, value in _below(tensors, "average.").items():
            average.tensors[name].copy_(value)
    except (RuntimeError, KeyError) as error:
        raise TrainingError(
            f"{path}: the state of another network ({error})", hint=Hint.OTHER_FOLDER_OR_RESTART
        ) from error
    _restore(optimizer, _below(tensors, _MOMENTS))
    if critic is not None:
        _restore(critic.optimizer, _below(tensors, _CRITICS_MOMENTS))
    torch.set_rng_state(tensors["random"])
    return saved_progress(path)


def shrink_state(path: Path, target: Path) -> None:
    """Write the state at ``path`` to ``target`` with the optimiser's moments in bf16, to travel with a commit."""
    with safe_open(str(path), framework="pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    moments = {
        k: v.bfloat16() for k, v in tensors.items() if k.startswith((_MOMENTS, _CRITICS_MOMENTS)) and v.numel() > 1
    }
    _write(target, tensors | moments, metadata)


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    try:
        with atomic_file(path) as stream:
            stream.write(save({**tensors, _DIGEST: _digest(tensors)}, metadata))
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written ({error.strerror})") from error


def _moments(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    return {
        f"{prefix}{index}.{name}": torch.as_tensor(value)
        for index, slots in optimizer.state_dict()["state"].items()
        for name, value in slots.items()
    }


def _restore(optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    slots: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        index, slot = name.split(".", 1)
        # fused optimisers walk memory: a moment must lie in the order of its parameter, channels last or not
        owner = parameters[int(index)]
        like = torch.empty_like(owner) if value.shape == owner.shape else torch.empty(value.shape, dtype=owner.dtype)
        slots.setdefault(int(index), {})[slot] = like.copy_(value)
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})


def _digest(tensors: Mapping[str, Tensor]) -> Tensor:
    """SHA-256 of names, kinds, shapes and values."""
    summary = hashlib.sha256()
    for name, value in sorted((name, value) for name, value in tensors.items() if name != _DIGEST):
        summary.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        summary.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return torch.tensor(list(summary.digest()), dtype=torch.uint8)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    names: Iterable[str] = (name for name in tensors if name.startswith(prefix))
    return {name.removeprefix(prefix): tensors[name] for name in names}


def _header(path: Path) -> dict[str, Any]:
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
        header = json.loads(metadata[_KEY])
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise TrainingError(f"{path}: not a training state ({error})", hint=Hint.OTHER_FOLDER_OR_RESTART) from error
    assert isinstance(header, dict)
    return header
