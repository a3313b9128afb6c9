"""Which of what was found in a picture is so wrong that a network shall undo it.

The bounds are where one network's mean PSNR passes the other's on degraded photographs (docs/reports/judge.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from upres.pipeline.judge import Judgement

Fault = Literal["jpeg", "noise", "blur"]


@dataclass(frozen=True)
class Bounds:
    """Where networks that undo faults come nearer to the truth, for one kind of picture."""

    quality: float
    """JPEG quality below which the robust networks do."""
    noise: float
    """Noise in levels of 255 from which on they do, if it is at least as fine as `_FINE`."""
    coarse_noise: float
    """Noise from which on they do, whatever it is."""
    noise_in_jpeg: float = inf
    """Noise behind a JPEG that `is_covered`, from which on they do: JPEG without noise leaves less than 1.5."""
    blocks: float = 8.0
    """Repetition of blocks from which on they do where the blocks were resized, and the networks for light faults where
    they were not and no step was found: pixels of a JPEG of 90 to 96 in another kind of file."""
    light: tuple[float, float] = (inf, inf)
    """JPEG qualities from which on and below which the networks for light faults are nearer than both others."""


_FINE = 0.5
"""How fine noise is that the clean networks sharpen; weak coarse noise nobody takes for detail."""
_DRAWING, _DRAWING_IN_JPEG = 0.29, 0.25
"""Share of steep edges among all changes from which on a picture counts as a drawing; and behind a JPEG of less than
quality 80, which draws waves beside edges. One photograph of 41 has so many, and 85 drawings of 100."""
_WAVES = 80.0
PHOTOGRAPHS = Bounds(88.5, 3.4, 4.5, noise_in_jpeg=2.5, light=(74.5, 94.0))
DRAWINGS = Bounds(88.5, 13.0, 13.0, blocks=inf, light=(79.0, 88.5))
"""Where they do for the RGB networks."""
PHOTOGRAPHS_FAST, DRAWINGS_FAST = Bounds(83.0, 3.4, 4.5, noise_in_jpeg=2.5), Bounds(61.0, 13.0, 13.0, blocks=inf)
"""Where the small robust networks do. Enlarged sprites repeat as blocks do."""
_GRID, _NEAR = 8.0, 0.2
"""Side of a JPEG's blocks that were not resized, and how near to it that is found."""
_PATTERN = 24.0
"""Repetition at that distance from which on it is a pattern's: JPEGs of which no step is found leave at most 23."""
_STRONG_NOISE, _OVER_BLUR = 7.5, 3.0
"""Noise from which on it counts more than all other faults, and more than blur."""
_LEAST_BLUR = 0.82
"""Blur in pixels from which on it is."""
_DRAWN_QUALITY = 50.0
"""JPEG quality from which on the networks for drawings come nearer to the truth of drawings than the robust ones."""
_COVERED_QUALITY = 60.0
"""JPEG quality from which on a network against noise undoes the blocks too: it learns from noise behind such a JPEG."""


def is_drawing(judged: Judgement) -> bool:
    """Whether a picture is a drawing or a screen: flat colours with edges between."""
    waves = judged.jpeg_quality is not None and judged.jpeg_quality < _WAVES
    return judged.edges > (_DRAWING_IN_JPEG if waves else _DRAWING)


def bounds_for(judged: Judgement, both: tuple[Bounds, Bounds]) -> Bounds:
    """The bounds for photographs, or those for drawings, whichever the picture is."""
    return both[1 if is_drawing(judged) else 0]


def found(judged: Judgement, bounds: Bounds = PHOTOGRAPHS, *, light: bool = False) -> dict[Fault, str]:
    """What is so wrong with a picture that other networks than the clean ones are nearer to the truth.

    Args:
        judged: What was found in the picture.
        bounds: From where on it counts.
        light: Whether there are networks for light faults beside the robust ones.

    Returns:
        Kind of fault -> a few words; nothing for a clean picture.

    Example:
        >>> found(Judgement(jpeg_quality=60.0, noise=4.2, fineness=0.9))
        {'jpeg': 'JPEG of quality 60', 'noise': 'noise of 4 levels'}
    """
    wrong = dict[Fault, str]()
    if judged.jpeg_quality is not None and judged.jpeg_quality < (bounds.light[1] if light else bounds.quality):
        wrong["jpeg"] = f"JPEG of quality {judged.jpeg_quality:.0f}"
    elif _has_resized_blocks(judged, bounds):
        wrong["jpeg"] = "blocks of an earlier JPEG"
    elif light and _has_fine_blocks(judged, bounds):
        wrong["jpeg"] = "blocks of a JPEG of high quality"
    least = bounds.noise if judged.fineness >= _FINE else bounds.coarse_noise
    if judged.noise >= (min(least, bounds.noise_in_jpeg) if is_covered(judged) else least):
        wrong["noise"] = f"noise of {judged.noise:.0f} levels"
    if judged.blur >= _LEAST_BLUR:
        wrong["blur"] = f"blur of {judged.blur:.1f} pixels"
    return wrong


def is_of_noise(judged: Judgement, wrong: Mapping[Fault, str]) -> bool:
    """Whether noise is what is to be undone: alone, strong, or behind a JPEG that its network undoes as well.

    Args:
        judged: What was found in the picture.
        wrong: What `found` says of it.
    """
    if "noise" not in wrong or judged.noise >= _STRONG_NOISE:
        return "noise" in wrong
    blurred = "blur" in wrong and judged.noise < _OVER_BLUR
    return not blurred and ("jpeg" not in wrong or is_covered(judged))


def is_covered(judged: Judgement) -> bool:
    """Whether a network against noise undoes the JPEG that was found as well."""
    return judged.jpeg_quality is not None and judged.jpeg_quality >= _COVERED_QUALITY


def are_light(judged: Judgement, bounds: Bounds) -> bool:
    """Whether the networks for light faults can undo what was found."""
    compressed = judged.jpeg_quality is not None and judged.jpeg_quality < bounds.light[0]
    strong = compressed or judged.noise >= _STRONG_NOISE
    return not strong and not _has_resized_blocks(judged, bounds) and judged.blur < _LEAST_BLUR


def suit_a_drawing(judged: Judgement, wrong: Mapping[Fault, str]) -> bool:
    """Whether a picture is a drawing with nothing wrong that the networks for drawings do not undo.

    Args:
        judged: What was found in the picture.
        wrong: What `found` says of it.
    """
    strong = judged.jpeg_quality is not None and judged.jpeg_quality < _DRAWN_QUALITY
    return is_drawing(judged) and not strong and not wrong.keys() - {"jpeg"}


def _has_resized_blocks(judged: Judgement, bounds: Bounds) -> bool:
    return judged.blocks >= bounds.blocks and not _is_of_grid(judged)


def _has_fine_blocks(judged: Judgement, bounds: Bounds) -> bool:
    return judged.jpeg_quality is None and bounds.blocks <= judged.blocks < _PATTERN and _is_of_grid(judged)


def _is_of_grid(judged: Judgement) -> bool:
    return abs(judged.block_side - _GRID) <= _NEAR
