"""Drawings of lines and flat colours: comics, diagrams, maps; at four times their size, then reduced."""

from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from upres.lab.data.rendered.ink import Color, canvas, color, font, ink, paper, word, words

_FINE = 4
"""Times as large as shown; the box filter that reduces it smooths edges by 16 levels."""
_LARGEST_CURVE = 96

Points = NDArray[np.float64]


def drawing(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Closed curves with outlines, hatching and dots, and bubbles of text."""
    large = (size[0] * _FINE, size[1] * _FINE)
    ground = paper(rng)
    image, draw = canvas(large, ground)
    outline, pen = ink(rng, ground), _FINE * rng.uniform(0.75, 4)
    for _ in range(int(rng.integers(5, 24))):
        curve = _curve(rng, large)
        fill = color(rng) if rng.random() < 0.7 else None
        if fill is not None:
            draw.polygon([*map(tuple, curve)], fill=fill)
        if rng.random() < 0.35:
            _filled(rng, image, curve, outline)
        draw.line([*map(tuple, curve), tuple(curve[0])], fill=outline, width=round(pen), joint="curve")
    for _ in range(int(rng.integers(0, 12))):
        _stroke(rng, draw, large, outline)
    for _ in range(int(rng.integers(0, 4))):
        _bubble(rng, draw, large)
    return image.resize(size, Image.Resampling.BOX)


def diagram(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Boxes with words, and arrows between them, on a grid or on nothing."""
    large = (size[0] * _FINE, size[1] * _FINE)
    ground = paper(rng)
    image, draw = canvas(large, ground)
    line, pen = ink(rng, ground), int(_FINE * rng.integers(1, 4))
    if rng.random() < 0.3:
        step = int(_FINE * rng.integers(8, 33))
        faint = tuple((a + 5 * b) // 6 for a, b in zip(line, ground, strict=True))
        for x in range(0, large[0], step):
            draw.line((x, 0, x, large[1]), fill=faint, width=_FINE)
        for y in range(0, large[1], step):
            draw.line((0, y, large[0], y), fill=faint, width=_FINE)
    centres = [(int(rng.integers(large[0])), int(rng.integers(large[1]))) for _ in range(int(rng.integers(4, 14)))]
    for start, end in pairwise(centres):
        bend = (end[0], start[1])
        draw.line((*start, *(bend if rng.random() < 0.5 else start), *end), fill=line, width=pen)
        tip = 4 * pen
        draw.polygon(
            (end[0] - tip, end[1] - 20 * _FINE, end[0] + tip, end[1] - 20 * _FINE, end[0], end[1] - 12 * _FINE), line
        )
    for x, y in centres:
        _node(rng, draw, (x, y), line, pen)
    return image.resize(size, Image.Resampling.BOX)


def _node(rng: Generator, draw: ImageDraw.ImageDraw, centre: tuple[int, int], line: Color, pen: int) -> None:
    letters, text = font(rng, _FINE * rng.uniform(8, 16), family="Sans"), word(rng)
    half = (draw.textlength(text, font=letters) / 2 + 6 * _FINE, _FINE * rng.uniform(9, 18))
    box = (centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1])
    fill = color(rng)
    if rng.random() < 0.3:
        draw.ellipse(box, fill=fill, outline=line, width=pen)
    else:
        draw.rounded_rectangle(box, float(rng.choice([0, 4, 8])) * _FINE, fill=fill, outline=line, width=pen)
    draw.text(centre, text, font=letters, fill=ink(rng, fill), anchor="mm")


def _curve(rng: Generator, size: tuple[int, int]) -> Points:
    """A closed smooth curve, or a polygon, about a centre: its points, ``(N, 2)``."""
    corners = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = min(size) * rng.uniform(0.03, 0.4) * rng.uniform(0.4, 1.0, corners)
    if rng.random() < 0.65:  # radii between the corners by a Fourier series, which closes smoothly
        dense = np.linspace(0, 2 * np.pi, _LARGEST_CURVE, endpoint=False)
        waves = np.arange(1, 5)
        sizes, phases = rng.normal(0, 0.12, 4) / waves, rng.uniform(0, 2 * np.pi, 4)
        angles, radii = (
            dense,
            radii.mean() * (1 + (sizes[:, None] * np.cos(np.outer(waves, dense) + phases[:, None])).sum(0)),
        )
    centre = rng.uniform(0, 1, 2) * size
    return np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None] + centre


def _filled(rng: Generator, image: Image.Image, curve: Points, outline: Color) -> None:
    """Hatching or a raster of dots within the curve."""
    mask, within = Image.new("L", image.size, 0), Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).polygon([*map(tuple, curve)], fill=255)
    draw, step = ImageDraw.Draw(within), int(_FINE * rng.integers(3, 9))
    left, top, right, bottom = (round(value) for value in (*curve.min(0), *curve.max(0)))
    if rng.random() < 0.5:
        slope = int(rng.uniform(-1, 1) * (bottom - top))
        for x in range(left - abs(slope), right + abs(slope), step):
            draw.line((x, top, x + slope, bottom), fill=255, width=max(1, step // 5))
    else:
        radius = step * rng.uniform(0.15, 0.4)
        for row, y in enumerate(range(top, bottom, step)):
            for x in range(left + (row % 2) * step // 2, right, step):
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    both = Image.fromarray(np.minimum(np.asarray(mask), np.asarray(within)))
    image.paste(outline, (0, 0), both)


def _stroke(rng: Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int], fill: Color) -> None:
    """A cubic Bézier curve of a pen."""
    share = np.linspace(0, 1, 40)[:, None]
    a, b, c, d = rng.uniform(-0.1, 1.1, (4, 2)) * size
    rest = 1 - share
    points = rest**3 * a + 3 * rest**2 * share * b + 3 * rest * share**2 * c + share**3 * d
    draw.line([*map(tuple, points)], fill=fill, width=round(_FINE * rng.uniform(0.5, 3)), joint="curve")


def _bubble(rng: Generator, draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    letters, text = font(rng, _FINE * rng.uniform(8, 15), family="Sans"), f"{words(rng, 2)}\n{words(rng, 2)}".upper()
    x, y = rng.uniform(0.1, 0.8, 2) * size
    left, top, right, bottom = draw.multiline_textbbox((x, y), text, font=letters)
    around = _FINE * 8
    draw.ellipse((left - 2 * around, top - around, right + 2 * around, bottom + around), "white", "black", _FINE)
    draw.multiline_text((x, y), text, font=letters, fill="black", align="center")
