"""Operators that move pixels or channels of the picture: unshuffling, enlarging, repeating; and sizes."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.engines.lowering.candidates import candidates, without_axis
from upres.engines.lowering.values import Candidates, Level, Picture, Raised, Sizes, Term, Value
from upres.engines.lowering.walk import Walk, unsupported
from upres.models.nodes import FLOAT, Node


def resize(walk: Walk, node: Node) -> Picture | Raised:
    """The picture enlarged by a whole factor to the nearest pixel, or a coarse map to a fine one's size."""
    return _raised(walk, node) if node.attributes.get("mode") == "linear" else _nearest(walk, node)


def _raised(walk: Walk, node: Node) -> Raised:
    """A coarse map enlarged bilinearly to the sides of the picture or of a map, centers on centers."""
    value, sizes = walk.take(node), walk.take(node, 3)
    usual = node.attributes.get("coordinate_transformation_mode") == "half_pixel"
    sides = entries(sizes)[2:]
    if not (isinstance(value, Value) and usual and len(sides) == 2 and all(isinstance(side, tuple) for side in sides)):
        raise unsupported(node, "native enlarges coarse maps bilinearly to the size of other maps, centers on centers")
    (name, high), (other, wide) = sides
    like = walk.values.get(name)
    if isinstance(like, Picture) and (like.enlargement != 1 or (walk.unshuffle or 1) != 1):
        raise unsupported(node, "native enlarges no map to the size of a picture taken apart")
    if name != other or (high, wide) != (2, 3) or not isinstance(like, Value | Picture):
        raise unsupported(node, "native enlarges coarse maps to the size of the picture or of one map")
    fine, coarse = walk.level_of(like), walk.level_of(value)
    if coarse.scale != fine.scale or coarse.reductions[: len(fine.reductions)] != fine.reductions:
        raise unsupported(node, "native enlarges a map to the size of one that it was made of")
    return Raised(value, fine)


def _nearest(walk: Walk, node: Node) -> Picture:
    """The picture enlarged by a whole factor to the nearest pixel."""
    picture, scales = walk.take(node), walk.constant(node, 2).astype(np.float64)
    expected = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    usual = all(node.attributes.get(name) == wanted for name, wanted in expected.items())
    whole = scales.shape == (4,) and scales[2] == scales[3] == round(scales[2]) and scales[0] == scales[1] == 1
    if not (isinstance(picture, Picture) and not picture.trail and usual and whole):
        raise unsupported(node, "native enlarges the picture alone, by a whole factor to the nearest pixel")
    if picture.unshuffle != 1 or picture.copies != 1:
        raise unsupported(node, "it enlarges the picture after it was taken apart")
    return replace(picture, enlargement=picture.enlargement * int(scales[2]))


def picture_operand(walk: Walk, node: Node, picture: Picture, anchor: Value) -> Term:
    """For each channel of the term the channel of the picture that lies there."""
    colors, block, level = walk.colors, anchor.block, walk.makers[anchor.term.base].made()
    if block == 1:  # channels beside each other: copies of a color, or a square of pixels
        side = picture.unshuffle
        chosen = [channel // picture.copies for channel in range(colors * side**2 * picture.copies)]
        fits = picture.enlargement == 1
    else:  # a square of pixels, of which each pixel of the picture covers a square
        side, inner = block // picture.enlargement, picture.enlargement
        chosen = [
            (color * side + row // inner) * side + column // inner
            for color in range(colors) for row in range(block) for column in range(block)
        ]  # fmt: skip
        fits = block % picture.enlargement == 0 and picture.unshuffle == picture.copies == 1
        picture = replace(picture, unshuffle=side, enlargement=1)
    if not fits or len(chosen) != anchor.term.channels or level != Level():
        raise unsupported(node, "the picture does not fit the map on the other side")
    walk.require_unshuffle(replace(picture, copies=1), node)
    return Term("picture", len(chosen), -1, picture=replace(picture, copies=1), chosen=tuple(chosen))


def entries(value: Any) -> tuple[Any, ...]:
    """What stands in a shape: numbers, or sides of values."""
    return value.entries if isinstance(value, Sizes) else tuple(np.atleast_1d(value).tolist())


def shape(walk: Walk, node: Node) -> Sizes:
    """The sides of a value, by name."""
    value = walk.take(node)
    sides = 6 if isinstance(value, Picture) and value.trail else 4  # on a trail it may have more than four
    return Sizes(tuple((node.inputs[0], axis) for axis in range(sides)))


def one_of_sizes(walk: Walk, node: Node) -> Sizes:
    """One of the sides."""
    sizes, index = walk.take(node), walk.constant(node, 1)
    if not isinstance(sizes, Sizes) or index.size != 1 or not 0 <= int(index.flat[0]) < len(sizes.entries):
        raise unsupported(node, "native takes one of a value's sides alone, no part of maps")
    return Sizes((sizes.entries[int(index.flat[0])],))


def cast(walk: Walk, node: Node) -> Sizes | NDArray[Any]:
    """Sizes, which are whole numbers of any kind, and constants that are stored in 16 bits."""
    found = walk.take(node)
    if isinstance(found, np.ndarray) and node.attributes.get("to") == FLOAT:
        return found.astype(np.float32)
    if not isinstance(found, Sizes):
        raise unsupported(node, "native casts sizes and constants alone")
    return found


def part_of_sizes(walk: Walk, node: Node) -> Sizes:
    """Some of the sides."""
    sizes = walk.take(node)
    start, end = (int(walk.constant(node, index).reshape(-1)[0]) for index in (1, 2))
    if not isinstance(sizes, Sizes) or start < 0 or end < 0 or len(node.inputs) > 4:
        raise unsupported(node, "native cuts sizes alone, no maps")
    return Sizes(sizes.entries[start:end])


def remainder(walk: Walk, node: Node) -> NDArray[Any]:
    """That of two constants."""
    number, divisor = walk.constant(node, 0), walk.constant(node, 1)
    if number.shape != (1,) or divisor.shape != (1,) or divisor[0] <= 0:
        raise unsupported(node, "native takes the remainder of an axis's number alone")
    return np.mod(number, divisor)  # type: ignore[no-any-return]


def reshape(walk: Walk, node: Node) -> Any:
    """A step on the way from pixels to squares of them, or from channels to copies of them or to candidates.

    A size is made a list, and so is a number.
    """
    picture = walk.take(node)
    if isinstance(picture, Sizes) and node.operator == "Unsqueeze":
        return picture
    if isinstance(picture, np.ndarray) and picture.size == 1 and node.operator == "Reshape":
        return picture.reshape(-1)
    if isinstance(picture, Candidates) and node.operator == "Squeeze":
        return without_axis(node, picture, walk.constant(node, 1))
    sizes = walk.take(node, 1) if isinstance(picture, Value) and node.operator == "Reshape" else None
    if isinstance(picture, Value) and isinstance(sizes, Sizes):
        return candidates(node, picture, sizes)
    if not isinstance(picture, Picture):
        raise unsupported(node, "native reshapes the picture alone, to squares of pixels or repeated channels")
    if node.operator == "Transpose":
        how: tuple[Any, ...] = tuple(np.atleast_1d(node.attributes.get("perm", ())).tolist())
    else:
        how = tuple(_named(entry, node.inputs[0]) for entry in entries(walk.take(node, 1)))
    picture = replace(picture, trail=(*picture.trail, (node.operator, how)))
    return _recognised(picture)


def _named(entry: Any, value: str) -> Any:
    """A number of a shape, or which side of that value it is."""
    return ("side", entry[1]) if isinstance(entry, tuple) and entry[0] == value else entry


def _recognised(picture: Picture) -> Picture:
    """What a trail of reshaping comes to, where it is at its end."""
    numbers = [step[1] for step in picture.trail]
    if picture.unshuffle == picture.copies == picture.enlargement == 1:
        for side in {entry for step in numbers for entry in step if isinstance(entry, int) and entry > 1}:
            if picture.trail == _unshuffling(side):
                return replace(picture, unshuffle=side, trail=())
            if picture.trail == _copying(side):
                return replace(picture, copies=side, trail=())
    return picture


def _unshuffling(side: int) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """How torch's exporter writes a pixel unshuffle with free sides."""
    return (
        ("Unsqueeze", (3,)),
        ("Reshape", (0, 0, -1, side, 0)),
        ("Reshape", (0, 0, 0, 0, -1, side)),
        ("Transpose", (0, 1, 3, 5, 2, 4)),
        ("Reshape", (0, -1, 1, 1, 0, 0)),
        ("Squeeze", (2, 3)),
    )


def _copying(count: int) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """How torch's exporter writes channels repeated beside each other."""
    return (
        ("Unsqueeze", (2,)),
        ("Tile", (1, 1, count, 1, 1)),
        ("Reshape", (("side", 0), -1, ("side", 3), ("side", 4))),
    )


def identity(walk: Walk, node: Node) -> Any:
    """The value as it is."""
    return walk.take(node)
