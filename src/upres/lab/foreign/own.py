"""Plain state dicts of our own classes: their arguments, found by building until every tensor fits.

No matcher is needed for each class. Building takes no memory (torch's ``meta`` device), so first each named network of
the zoo is held against the state, then one argument after the other is changed as long as that brings tensors closer.
Arguments that leave no trace in names and shapes keep the value that the zoo gives them.
"""

import inspect
import re
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import torch

from upres.errors import CheckpointError
from upres.lab.checkpoint import build, expected_shapes
from upres.lab.foreign.layouts.layout import Shapes
from upres.lab.zoo import ARCHITECTURES, MODELS
from upres.models.card import ModelSpec

LEAST_LIKENESS = 0.5
"""Share of names, numbers blanked out, that a class and a state have in common; relatives have less."""
MOST_BUILT = 600
"""Networks built for one class, some milliseconds each."""
FOLDED: tuple[Mapping[str, Any], ...] = ({"name": "fold"},)
_SCALES = (4, 3, 2, 1)
_RATIOS = (1, 2, 4, 8, 16)


def own_specs(shapes: Shapes, *, architecture: str | None = None, scale: int | None = None) -> list[ModelSpec]:
    """The specs whose networks have just these tensors, likeliest first; empty where it is no network of ours.

    Args:
        shapes: Names and shapes of a state.
        architecture: Only consider this one.
        scale: Only consider this one.
    """
    names = {_blank(name) for name in shapes}
    for start in _starts(names, architecture):
        search = _Search(shapes, start, scale)
        found = search.named() or search.fitted()
        if found:
            return found
    return []


def _starts(names: set[str], architecture: str | None) -> list[ModelSpec]:
    """The most alike network of each class that is like enough, most alike first."""
    models = {name: spec for name, spec in MODELS.items() if spec.scale in (1, 4)}
    # one network of a class speaks for all, but where another class makes its body
    first = {(spec.architecture, spec.arguments.get("body")): name for name, spec in reversed(models.items())}
    near = {of for (of, _), name in first.items() if of == architecture or _likeness(names, name) >= LEAST_LIKENESS / 2}
    ranked: dict[str, tuple[float, ModelSpec]] = {}
    for name, spec in models.items():
        if spec.architecture not in near or architecture not in (None, spec.architecture):
            continue
        for folded in (False, True):
            likeness = _likeness(names, name, folded=folded)
            if likeness > ranked.get(spec.architecture, (LEAST_LIKENESS, spec))[0]:
                ranked[spec.architecture] = likeness, replace(spec, transforms=FOLDED if folded else ())
    return [spec for _, spec in sorted(ranked.values(), key=lambda entry: -entry[0])]


def _likeness(names: set[str], model: str, *, folded: bool = False) -> float:
    """Share of the names that a named network of the zoo and a state have in common."""
    ours = {_blank(name) for name in named_shapes(model, folded=folded)}
    return len(ours & names) / max(1, len(ours | names))


@cache
def named_shapes(model: str, *, folded: bool = False) -> dict[str, torch.Size]:
    """The tensors of a named network of the zoo, in training or folded."""
    spec = MODELS[model]
    return expected_shapes(replace(spec, transforms=FOLDED) if folded else spec)


class _Search:
    """The specs of one class that fit a state."""

    def __init__(self, shapes: Shapes, start: ModelSpec, scale: int | None) -> None:
        self._state = dict(shapes)
        self._start = start
        asked = _SCALES if scale is None else (scale,)
        self._scales = [each for each in asked if each > 1 or _restores(start)]
        self._built = 0

    def named(self) -> list[ModelSpec]:
        """Those that the zoo names, each at every scale that fits."""
        specs = (spec for spec in MODELS.values() if spec.architecture == self._start.architecture)
        forms = (replace(spec, transforms=self._start.transforms) for spec in specs if spec.scale in self._scales)
        found = [spec for spec in forms if self._misses(spec) == 0]
        of_first = [spec for spec in found if spec.arguments == found[0].arguments]
        return sorted(of_first, key=lambda spec: -spec.scale)

    def fitted(self) -> list[ModelSpec]:
        """Those that are found by changing one argument at a time."""
        sizes = _sizes(self._state)
        choices = {name: _choices(kind, sizes) for name, kind in _arguments(self._start.architecture).items()}
        starts = [replace(self._start, scale=scale) for scale in self._scales]
        for spec in sorted(starts, key=self._misses):
            fit = self._climbed(spec, choices)
            if fit is not None:
                others = (replace(fit, scale=scale) for scale in self._scales if scale != fit.scale)
                return [fit, *(each for each in others if self._misses(each) == 0)]
        return []

    def _climbed(self, spec: ModelSpec, choices: Mapping[str, Sequence[Any]]) -> ModelSpec | None:
        least = self._misses(spec)
        while least and self._built < MOST_BUILT:
            before = least
            for name, values in choices.items():
                for value in values:
                    other = replace(spec, arguments={**spec.arguments, name: value})
                    misses = self._misses(other)
                    if misses < least:
                        spec, least = other, misses
            if least == before:
                return None
        return spec if least == 0 else None

    def _misses(self, spec: ModelSpec) -> int:
        """How many tensors are missing, left over or of another shape; many where there is no such network."""
        self._built += 1
        expected = _shapes(spec)
        if not expected:
            return 2**31
        return sum(self._state.get(name) != shape for name, shape in expected.items()) + sum(
            name not in expected for name in self._state
        )


def _restores(spec: ModelSpec) -> bool:
    """Whether the class has networks that keep the size: others can be built at scale 1, and do nothing of use."""
    if any((named.architecture, named.scale) == (spec.architecture, 1) for named in MODELS.values()):
        return True
    with suppress(CheckpointError), torch.device("meta"):
        return getattr(build(replace(spec, scale=1, transforms=())), "task", "upscale") != "upscale"
    return False


def _shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """What a spec's network has; nothing where it cannot be built."""
    with suppress(CheckpointError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about layers without a weight, which are not what the file holds
        return {name: tuple(shape) for name, shape in expected_shapes(spec, parameters=50_000).items()}
    return {}


def _arguments(architecture: str) -> dict[str, Any]:
    """Name -> type of each argument of a class besides the scale."""
    module, name = ARCHITECTURES[architecture].split(":")
    made = getattr(import_module(module), name)
    hints = get_type_hints(made.__init__)
    parameters = inspect.signature(made.__init__).parameters.values()
    return {
        each.name: hints[each.name] for each in parameters if each.kind is each.KEYWORD_ONLY and each.name != "scale"
    }


def _choices(kind: Any, sizes: Sequence[int]) -> list[Any]:
    """Values to try for an argument of this type."""
    if get_origin(kind) in (Union, types.UnionType):
        return [value for each in get_args(kind) for value in _choices(each, sizes)]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    tried: dict[Any, list[Any]] = {
        bool: [False, True],
        int: list(dict.fromkeys((*sizes, *_RATIOS))),
        float: [1 / ratio for ratio in _RATIOS],
        type(None): [None],
    }
    return tried.get(kind, [])


def _sizes(state: Shapes) -> list[int]:
    """Numbers that the state speaks of: sides of its tensors, and how many blocks are counted, the commonest first."""
    count: dict[int, int] = {}
    for number in _numbers(state):
        count[number] = count.get(number, 0) + 1
    return sorted((number for number in count if 0 < number <= 1024), key=lambda number: -count[number])[:40]


def _numbers(state: Shapes) -> Iterator[int]:
    blocks: dict[tuple[str, str], set[int]] = {}
    for name, shape in state.items():
        yield from shape
        for match in re.finditer(r"\d+", name):
            around = name[: match.start()], _blank(name[match.end() :])
            blocks.setdefault(around, set()).add(int(match[0]))
    for indices in blocks.values():  # some count the first and the last layer with the blocks
        yield from (max(indices) + 1, len(indices), len(indices) - 1, len(indices) - 2)


def _blank(name: str) -> str:
    return re.sub(r"\d+", "#", name)
