"""The architecture, scale and arguments of other people's weights, told by what is in them.

They come from tensor names and shapes (and, where those leave a choice, from running the candidates), never from the
file's name.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from upres.errors import CheckpointError, Hint, near_miss
from upres.lab.checkpoint import build, load_state
from upres.lab.foreign.layouts.layout import Arguments, Layout, Shapes, State
from upres.lab.foreign.layouts.table import LAYOUTS
from upres.lab.foreign.nearest import nearest
from upres.lab.foreign.own import own_specs
from upres.lab.foreign.read import parts, unwrap
from upres.lab.foreign.trial_upscaling import gain_over_bicubic
from upres.lab.zoo import ARCHITECTURES
from upres.models.card import ModelSpec

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
    left_out: tuple[str, ...] = ()
    """Tensors of other networks in the same file."""
    other_scales: tuple[int, ...] = ()
    """Scales at which the same file holds further networks; ask for one by ``scale``."""
    assumed: tuple[str, ...] = ()
    """Arguments that neither the shapes nor a trial could tell: they have their likeliest values."""

    def network(self) -> nn.Module:
        """The network with these weights, in evaluation mode."""
        network = build(self.spec)
        load_state(network, self.state, source=self.spec.architecture)
        return network.eval()


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
    failure: CheckpointError | None = None
    for variant, left_out in parts(state):
        try:
            found = _by_layout(variant, architecture, scale, source) or _as_ours(variant, architecture, scale, source)
        except CheckpointError as error:
            if not left_out:
                raise
            failure = failure or error  # it was only a part of the file: another may be what is asked for
            continue
        if found is not None:
            return replace(found, ignored=ignored, left_out=left_out)
    if failure is not None:
        raise failure
    wanted = " ".join(str(value) for value in (architecture, scale and f"x{scale}") if value)
    raise CheckpointError(f"{source}: not recognised{wanted and f' as {wanted}'}. {nearest(state)}")


def _by_layout(state: State, architecture: str | None, scale: int | None, source: str) -> Recognised | None:
    """What a layout of other people's files makes of it."""
    candidates = [
        (layout, arguments)
        for layout, arguments in _candidates(_shapes(state))
        if architecture in (None, layout.architecture) and scale in (None, arguments["scale"])
    ]
    if not candidates:
        return None
    spec, renamed, assumed = _decide(candidates, state, source, sure=None not in (architecture, scale))
    others = () if candidates[0][0].by_trial else {arguments["scale"] for _, arguments in candidates} - {spec.scale}
    return Recognised(spec=spec, state=renamed, other_scales=tuple(sorted(others)), assumed=assumed)


def _as_ours(state: State, architecture: str | None, scale: int | None, source: str) -> Recognised | None:
    """What it is as a plain state of one of our own classes."""
    specs = own_specs(_shapes(state), architecture=architecture, scale=scale)
    if not specs:
        return None
    load_state(build(specs[0]), state, source=f"{source}, recognised as {_label(specs[0])}")
    others = {spec.scale for spec in specs} - {specs[0].scale}
    return Recognised(spec=specs[0], state=state, other_scales=tuple(sorted(others)))


def _shapes(state: State) -> Shapes:
    return {key: tuple(value.shape) for key, value in state.items()}


def _candidates(shapes: Shapes) -> list[tuple[Layout, Arguments]]:
    candidates: list[tuple[Layout, Arguments]] = []
    for layout in LAYOUTS:
        with suppress(IndexError, KeyError, ValueError, ZeroDivisionError):  # stumbled over a tensor of odd shape
            candidates += [(layout, arguments) for arguments in layout.match(shapes)]
    return candidates


def _decide(
    candidates: list[tuple[Layout, Arguments]], state: State, source: str, *, sure: bool
) -> tuple[ModelSpec, State, tuple[str, ...]]:
    readings = []
    for layout, arguments in candidates:
        others = {key: value for key, value in arguments.items() if key not in ("scale", "transforms")}
        spec = ModelSpec(
            architecture=layout.architecture,
            scale=arguments["scale"],
            arguments=others,
            transforms=arguments.get("transforms", ()),
        )
        readings.append((spec, layout.rename(state)))
    if not candidates[0][0].by_trial or len(candidates) == 1:
        spec, renamed = readings[0]
        load_state(build(spec), renamed, source=f"{source}, recognised as {_label(spec)}")
        return spec, renamed, ()
    return _by_trial(readings, source, sure=sure)


def _by_trial(
    readings: list[tuple[ModelSpec, State]], source: str, *, sure: bool
) -> tuple[ModelSpec, State, tuple[str, ...]]:
    tried = []
    for spec, renamed in readings:
        network = build(spec).eval()
        load_state(network, renamed, source=f"{source}, recognised as {_label(spec)}")
        tried.append((gain_over_bicubic(network, spec.scale), spec, renamed))
    tried.sort(key=lambda entry: entry[0], reverse=True)
    best, second = tried[0], tried[1]
    lead = MIN_LEAD_DB["better than bicubic" if best[0] > 0 else "worse"]
    undecided = best[0] < MIN_GAIN_DB or best[0] - second[0] < lead
    if undecided and len({(spec.architecture, spec.scale) for spec, _ in readings}) == 1:
        # a network that was hardly trained, or choices that make no difference: which network it is, is known
        return *readings[0], _differing([spec for spec, _ in readings])
    if undecided and not sure:
        listed = "; ".join(f"{_label(spec)} ({gain:+.1f} dB)" for gain, spec, _ in tried[:6])
        why = "none upscales well" if best[0] < MIN_GAIN_DB else "several upscale equally well"
        raise CheckpointError(
            f"{source}: could be any of: {listed} (gain over bicubic on a test picture; {why})",
            hint=Hint.NAME_THE_NETWORK,
        )
    return best[1], best[2], ()


def _differing(specs: list[ModelSpec]) -> tuple[str, ...]:
    """Names of the arguments that are not the same in all of them."""
    names = dict.fromkeys(name for spec in specs for name in spec.arguments)
    return tuple(name for name in names if len({repr(spec.arguments.get(name)) for spec in specs}) > 1)


def _label(spec: ModelSpec) -> str:
    arguments = ", ".join(f"{key}={value}" for key, value in spec.arguments.items())
    return f"{spec.architecture} x{spec.scale} ({arguments})" if arguments else f"{spec.architecture} x{spec.scale}"
