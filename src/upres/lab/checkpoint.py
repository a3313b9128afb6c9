"""Networks from specs, and the weight files that carry their own spec.

A checkpoint is a ``.safetensors`` file whose header holds the `ModelCard`. It is read strictly and never unpickled;
other people's files are the business of `upres.lab.foreign.recognise`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import get_ident
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from upres.errors import CheckpointError, UnknownModelError, near_miss
from upres.lab.zoo import ARCHITECTURES, MODELS
from upres.machine.atomic import atomic_file
from upres.models.card import ModelCard, ModelSpec, read_card

_MOST_BRANCHES = 32
"""Parameters of a network in training for each that is left when it is folded, at most; a fourfold of what there is."""

TRANSFORMS: Mapping[str, str] = {
    "fold": "upres.lab.blocks.reparam:fold_network",
    "fold_ghosts": "upres.lab.compress.ghost.fold:folded_network",
    "ghost": "upres.lab.compress.ghost.layer:ghost_network",
    "prune": "upres.lab.compress.prune.surgery:prune_network",
    "separable": "upres.lab.compress.separable:separable_network",
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
    make = _resolve(ARCHITECTURES, spec.architecture, "architecture")
    network: nn.Module = _made(
        make,
        f"{spec.architecture} cannot be built at scale {spec.scale} with {dict(spec.arguments)}",
        **{"scale": spec.scale, **spec.arguments},
    )
    for step in spec.transforms:
        arguments = {key: value for key, value in step.items() if key != "name"}
        transform = _resolve(TRANSFORMS, step["name"], "transform")
        network = _made(transform, f"{spec.architecture} cannot go through {dict(step)}", network, **arguments)
    return network


def expected_shapes(spec: ModelSpec, *, parameters: int | None = None) -> dict[str, torch.Size]:
    """Names and shapes of the tensors that the spec's network has; no memory is taken for them.

    Args:
        spec: What is to be built.
        parameters: Parameters, as tensors, after which building is given up; ``None``: never.

    Raises:
        CheckpointError: If the network cannot be built, or has more.
    """
    with torch.device("meta"), _at_most(parameters):
        return {key: value.shape for key, value in build(spec).state_dict().items()}


def parameter_count(network: nn.Module) -> int:
    """Number of parameters; a tensor shared by several layers counts once."""
    return sum(parameter.numel() for parameter in network.parameters())


def halo_of(network: nn.Module) -> int | None:
    """Low-resolution pixels at each side that an output pixel depends on; ``None`` where the network is not local.

    An architecture counts a pixel for each convolution. Where layers have a ``reach`` beyond it, as shifted copies do,
    the count is multiplied by one more than the largest.
    """
    halo: Any = network.halo
    reach = max((getattr(layer, "reach", 0) for layer in network.modules()), default=0)
    return None if halo is None else halo * (1 + reach)


def describe(network: nn.Module, spec: ModelSpec, *, name: str, **provenance: Any) -> ModelCard:
    """The card of a network: what can be read off it, and the ``provenance`` fields of `ModelCard` as given."""
    return _measured(network, ModelCard(name=name, spec=spec, parameters=0, **_said(network), **provenance))


def save(path: str | Path, network: nn.Module, card: ModelCard, *, half: bool = False) -> ModelCard:
    """Write a checkpoint, whole or not at all.

    Args:
        path: File to write; replaced if it is there.
        network: Whose state is stored.
        card: Goes into the header; what can be read off the network is taken from the network.
        half: Store floats in 16 bits; they are read as float32.

    Returns:
        The card as written.

    Raises:
        CheckpointError: If the file cannot be written.
    """
    card = _measured(network, card)
    # clones: safetensors refuses tensors that share memory, and views would drag their whole storage along
    state = {key: value.detach().cpu().clone().contiguous() for key, value in network.state_dict().items()}
    if half:
        state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    write_atomically(Path(path), safetensors.torch.save(state, metadata=card.to_header()))
    return card


def load(path: str | Path) -> tuple[nn.Module, ModelCard]:
    """The network in a checkpoint, in evaluation mode on the CPU, and its card.

    Raises:
        CheckpointError: If the file is unreadable, has no card, or does not fit its network to the last tensor.
    """
    card, state = read_card(path), _tensors(path)
    # a card may describe anything: first see without memory or endless layers that the tensors are those of its network
    problems = mismatches(expected_shapes(card.spec, parameters=_MOST_BRANCHES * (len(state) + 1)), state)
    _require_fit(problems, source=str(path))
    network = build(card.spec)
    load_state(network, state, source=str(path))
    said: dict[str, Any] = {"color_mode": network.color_mode, "halo": halo_of(network)}
    for name, value in said.items():
        if getattr(card, name) != value:
            raise CheckpointError(
                f"{path}: this model card says {name} {getattr(card, name)}, its network has {value}; import it anew"
            )
    return network.eval(), card


def load_state(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Fill a network; every tensor must be there, fit and be finite, and none may be left over.

    Raises:
        CheckpointError: Naming ``source`` and the first tensors that do not fit.
    """
    problems = mismatches({key: value.shape for key, value in network.state_dict().items()}, state)
    problems += [f"{key} holds values that are not finite" for key, value in state.items() if not _finite(value)]
    _require_fit(problems, source=source)
    network.load_state_dict(dict(state), strict=True)


def mismatches(expected: Mapping[str, torch.Size], state: Mapping[str, Tensor]) -> list[str]:
    """What keeps a state from filling a network that expects these shapes; empty where it fits."""
    missing = [f"{key} {list(shape)} is missing" for key, shape in expected.items() if key not in state]
    unknown = [f"{key[:80]} {list(value.shape)} is unknown" for key, value in state.items() if key not in expected]
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


def _require_fit(problems: list[str], *, source: str) -> None:
    if problems:
        more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
        raise CheckpointError(f"{source}: does not fit the network: {'; '.join(problems[:4])}{more}")


def _tensors(path: str | Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, ValueError, KeyError, SafetensorError) as error:  # among them a dtype that torch lacks
        raise CheckpointError(f"{path}: damaged .safetensors file ({error})") from error


def _made(make: Callable[..., nn.Module], problem: str, *arguments: nn.Module, **named: Any) -> nn.Module:
    """What a class or a transform makes of arguments that stand in a file, and may be anything."""
    try:
        return make(*arguments, **named)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{problem}: {error or type(error).__name__}") from error


@contextmanager
def _at_most(parameters: int | None) -> Iterator[None]:
    """Stop this thread's building where a network gets more parameters (as tensors) than that."""
    count, builder = 0, get_ident()

    def registered(*_: Any) -> None:
        nonlocal count
        if get_ident() != builder:
            return
        count += 1
        if parameters is not None and count > parameters:
            raise CheckpointError("this model card describes a network of far more tensors than its file has")

    hook = register_module_parameter_registration_hook(registered)
    try:
        yield
    finally:
        hook.remove()


def _measured(network: nn.Module, card: ModelCard) -> ModelCard:
    """The card with what can be read off the network."""
    return replace(card, parameters=parameter_count(network), halo=halo_of(network), **_said(network))


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
