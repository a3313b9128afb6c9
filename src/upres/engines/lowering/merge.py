"""Two 1x1 convolutions in a row as one, and a coarse map between them widened where it is coarse.

Attention ends in ``excite(raise(coarse) + skip(narrow))``. All of it is linear, and what raises a map gives each pixel
weights that sum to 1, so it is ``raise(excite(coarse)) + excite(skip(narrow))``: one product a pixel less, and one of
few pixels more, which goes into the convolution that makes the coarse map.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from upres.engines.lowering.values import Convolution, Floats, Operations, Reduction, Term, Value

Maker = Convolution | Reduction


def merged(operations: Operations) -> Operations:
    """The operations with every pair of 1x1 convolutions merged where that saves products. Changes them in place."""
    makers = operations.makers
    for second in makers:
        source = second.inputs[0]
        if isinstance(source, Term) and isinstance(second, Convolution) and len(second.inputs) == 1:
            _merge(makers, source.base, second)
    return operations


def _merge(makers: Sequence[Maker], number: int, second: Convolution) -> None:
    """Merge a convolution into the one that reads it, if nothing else does and no step but one skip is between."""
    first = makers[number]
    if not isinstance(first, Convolution) or first.stored is None or second.stored is None:
        return
    one_by_one = first.weight.shape[2:] == second.weight.shape[2:] == (1, 1) and first.stored.block == 1
    inputs, middle, outputs = first.weight.shape[1], len(first.weight), len(second.weight)
    saves = inputs * outputs <= middle * (inputs + outputs)
    if not one_by_one or not saves or _readers(makers)[number] != 1:
        return
    coarse = _coarse_skip(makers, first)
    if first.stored.term.kind != "sum" and (coarse is None or second.stored.block != 1):
        return
    matrix = second.weight[:, :, 0, 0].astype(np.float64)
    if coarse is not None:
        _add_skip(makers, coarse, matrix, second)
    second.bias = second.bias + (matrix @ first.bias).astype(np.float32)
    second.weight, second.inputs = _times(matrix, first.weight), first.inputs
    first.stored = first.map = None


def _readers(makers: Sequence[Maker]) -> Counter[int]:
    """How many makers read the map of each."""
    readers = Counter[int]()
    for maker in makers:
        if maker.stored is not None:
            terms = {source for source in maker.inputs if isinstance(source, Term)} | _maps_in(maker.stored.term)
            readers.update({term.base for term in terms})
    return readers


def _maps_in(term: Term) -> set[Term]:
    return {term} if term.kind == "map" else set[Term]().union(*(_maps_in(each) for each in term.args))


def _coarse_skip(makers: Sequence[Maker], first: Convolution) -> int | None:
    """The convolution of a coarse map, read by nothing else and as it is, that is added to the sum; if that is all."""
    term = first.stored.term if first.stored is not None else None
    if term is None or term.kind != "add" or sorted(each.kind for each in term.args) != ["map", "sum"]:
        return None
    number = next(each.base for each in term.args if each.kind == "map")
    maker = makers[number]
    as_it_is = maker.stored is not None and maker.stored.term.kind == "sum"
    coarse = isinstance(maker, Convolution) and maker.level != first.level
    return number if as_it_is and coarse and _readers(makers)[number] == 1 else None


def _add_skip(makers: Sequence[Maker], number: int, matrix: NDArray[np.float64], second: Convolution) -> None:
    """Widen a coarse map by the second convolution, to whose sum it is added from now on."""
    coarse = makers[number]
    assert isinstance(coarse, Convolution)
    assert second.stored is not None
    coarse.weight, coarse.bias = _times(matrix, coarse.weight), (matrix @ coarse.bias).astype(np.float32)
    coarse.stored = Value(Term("sum", len(matrix), number))
    coarse.map = Term("map", len(matrix), number)
    base = second.stored.term.base
    total = Term("add", len(matrix), base, (Term("sum", len(matrix), base), coarse.map))
    second.stored = Value(_with_sum(second.stored.term, total, {}), second.stored.block)


def _times(matrix: NDArray[np.float64], weight: Floats) -> Floats:
    product: Floats = np.einsum("om,mikl->oikl", matrix, weight.astype(np.float64)).astype(np.float32)
    return product


def _with_sum(term: Term, total: Term, done: dict[Term, Term]) -> Term:
    """The same steps on another sum; what is used twice stays one."""
    if term.kind == "sum":
        return total
    if term.kind in ("map", "picture"):
        return term
    if term not in done:
        done[term] = replace(term, args=tuple(_with_sum(each, total, done) for each in term.args))
    return done[term]
