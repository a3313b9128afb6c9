"""A convolution of the picture that is made a second time where its map would wait behind a reduction.

What comes behind a reduction begins when the reduction is whole, so a skip from the first convolution to the last waits
for every block. Of RLFN, in slabs, that was 183 rows of 32 channels, a quarter of its memory. Three channels of the
picture wait in their place, and the convolution of so few channels takes a two hundred and fiftieth of the network.
"""

from collections.abc import Callable
from dataclasses import replace

from upres.engines.lowering.values import Convolution, Operations, Picture, Reduction, Term, Value

Maker = Convolution | Reduction


def made_again(operations: Operations) -> Operations:
    """The operations, with a copy of each such convolution right before the first of those that read it so late."""
    makers = list(operations.makers)
    for number in reversed(range(len(makers))):  # a copy moves what comes behind it
        late = [reader for reader in _readers(makers, number) if _waits(makers, number, reader)]
        if late and _is_of_the_picture(makers[number]):
            makers = _with_copy(makers, number, late[0])
    return replace(operations, makers=tuple(makers))


def _readers(makers: list[Maker], number: int) -> list[int]:
    """Numbers of the makers that read the map of that one."""
    read = makers[number].map
    return [
        index
        for index, maker in enumerate(makers)
        if maker.stored is not None and read is not None and (read in maker.inputs or _has(maker.stored.term, read))
    ]


def _has(term: Term, wanted: Term) -> bool:
    return term is wanted or any(_has(each, wanted) for each in term.args)


def _waits(makers: list[Maker], number: int, reader: int) -> bool:
    return any(isinstance(maker, Reduction) for maker in makers[number:reader])


def _is_of_the_picture(maker: Maker) -> bool:
    """Whether a map depends on the picture through this convolution alone."""
    alone = isinstance(maker, Convolution) and all(isinstance(source, Picture) for source in maker.inputs)
    return alone and maker.stored is not None and not _reads_a_map(maker.stored.term)


def _reads_a_map(term: Term) -> bool:
    return term.kind == "map" or any(map(_reads_a_map, term.args))


def _with_copy(makers: list[Maker], number: int, at: int) -> list[Maker]:
    """The makers with a copy of one at a place, which those from there on read instead."""
    first = makers[number]
    assert first.stored is not None
    assert first.map is not None
    own = Term("map", first.map.channels, at)
    term = _renumbered(first.stored.term, lambda base: at if base == number else base, {})
    copy = replace(first, stored=Value(term, first.stored.block), map=own)
    moved = {first.map: own}
    return [*makers[:at], copy, *(_moved(maker, at, moved) for maker in makers[at:])]


def _moved(maker: Maker, at: int, done: dict[Term, Term]) -> Maker:
    """The same, one place further back than ``at``."""

    def renumbered(term: Term) -> Term:
        return _renumbered(term, lambda base: base + (base >= at), done)

    return replace(
        maker,
        inputs=tuple(source if isinstance(source, Picture) else renumbered(source) for source in maker.inputs),
        stored=None if maker.stored is None else Value(renumbered(maker.stored.term), maker.stored.block),
        map=None if maker.map is None else renumbered(maker.map),
    )


def _renumbered(term: Term, number: Callable[[int], int], done: dict[Term, Term]) -> Term:
    """The same term of makers with other numbers; what is used twice stays one."""
    if term not in done:
        args = tuple(_renumbered(each, number, done) for each in term.args)
        done[term] = replace(term, base=number(term.base), args=args)
    return done[term]
