"""Pages of text, and pictures made of pixels."""

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from upres.lab.data.rendered.ink import Color, canvas, color, dithered, font, ink, paper, word, words


def page(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """Headings, paragraphs, lists and rules in one or two columns; by turns a little askew, as scans are."""
    width, height = size
    ground = paper(rng)
    image, draw = canvas(size, ground)
    columns = int(rng.integers(1, 3)) if width >= 256 else 1
    for column in range(columns):
        left, y = 8 + column * width // columns, float(rng.integers(2, 14))
        while y < height:
            y += _paragraph(rng, draw, (left, y), width // columns - 16, ground)
    if rng.random() < 0.2:
        image = image.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, fillcolor=ground)
    return image


def _paragraph(
    rng: Generator, draw: ImageDraw.ImageDraw, corner: tuple[float, float], width: int, ground: Color
) -> float:
    """Lines of one font that fit into ``width``; the height that they take."""
    heading = rng.random() < 0.25
    size = rng.uniform(18, 48) if heading else rng.uniform(8, 20)
    letters, fill = font(rng, size), ink(rng, ground)
    draw.fontmode = "1" if rng.random() < 0.15 else "L"  # without smoothing, as on old screens
    x, y = corner
    height = 0.0
    for _ in range(1 if heading else int(rng.integers(2, 9))):
        line = words(rng, int(rng.integers(2, 14)))
        while len(line) > 1 and draw.textlength(line, font=letters) > width:
            line = line[: int(len(line) * 0.9)]
        draw.text((x, y + height), line, font=letters, fill=fill)
        height += size * rng.uniform(1.2, 1.3)
    if rng.random() < 0.2:
        draw.line((x, y + height + 3, x + width, y + height + 3), fill=fill, width=int(rng.integers(1, 3)))
    return height + size * 0.8


def pixels(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """A screen of large pixels: sprites, tiles, and letters of few pixels, in few colours."""
    width, height = size
    side = int(rng.choice([1, 2, 2, 3, 4, 6]))
    small = (-(-width // side), -(-height // side))
    ground = paper(rng)
    image, draw = canvas(small, ground)
    palette = [color(rng) for _ in range(int(rng.integers(3, 12)))]
    for _ in range(max(3, small[0] * small[1] // 900)):
        place = (int(rng.integers(-8, small[0])), int(rng.integers(-8, small[1])))
        image.paste(_sprite(rng, palette), place)
    draw.fontmode = "1"
    for _ in range(max(1, small[1] // 24)):
        letters, place = (
            font(rng, rng.uniform(7, 14)),
            (int(rng.integers(0, small[0])) - 20, int(rng.integers(0, small[1]))),
        )
        text = " ".join(word(rng) for _ in range(3))
        draw.rectangle(draw.textbbox(place, text, font=letters), fill=ground)
        draw.text(place, text, font=letters, fill=ink(rng, ground))
    if rng.random() < 0.3:
        image = dithered(rng, image)
    return image.resize((small[0] * side, small[1] * side), Image.Resampling.NEAREST).crop((0, 0, width, height))


def _sprite(rng: Generator, palette: list[Color]) -> Image.Image:
    """A figure of two to five colours, mirrored or repeated."""
    half, tall = int(rng.integers(3, 9)), int(rng.integers(6, 18))
    chosen = np.array(
        [palette[int(index)] for index in rng.integers(len(palette), size=int(rng.integers(2, 6)))], np.uint8
    )
    cells = chosen[rng.integers(len(chosen), size=(tall, half))]
    if rng.random() < 0.7:
        return Image.fromarray(np.concatenate((cells, cells[:, ::-1]), axis=1))
    return Image.fromarray(np.tile(cells, (1, int(rng.integers(1, 5)), 1)))
