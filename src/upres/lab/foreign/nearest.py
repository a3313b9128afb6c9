"""What is said of a state that no layout fits: the most similar network of the zoo, and what differs from it."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor

from upres.errors import CheckpointError
from upres.lab.checkpoint import mismatches
from upres.lab.foreign.layouts.table import LAYOUTS
from upres.lab.foreign.own import named_shapes
from upres.lab.foreign.read import without_prefixes
from upres.lab.zoo import MODELS


def nearest(state: dict[str, Tensor]) -> str:
    """A sentence on the named model whose tensor names are most like these, and on what differs."""
    *_, stripped = without_prefixes(state)
    # one model an architecture, then every size of the winner, then its scales: building them all takes seconds
    first = {spec.architecture: name for name, spec in reversed(list(MODELS.items())) if spec.scale in (1, 4)}
    score, name, variant = _most_alike(first.values(), (state, stripped))
    if score < 0.2:
        some = ", ".join(name[:80] for name in list(state)[:4])
        return f"Its {len(state)} tensors ({some} ...) resemble no network of the zoo."
    architecture = MODELS[name].architecture
    spellings = list(_spellings(architecture, variant))
    sizes = [model for model, spec in MODELS.items() if spec.architecture == architecture and spec.scale in (1, 4)]
    _, name, variant = _best_fit(sizes, spellings)
    winner = MODELS[name]
    scales = [model for model, spec in MODELS.items() if replace(spec, scale=winner.scale) == winner]
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
    forms = ((named_shapes(name, folded=folded), name) for name in names for folded in (False, True))
    fits = ((expected, name, variant) for expected, name in forms for variant in variants)
    return min(fits, key=lambda fit: len(mismatches(fit[0], fit[2])))


def _spellings(architecture: str, state: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The state in its own names and in what each layout of the architecture makes of them."""
    yield state
    for layout in LAYOUTS:
        if layout.architecture == architecture:
            # a renaming written for whole files may stumble over one that lacks tensors
            with suppress(KeyError, ValueError, IndexError, RuntimeError, CheckpointError):
                yield dict(layout.rename(state))


def _most_alike(names: Iterable[str], variants: Iterable[dict[str, Tensor]]) -> tuple[float, str, dict[str, Tensor]]:
    ranked = ((_likeness(set(variant), name), name, variant) for variant in variants for name in names)
    return max(ranked, key=lambda entry: entry[0])


def _likeness(keys: set[str], name: str) -> float:
    """Shared fraction of the names, whole and with their numbers blanked out, from 0 to 1."""
    ours = set(named_shapes(name))
    layouts = [ours] + [
        set(layout.names) for layout in LAYOUTS if layout.names and layout.architecture == MODELS[name].architecture
    ]
    blank = {re.sub(r"\d+", "#", key) for key in keys}
    alike = max(_overlap(blank, {re.sub(r"\d+", "#", key) for key in names}) for names in layouts)
    return (alike + _overlap(keys, ours)) / 2


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
