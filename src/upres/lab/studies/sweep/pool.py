"""The pool of edge-SR's authors, trained by us: 1182 networks of six families at x2, x3 and x4, and bicubic's three.

Sizes are rules (`sizes`), and so is what each network begins with (`_start`): so all of them take some 16 hours of one
core, less than half of what they would take alone. A coarse grid of sizes comes first.

* **One layer** (eSR-MAX, eSR-TM, eSR-TR): K5 C4 from nothing; twice and four times as many candidates by splitting
  each; fewer by leaving out those that differ least; K3 and K7 from K5, cropped or with zeros around.
* **The others**: at x2 from nothing; at x3 and x4 all but the last layer comes from x2. To narrow a larger network was
  worse where it was tried: ESPCN D12 S18 has 34.03 dB after 1500 steps from the strongest channels of D22 S32, and
  34.52 from the interpolation that it starts near by itself.

Reference: Navarrete Michelini et al., 2022, arXiv:2108.10335, section 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from upres.lab.training.recipe import Recipe, WarmStart, override
from upres.lab.training.recipes import recipe_for
from upres.machine.ledger import Job

SCALES = (2, 3, 4)
ONE_LAYER = ("esr_max", "esr_tm", "esr_tr")

_KERNELS, _CANDIDATES = (3, 5, 7), tuple(range(1, 17))
_CNN_C, _CNN_D, _CNN_S = (2, 4, 6, 8), (1, 3, 5, 7, 9), (3, 6, 9, 12, 15)
_FSRCNN_D, _FSRCNN_S, _FSRCNN_M = (6, 19, 32, 44, 56), (1, 3, 6, 9, 12), (1, 4)
_ESPCN_EVEN = (4, 8, 12, 16, 22, 28, 34, 40, 52, 64)
"""ESPCN's D with ``_ESPCN_S_EVEN``; the others have ``_ESPCN_S_ODD``."""
_ESPCN_ODD = (0, 1, 2, 3, 5, 6, 7, 9, 10, 11)
_ESPCN_S_EVEN, _ESPCN_S_ODD = (6, 12, 18, 24, 32), (3, 9, 15, 21, 27)

_ARGUMENTS = {"K": "kernel_size", "C": "num_channels", "D": "num_features", "S": "num_shrink", "M": "num_blocks"}
_KINDS = {"esr_max": 1, "esr_tm": 2, "esr_tr": 3}
"""Maps of a candidate."""

_START_UP_S, _EVALUATION_S = 2.0, 8.0


@dataclass(frozen=True)
class Size:
    """A network of the pool."""

    family: str
    scale: int
    letters: tuple[tuple[str, int], ...]
    """``(("K", 5), ("C", 4))``, in the order of the pool's names."""

    @property
    def name(self) -> str:
        """As our runs and files are called: ``esr_tm_k5c4_x2``."""
        return f"{self.family}_{''.join(f'{letter.lower()}{number}' for letter, number in self.letters)}_x{self.scale}"

    def __getitem__(self, letter: str) -> int:
        return dict(self.letters)[letter]

    def changed(self, **letters: int) -> "Size":
        """The same network with these letters instead."""
        return replace(self, letters=tuple((letter, letters.get(letter, number)) for letter, number in self.letters))


@dataclass(frozen=True, kw_only=True)
class _Start:
    """What a network begins with."""

    size: Size | None = None
    """``None`` for fresh weights."""
    grid: int = 0
    """How fine the grid is that the network is on, 0 to 2; a coarser one comes first and trains longer."""
    how: dict[str, Any] = field(default_factory=dict)
    """Settings of `WarmStart`."""


def sizes() -> Iterator[Size]:
    """Every network of the pool but bicubic's."""
    for scale in SCALES:
        for family, kernel_size, candidates in product(ONE_LAYER, _KERNELS, _CANDIDATES):
            yield Size(family, scale, (("K", kernel_size), ("C", candidates)))
        for c, d, s in product(_CNN_C, _CNN_D, _CNN_S):
            yield Size("esr_cnn", scale, (("C", c), ("D", d), ("S", s)))
        for features, shrinks in ((_ESPCN_EVEN, _ESPCN_S_EVEN), (_ESPCN_ODD, _ESPCN_S_ODD)):
            for d, s in product(features, shrinks):
                yield Size("espcn", scale, (("D", d), ("S", s)))
        for d, s, m in product(_FSRCNN_D, _FSRCNN_S, _FSRCNN_M):
            yield Size("fsrcnn", scale, (("D", d), ("S", s), ("M", m)))


def pool(settings: Sequence[str] = ()) -> list[Job]:
    """The jobs of the pool, those of the coarsest grid first, so that a sweep cut short has a bit of everything.

    Args:
        settings: ``key=value`` for every recipe, as `upres.lab.training.recipe.override` takes them.

    Raises:
        RecipeError: If a setting does not fit.
    """
    starts = {size: _start(size) for size in sizes()}
    bicubic = [Job(name=f"bicubic_x{scale}", work={"bicubic": scale}, cost_s=_EVALUATION_S) for scale in SCALES]
    ordered = sorted(starts, key=lambda size: starts[size].grid)  # stable, and a start's grid is never finer
    return [*bicubic, *(_job(size, starts[size], settings) for size in _after_starts(ordered, starts))]


def step_seconds(size: Size) -> float:
    """Seconds of a training step on one core of epyc-a, by a fit to 15 sizes that were measured."""
    if size.family in ONE_LAYER:
        maps = _KINDS[size.family] * size["C"]
        return 0.0055 + 9e-6 * maps * size["K"] ** 2 + 1.4e-4 * maps
    pixels = 4 / size.scale**2  # of low resolution, in those at x2
    if size.family == "fsrcnn":
        d, s, m = size["D"], size["S"], size["M"]
        return 0.009 + pixels * 6.8e-6 * (25 * d + 2 * d * s + 9 * m * s**2 + 81 * d)
    d, s = size["D"], size["S"]
    outputs = size.scale**2 * (2 * size["C"] if size.family == "esr_cnn" else 1)
    candidates = 4e-4 * 2 * size["C"] if size.family == "esr_cnn" else 0.0
    return 0.0085 + candidates + pixels * 2.7e-6 * (25 * d + 9 * max(d, 1) * s + 9 * s * outputs)


def _job(size: Size, start: _Start, settings: Sequence[str]) -> Job:
    recipe = _recipe(size, start)
    if settings:
        recipe = override(recipe, settings)
    cost = _START_UP_S + _EVALUATION_S + recipe.steps * step_seconds(size)
    needs = () if start.size is None else (start.size.name,)
    return Job(name=size.name, work={"recipe": recipe.to_dict()}, needs=needs, cost_s=round(cost, 1))


def _recipe(size: Size, start: _Start) -> Recipe:
    """That of the family, shorter where the network does not begin from nothing."""
    recipe = recipe_for(f"{size.family}_x{size.scale}")
    (stage,) = recipe.stages
    steps = _steps(size, start)
    return replace(
        recipe,
        name=size.name,
        arguments={_ARGUMENTS[letter]: number for letter, number in size.letters},
        stages=(replace(stage, steps=steps),),
        start=WarmStart() if start.size is None else WarmStart(model=start.size.name, **start.how),
        validate_every=steps,
    )


def _steps(size: Size, start: _Start) -> int:
    if size.family in ONE_LAYER:
        return (4000, 2000, 1000)[start.grid]
    if size.scale == 2:
        return (10_000, 4000, 3000)[start.grid]
    return (5000, 2500, 1600)[start.grid]


def _start(size: Size) -> _Start:
    if size.family in ONE_LAYER:
        return _one_layer_start(size)
    grid = _grid(size)
    if size.scale == 2:
        return _Start(grid=grid)
    return _Start(size=replace(size, scale=2), grid=grid, how={"fresh": (_head(size),)})


def _one_layer_start(size: Size) -> _Start:
    kernel_size, candidates = size["K"], size["C"]
    if candidates & (candidates - 1):
        return _Start(size=size.changed(C=1 << candidates.bit_length()), grid=2, how={"narrow": True})
    if kernel_size != 5:
        return _Start(size=size.changed(K=5), grid=1, how={"narrow" if kernel_size < 5 else "wide": True})
    if candidates == 4:
        return _Start()
    if candidates > 4:
        return _Start(size=size.changed(C=candidates // 2), grid=1, how={"wide": True})
    return _Start(size=size.changed(C=candidates * 2), grid=1, how={"narrow": True})


def _grid(size: Size) -> int:
    """The grid of the letter that is on the finest one."""
    if size.family == "esr_cnn":
        axes: dict[str, Sequence[int]] = {"C": _CNN_C, "D": _CNN_D, "S": _CNN_S}
    elif size.family == "fsrcnn":
        axes = {"D": _FSRCNN_D, "S": _FSRCNN_S, "M": _FSRCNN_M}
    elif size["D"] in _ESPCN_EVEN:
        axes = {"D": _ESPCN_EVEN, "S": _ESPCN_S_EVEN}
    else:
        axes = {"D": _ESPCN_ODD, "S": _ESPCN_S_ODD}
    return max(_grid_on(values, size[letter]) for letter, values in axes.items())


def _grid_on(values: Sequence[int], value: int) -> int:
    """0 for the largest of an axis, 1 for the one in the middle and the smallest, 2 for the others."""
    index = len(values) - 1 - list(values).index(value)
    return 0 if index == 0 else 1 if index in (len(values) // 2, len(values) - 1) else 2


def _head(size: Size) -> str:
    """The beginning of the names of the last layer's tensors."""
    if size.family == "esr_cnn":
        return "filter.4."
    if size.family == "fsrcnn":
        return f"net.{6 + 2 * size['M']}."
    return "net.4." if size["D"] else "net.2."


def _after_starts(ordered: Sequence[Size], starts: dict[Size, _Start]) -> list[Size]:
    """The sizes in this order, but each after what it begins with."""
    result: dict[Size, None] = {}
    for size in ordered:
        chain = [size]
        while (before := starts[chain[-1]].size) is not None and before not in result:
            chain.append(before)
        result.update(dict.fromkeys(reversed(chain)))
    return list(result)
