"""Drawings made by a program, of flat colours, lines, letters and shades. They stand for comics, charts, logos."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 512
_FINE = 3
"""Drawn so many times larger and reduced, for smooth edges."""
_WORDS = ("upscale every line so that no edge frays", "and no letter breaks", "0123456789 Quartz glyph jinx vow")

Canvas = ImageDraw.ImageDraw
Draw = Callable[[Canvas, np.random.Generator], None]


def drawings(count: int = 20) -> list[NDArray[np.uint8]]:
    """So many drawings ``(512, 512, 3)``; the same ones every time."""
    return [_drawing(index) for index in range(count)]


def _drawing(index: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng((7, index))
    paper = tuple(int(level) for level in rng.integers(200, 256, 3)) if index % 3 else (255, 255, 255)
    image = Image.new("RGB", (SIZE * _FINE, SIZE * _FINE), paper)
    for draw in _KINDS[index % len(_KINDS)]:
        draw(ImageDraw.Draw(image), rng)
    if index % 5 == 4:  # soft shading, as painted pictures have it
        soft = image.filter(ImageFilter.GaussianBlur(20 * _FINE))
        image = Image.blend(image, soft, 0.3)
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def _color(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3)
    return int(red), int(green), int(blue)


def _point(rng: np.random.Generator) -> tuple[float, float]:
    x, y = rng.uniform(0, SIZE * _FINE, 2)
    return float(x), float(y)


def _shapes(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(25):
        (x, y), side = _point(rng), float(rng.uniform(20, 140)) * _FINE
        box = (x, y, x + side, y + side * float(rng.uniform(0.4, 1.6)))
        outline = (0, 0, 0) if rng.random() < 0.7 else None
        kind = (canvas.ellipse, canvas.rectangle)[int(rng.integers(2))]
        kind(box, fill=_color(rng), outline=outline, width=int(rng.integers(1, 4)) * _FINE)


def _lines(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(60):
        points = [_point(rng)]
        for _ in range(int(rng.integers(2, 7))):
            x, y = points[-1]
            points.append((x + float(rng.normal(0, 60 * _FINE)), y + float(rng.normal(0, 60 * _FINE))))
        canvas.line(points, fill=(20, 20, 20), width=int(rng.integers(1, 4)) * _FINE, joint="curve")


def _lettering(canvas: Canvas, rng: np.random.Generator) -> None:
    y = 8.0 * _FINE
    while y < SIZE * _FINE:
        size = int(rng.integers(10, 34)) * _FINE
        text = " ".join(rng.choice(" ".join(_WORDS).split(), 10))
        canvas.text((10 * _FINE, y), text, fill=(15, 15, 15) if rng.random() < 0.6 else _color(rng), font=_font(size))
        y += size * 1.3


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _chart(canvas: Canvas, rng: np.random.Generator) -> None:
    side = SIZE * _FINE
    for place in np.linspace(0.1, 0.9, 9):
        canvas.line([(0.1 * side, place * side), (0.9 * side, place * side)], fill=(205, 205, 205), width=_FINE)
    for column, height in enumerate(rng.uniform(0.1, 0.75, 10)):
        left = (0.12 + 0.078 * column) * side
        canvas.rectangle((left, (0.9 - height) * side, left + 0.05 * side, 0.9 * side), fill=_color(rng))
    values = np.cumsum(rng.normal(0, 0.03, 40)) + 0.5
    canvas.line(
        [((0.1 + 0.02 * place) * side, float(value) * side) for place, value in enumerate(values)],
        fill=(180, 20, 30),
        width=2 * _FINE,
        joint="curve",
    )


def _sky(canvas: Canvas, rng: np.random.Generator) -> None:
    top, bottom = (np.array(_color(rng)) for _ in range(2))
    for row in range(SIZE * _FINE):
        share = row / (SIZE * _FINE)
        level = (top * (1 - share) + bottom * share).round().astype(int)
        canvas.line([(0, row), (SIZE * _FINE, row)], fill=(int(level[0]), int(level[1]), int(level[2])))


def _hatching(canvas: Canvas, rng: np.random.Generator) -> None:
    for _ in range(12):
        (x, y), gap = _point(rng), float(rng.uniform(4, 9)) * _FINE
        for line in range(18):
            start = (x + line * gap, y)
            canvas.line([start, (start[0] - 60 * _FINE, y + 90 * _FINE)], fill=(30, 30, 30), width=_FINE)


_KINDS: tuple[tuple[Draw, ...], ...] = (
    (_shapes, _lines),
    (_lettering,),
    (_sky, _shapes, _hatching),
    (_chart, _lettering),
    (_hatching, _lines),
    (_sky, _shapes, _lettering),
)
"""What the drawings consist of, in turn."""
