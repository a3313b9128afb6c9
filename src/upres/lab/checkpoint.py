"""Networks from specs, and the weight files that carry their own spec.

A checkpoint is a ``.safetensors`` file whose header holds the `ModelCard`. It is read strictly and never unpickled;
other people's files are the business of `upres.lab.foreign.recognise`.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from upres.errors import CheckpointError, UnknownModelError, near_miss
from upres.lab.zoo import ARCHITECTURES, MODELS
from upres.machine.atomic import atomic_file
from upres.models.card import ModelCard, ModelSpec, read_card

TRANSFORMS: Mapping[str, str] = {
    "fold": "upres.lab.blocks.reparam:fold_network",
    "quantize": "upres.lab.compress.quantize.network:quantize_network",
}
"""Compression step -> ``module:function``, called with the network and the step's arguments; returns the network."""


def spec_of(name: str) -> ModelSpec:
    """The named configuration of the zoo.

    Raises:
        UnknownModelError: If there is none; the nearest name is suggested.
    """
    if name not in MODELS:
        raise UnknownModelError(f"the zoo has no model '{name}'.{near_miss(name, MODELS)}")
    return MODELS[name]


def build(spec: ModelSpec) -> nn.Module:
    """The network that a spec describes, freshly initialised, its transforms applied.

    Raises:
        CheckpointError: If the architecture, an argument or a transform does not exist.

    Example:
        >>> parameter_count(build(spec_of("esr_tm_x2")))
        800
    """
    network = _resolve(ARCHITECTURES, spec.architecture, "architecture")
    try:
        result = network(scale=spec.scale, **spec.arguments)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{spec.architecture} cannot be built at scale {spec.scale} with {dict(spec.arguments)}: {error}"
        ) from error
    for step in spec.transforms:
        arguments = {key: value for key, value in step.items() if key != "name"}
        result = _resolve(TRANSFORMS, step["name"], "transform")(result, **arguments)
    built: nn.Module = result
    return built


def parameter_count(network: nn.Module) -> int:
    """Number of parameters; a tensor shared by several layers counts once."""
    return sum(parameter.numel() for parameter in network.parameters())


def describe(network: nn.Module, spec: ModelSpec, *, name: str, **provenance: Any) -> ModelCard:
    """The card of a network: what can be read off it, and the ``provenance`` fields of `ModelCard` as given."""
    return _measured(network, ModelCard(name=name, spec=spec, parameters=0, **_said(network), **provenance))


def save(path: str | Path, network: nn.Module, card: ModelCard) -> ModelCard:
    """Write a checkpoint, whole or not at all.

    Args:
        path: File to write; replaced if it is there.
        network: Whose state is stored.
        card: Goes into the header; what can be read off the network is taken from the network.

    Returns:
        The card as written.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    card = _measured(network, card)
    # clones: safetensors refuses tensors that share memory, and views would drag their whole storage along
    state = {key: value.detach().cpu().clone().contiguous() for key, value in network.state_dict().items()}
    write_atomically(Path(path), safetensors.torch.save(state, metadata=card.to_header()))
    return card


def load(path: str | Path) -> tuple[nn.Module, ModelCard]:
    """The network in a checkpoint, in evaluation mode on the CPU, and its card.

    Raises:
        CheckpointError: If the file is unreadable, has no card, or does not fit its network to the last tensor.
    """
    card = read_card(path)
    network = build(card.spec)
    load_state(network, safetensors.torch.load_file(path), source=str(path))
    return network.eval(), card


def load_state(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Fill a network; every tensor must be there, fit and be finite, and none may be left over.

    Raises:
        CheckpointError: Naming ``source`` and the first tensors that do not fit.
    """
    problems = mismatches({key: value.shape for key, value in network.state_dict().items()}, state)
    problems += [f"{key} holds values that are not finite" for key, value in state.items() if not _finite(value)]
    if problems:
        more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
        raise CheckpointError(f"{source}: does not fit the network: {'; '.join(problems[:4])}{more}")
    network.load_state_dict(dict(state), strict=True)


def mismatches(expected: Mapping[str, torch.Size], state: Mapping[str, Tensor]) -> list[str]:
    """What keeps a state from filling a network that expects these shapes; empty where it fits."""
    missing = [f"{key} {list(shape)} is missing" for key, shape in expected.items() if key not in state]
    unknown = [f"{key} {list(value.shape)} is unknown" for key, value in state.items() if key not in expected]
    wrong = [
        f"{key} is {list(state[key].shape)}, expected {list(shape)}"
        for key, shape in expected.items()
        if key in state and state[key].shape != shape
    ]
    return wrong + missing + unknown


def write_atomically(path: Path, content: bytes) -> None:
    """Write a network's file, whole or not at all.

    Raises:
        CheckpointError: If the folder does not exist or cannot be written.
    """
    try:
        with atomic_file(path) as stream:
            stream.write(content)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written ({error.strerror})") from error


def _measured(network: nn.Module, card: ModelCard) -> ModelCard:
    """The card with what can be read off the network."""
    halo: Any = network.halo
    return replace(card, parameters=parameter_count(network), halo=halo, **_said(network))


def _said(network: nn.Module) -> dict[str, Any]:
    """What a network's class says of its pictures (`upres.lab.archs`)."""
    usual = {"task": "upscale", "min_size": 1, "multiple_of": 1}
    return {"color_mode": network.color_mode} | {name: getattr(network, name, value) for name, value in usual.items()}


def _resolve(table: Mapping[str, str], name: str, kind: str) -> Any:
    if name not in table:
        raise CheckpointError(f"unknown {kind} '{name}'.{near_miss(name, table)}")
    module, attribute = table[name].split(":")
    return getattr(import_module(module), attribute)


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
