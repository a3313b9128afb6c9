"""Windows of programs that nobody wrote: bars, buttons, lists, tables, icons, dialogues."""

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator
from PIL import Image, ImageDraw

from upres.lab.data.rendered.ink import Color, canvas, color, font, gradient, ink, luma, paper, word, words

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


@dataclass(frozen=True)
class Style:
    """What all of one screen has in common."""

    ground: Color
    text: Color
    accent: Color
    line: Color
    size: float
    """Of letters, in pixels."""
    radius: int
    """Of corners."""


def screen(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A desktop or a page, on which windows lie."""
    width, height = size
    ground = paper(rng)
    image = gradient(rng, size) if rng.random() < 0.4 else canvas(size, ground)[0]
    draw = ImageDraw.Draw(image)
    for index in range(int(rng.integers(1, 4))):
        style = _style(rng)
        if index == 0:
            box = (0, 0, width - 1, height - 1) if rng.random() < 0.6 else (8, 8, width - 9, height - 9)
        else:
            left, top = int(rng.integers(0, max(1, width // 2))), int(rng.integers(0, max(1, height // 2)))
            box = (left, top, left + int(width * rng.uniform(0.3, 0.6)), top + int(height * rng.uniform(0.3, 0.6)))
        _window(rng, draw, box, style)
    return image


def _style(rng: Generator) -> Style:
    ground = paper(rng)
    shift = -40 if luma(ground) > 127 else 50
    line = tuple(min(255, max(0, level + shift)) for level in ground)
    size, radius = float(rng.integers(9, 17)), int(rng.choice([0, 0, 3, 6]))
    return Style(ground, ink(rng, ground), color(rng, lightness=(0.4, 0.9)), line, size, radius)  # type: ignore[arg-type]


def _window(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    left, top, right, bottom = box
    draw.rounded_rectangle(box, style.radius, fill=style.ground, outline=style.line)
    bar = top + int(style.size * 2)
    if bar + 2 < bottom:
        draw.rectangle((left, top, right, bar), fill=style.accent)
        title = (left + 8, top + int(style.size * 0.4), right - int(style.size * 5.5), bar)
        _fitting(rng, draw, title, style, ink(rng, style.accent))
        for index in range(3):
            x = right - int((index + 1) * style.size * 1.6)
            draw.ellipse((x, top + 5, x + style.size, top + 5 + style.size), fill=color(rng))
    row = int(style.size * 2.2)
    for y in range(bar + 4, bottom - row, row):
        x = left + 6
        while x < right - 40:
            width = min(int(rng.integers(40, 180)), right - 6 - x)
            widget = _WIDGETS[int(rng.integers(len(_WIDGETS)))]
            widget(rng, draw, (x, y, x + width - 8, y + row - 6), style)
            x += width


def _text(
    rng: Generator, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, style: Style, fill: Color
) -> None:
    draw.text(place, text, font=font(rng, style.size, family="Sans"), fill=fill)


def _fitting(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style, fill: Color) -> None:
    """A few words, as many letters as the box is wide."""
    letters = max(0, int((box[2] - box[0]) / (style.size * 0.62)))
    _text(rng, draw, (box[0], box[1] + 1), words(rng, 4)[:letters], style, fill)


def _button(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    fill = style.accent if rng.random() < 0.4 else style.line
    draw.rounded_rectangle(box, style.radius, fill=fill, outline=style.text if rng.random() < 0.3 else None)
    _fitting(rng, draw, (box[0] + 6, box[1] + 1, box[2] - 4, box[3]), style, ink(rng, fill))


def _label(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    _fitting(rng, draw, box, style, style.text)
    if rng.random() < 0.2:
        draw.line((box[0], box[3], box[2], box[3]), fill=style.accent)


def _field(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    draw.rectangle(box, outline=style.line, width=int(rng.integers(1, 3)))
    _text(rng, draw, (box[0] + 4, box[1] + 1), word(rng)[:6], style, style.text)
    x = box[0] + 4 + int(style.size * 4)
    if x < box[2]:
        draw.line((x, box[1] + 3, x, box[3] - 3), fill=style.text)


def _check(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    side = int(style.size)
    square = (box[0], box[1] + 2, box[0] + side, box[1] + 2 + side)
    shape = draw.ellipse if rng.random() < 0.4 else draw.rectangle
    shape(square, outline=style.text, fill=style.accent if rng.random() < 0.5 else style.ground)
    if rng.random() < 0.5:
        x, y = square[:2]
        draw.line((x + 3, y + side // 2, x + side // 2, y + side - 3, x + side - 2, y + 3), fill=style.text, width=2)
    _fitting(rng, draw, (box[0] + side + 6, box[1], box[2], box[3]), style, style.text)


def _slider(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    middle = (box[1] + box[3]) // 2
    draw.line((box[0], middle, box[2], middle), fill=style.line, width=3)
    x = int(rng.integers(box[0], max(box[0] + 1, box[2])))
    draw.line((box[0], middle, x, middle), fill=style.accent, width=3)
    draw.ellipse((x - 5, middle - 5, x + 5, middle + 5), fill=style.accent, outline=style.text)


def _grid(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    step = int(rng.integers(3, 9))
    for x in range(box[0], box[2], step):
        draw.line((x, box[1], x, box[3]), fill=style.line)
    for y in range(box[1], box[3] + 1, step):
        draw.line((box[0], y, box[2], y), fill=style.line)
    x, y = box[0] + step * int(rng.integers(0, 4)), box[1] + step
    draw.rectangle((x, y, x + step, y + step), fill=style.accent)


def _icons(rng: Generator, draw: ImageDraw.ImageDraw, box: Box, style: Style) -> None:
    side = max(4, box[3] - box[1])
    for x in range(box[0], box[2] - side, side + 6):
        square, kind = (x, box[1], x + side, box[3]), int(rng.integers(4))
        if kind == 0:
            draw.regular_polygon(
                (x + side // 2, box[1] + side // 2, side // 2), int(rng.integers(3, 7)), fill=color(rng)
            )
        elif kind == 1:
            draw.pieslice(square, float(rng.integers(0, 180)), float(rng.integers(180, 360)), fill=color(rng))
        elif kind == 2:
            draw.rounded_rectangle(square, 3, outline=style.text, width=2)
        else:
            draw.arc(square, 30, 330, fill=style.text, width=2)


_WIDGETS: tuple[Callable[[Generator, ImageDraw.ImageDraw, Box, Style], None], ...] = (
    _button,
    _label,
    _label,
    _label,
    _field,
    _check,
    _slider,
    _grid,
    _icons,
)
