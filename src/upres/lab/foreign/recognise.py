"""Other people's weight files: read safely, recognised by what is in them, converted to our networks.

Architecture, scale and arguments come from tensor names and shapes (and, where those leave a choice, from running the
candidates), never from the file's name. A pickle is read by torch's ``weights_only`` loader, which builds tensors and
plain containers and executes nothing else.
"""

import pickle
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from upres.errors import CheckpointError, Hint, near_miss
from upres.lab.checkpoint import build, load_state, mismatches
from upres.lab.foreign.layouts import distillation, edge, foldable, residual
from upres.lab.foreign.layouts.recogniser import Arguments, Recogniser, Shapes, State
from upres.lab.foreign.trial import gain_over_bicubic
from upres.lab.zoo import ARCHITECTURES, MODELS
from upres.models.card import ModelSpec

RECOGNISERS: tuple[Recogniser, ...] = (
    *edge.RECOGNISERS,
    *distillation.RECOGNISERS,
    *foldable.RECOGNISERS,
    *residual.RECOGNISERS,
)
"""Every layout of file that can be opened, in the order in which they are asked."""

WRAPPERS = (
    "params_ema", "params", "state_dict_ema", "state_dict", "model_state_dict", "ema", "net", "model", "network",
    "generator", "netG", "weights",
)  # fmt: skip
"""Keys under which training code keeps a state, the averaged one before the raw one."""

MIN_LEAD_DB = {"better than bicubic": 0.3, "worse": 1.0}
"""How far the best reading must lead when several are tried. Measured: trained networks lead by 1.9 dB and more, those
just started by half a decibel; wrong winners were seen only decibels below bicubic, with leads under 0.8."""
MIN_GAIN_DB = -10.0
"""Below this gain over bicubic a reading is no super-resolution network at all."""


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A foreign state made ours."""

    spec: ModelSpec
    state: State
    """In the names and layouts of our class, float32."""
    ignored: tuple[str, ...] = ()
    """Entries beside the tensors that were left out."""
    other_scales: tuple[int, ...] = ()
    """Scales at which the same file holds further networks; ask for one by ``scale``."""

    def network(self) -> nn.Module:
        """The network with these weights, in evaluation mode."""
        network = build(self.spec)
        load_state(network, self.state, source=self.spec.architecture)
        return network.eval()


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


def recognise(
    content: Mapping[str, Any], *, architecture: str | None = None, scale: int | None = None, source: str = "the state"
) -> Recognised:
    """The architecture, scale and arguments of a state, and the state in our names.

    Args:
        content: A state dict, plain or wrapped as training code does (``params``, ``state_dict`` ...), with or
            without prefixes such as ``module.``.
        architecture: Only consider this architecture of the zoo.
        scale: Only consider this scale.
        source: How messages call it.

    Raises:
        CheckpointError: If it is no known network, if several readings remain, or if a tensor does not fit; the
            message names the nearest architecture and what does not fit.
    """
    if architecture is not None and architecture not in ARCHITECTURES:
        raise CheckpointError(f"unknown architecture '{architecture}'.{near_miss(architecture, ARCHITECTURES)}")
    state, ignored = unwrap(content, source=source)
    for variant in _without_prefixes(state):
        shapes = {key: tuple(value.shape) for key, value in variant.items()}
        candidates = [
            (recogniser, arguments)
            for recogniser, arguments in _candidates(shapes)
            if architecture in (None, recogniser.architecture) and scale in (None, arguments["scale"])
        ]
        if candidates:
            spec, renamed = _decide(candidates, variant, source, sure=None not in (architecture, scale))
            by_trial = candidates[0][0].by_trial
            others = () if by_trial else {arguments["scale"] for _, arguments in candidates} - {spec.scale}
            return Recognised(spec=spec, state=renamed, ignored=ignored, other_scales=tuple(sorted(others)))
    wanted = " ".join(str(value) for value in (architecture, scale and f"x{scale}") if value)
    raise CheckpointError(f"{source}: not recognised{wanted and f' as {wanted}'}. {_nearest(state)}")


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


def _without_prefixes(state: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The state as it is, then without what wrappers such as DataParallel put before every name."""
    while True:
        yield state
        first = {key.partition(".")[0] for key in state}
        if len(first) > 1 or not all("." in key for key in state):
            return
        state = {key.partition(".")[2]: value for key, value in state.items()}


def _candidates(shapes: Shapes) -> list[tuple[Recogniser, Arguments]]:
    candidates: list[tuple[Recogniser, Arguments]] = []
    for recogniser in RECOGNISERS:
        with suppress(IndexError, KeyError, ValueError, ZeroDivisionError):  # stumbled over a tensor of odd shape
            candidates += [(recogniser, arguments) for arguments in recogniser.match(shapes)]
    return candidates


def _decide(
    candidates: list[tuple[Recogniser, Arguments]], state: State, source: str, *, sure: bool
) -> tuple[ModelSpec, State]:
    readings = []
    for recogniser, arguments in candidates:
        others = {key: value for key, value in arguments.items() if key not in ("scale", "transforms")}
        spec = ModelSpec(
            architecture=recogniser.architecture,
            scale=arguments["scale"],
            arguments=others,
            transforms=arguments.get("transforms", ()),
        )
        readings.append((spec, recogniser.rename(state)))
    if not candidates[0][0].by_trial or len(candidates) == 1:
        spec, renamed = readings[0]
        load_state(build(spec), renamed, source=f"{source}, recognised as {_label(spec)}")
        return spec, renamed
    return _by_trial(readings, source, sure=sure)


def _by_trial(readings: list[tuple[ModelSpec, State]], source: str, *, sure: bool) -> tuple[ModelSpec, State]:
    tried = []
    for spec, renamed in readings:
        network = build(spec).eval()
        load_state(network, renamed, source=f"{source}, recognised as {_label(spec)}")
        tried.append((gain_over_bicubic(network, spec.scale), spec, renamed))
    tried.sort(key=lambda entry: entry[0], reverse=True)
    best, second = tried[0], tried[1]
    lead = MIN_LEAD_DB["better than bicubic" if best[0] > 0 else "worse"]
    if not sure and (best[0] < MIN_GAIN_DB or best[0] - second[0] < lead):
        listed = "; ".join(f"{_label(spec)} ({gain:+.1f} dB)" for gain, spec, _ in tried[:6])
        why = "none upscales well" if best[0] < MIN_GAIN_DB else "several upscale equally well"
        raise CheckpointError(
            f"{source}: could be any of: {listed} (gain over bicubic on a test picture; {why})",
            hint=Hint.NAME_THE_NETWORK,
        )
    return best[1], best[2]


def _label(spec: ModelSpec) -> str:
    arguments = ", ".join(f"{key}={value}" for key, value in spec.arguments.items())
    return f"{spec.architecture} x{spec.scale} ({arguments})" if arguments else f"{spec.architecture} x{spec.scale}"


def _nearest(state: dict[str, Tensor]) -> str:
    """A sentence on the named model whose tensor names are most like these, and on what differs."""
    *_, stripped = _without_prefixes(state)
    # one model an architecture, then every size of the winner, then its scales: building them all takes seconds
    first = {spec.architecture: name for name, spec in reversed(list(MODELS.items())) if spec.scale == 4}
    score, name, variant = _most_alike(first.values(), (state, stripped))
    if score < 0.2:
        return f"Its {len(state)} tensors ({', '.join(list(state)[:4])} ...) resemble no network of the zoo."
    architecture = MODELS[name].architecture
    spellings = list(_spellings(architecture, variant))
    sizes = [model for model, spec in MODELS.items() if spec.architecture == architecture and spec.scale == 4]
    _, name, variant = _best_fit(sizes, spellings)
    scales = [model for model in MODELS if model.rpartition("_x")[0] == name.rpartition("_x")[0]]
    expected, name, _ = _best_fit(scales, [variant])
    problems = mismatches(expected, variant)
    known = sum(key in expected for key in variant)
    more = f" and {len(problems) - 4} more" if len(problems) > 4 else ""
    return (
        f"Nearest architecture: {MODELS[name].architecture} (as {name}, {known} of {len(variant)} tensor names known); "
        f"in our names: {'; '.join(problems[:4])}{more}"
    )


def _best_fit(
    names: Iterable[str], variants: Iterable[dict[str, Tensor]]
) -> tuple[dict[str, torch.Size], str, dict[str, Tensor]]:
    """What the model with the fewest mismatches expects, expanded or folded, its name, and the variant it fits."""
    forms = ((_expected(name, folded=folded), name) for name in names for folded in (False, True))
    fits = ((expected, name, variant) for expected, name in forms for variant in variants)
    return min(fits, key=lambda fit: len(mismatches(fit[0], fit[2])))


def _spellings(architecture: str, state: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The state in its own names and in what each layout of the architecture makes of them."""
    yield state
    for recogniser in RECOGNISERS:
        if recogniser.architecture == architecture:
            # a renaming written for whole files may stumble over one that lacks tensors
            with suppress(KeyError, ValueError, IndexError, RuntimeError, CheckpointError):
                yield dict(recogniser.rename(state))


def _most_alike(names: Iterable[str], variants: Iterable[dict[str, Tensor]]) -> tuple[float, str, dict[str, Tensor]]:
    ranked = ((_likeness(set(variant), name), name, variant) for variant in variants for name in names)
    return max(ranked, key=lambda entry: entry[0])


def _likeness(keys: set[str], name: str) -> float:
    """Shared fraction of the names, whole and with their numbers blanked out, from 0 to 1."""
    ours = set(_expected(name))
    layouts = [ours] + [
        set(recogniser.names)
        for recogniser in RECOGNISERS
        if recogniser.names and recogniser.architecture == MODELS[name].architecture
    ]
    blank = {re.sub(r"\d+", "#", key) for key in keys}
    alike = max(_overlap(blank, {re.sub(r"\d+", "#", key) for key in layout}) for layout in layouts)
    return (alike + _overlap(keys, ours)) / 2


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


@cache
def _expected(name: str, *, folded: bool = False) -> dict[str, torch.Size]:
    spec = replace(MODELS[name], transforms=({"name": "fold"},)) if folded else MODELS[name]
    with torch.device("meta"):
        return {key: value.shape for key, value in build(spec).state_dict().items()}
