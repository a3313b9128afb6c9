"""Colours, words and letters that the other files of this room draw with."""

import colorsys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from upres.errors import MissingExtraError

Color = tuple[int, int, int]

_SYLLABLES = {
    "latin": "ba ce di fo gu la me ni po ru sa te vi xo zu qua sch tr ing el an or ist",
    "greek": "αλ βε γα δι επ ζη θω κα λο μυ νε ξι πο ρα στ υφ χε ψω",
    "cyrillic": "ба ве гро да жи зо ка лю мы не по ру сты фа хо це ша эм юг",
}
_SCRIPTS = ("latin", "latin", "latin", "latin", "greek", "cyrillic")
_READABLE = 90
"""Levels of luma that letters differ from their ground."""


def color(rng: Generator, *, lightness: tuple[float, float] = (0.1, 1.0), saturation: float = 1.0) -> Color:
    """A colour of any hue, as light and at most as saturated as is said."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.random() * saturation, rng.uniform(*lightness))
    return round(red * 255), round(green * 255), round(blue * 255)


def paper(rng: Generator) -> Color:
    """A ground for text: white, light, or dark."""
    draw = rng.random()
    if draw < 0.35:
        return (255, 255, 255)
    if draw < 0.7:
        return color(rng, lightness=(0.88, 1.0), saturation=0.2)
    return color(rng, lightness=(0.0, 0.25), saturation=0.5)


def ink(rng: Generator, ground: Color) -> Color:
    """A colour that can be read on ``ground``; every other time black or white."""
    plain: Color = (0, 0, 0) if luma(ground) > 127 else (255, 255, 255)
    if rng.random() < 0.5:
        return plain
    for _ in range(8):
        chosen = color(rng, lightness=(0.0, 1.0))
        if abs(luma(chosen) - luma(ground)) > _READABLE:
            return chosen
    return plain


def luma(of: Color) -> float:
    """BT.601 luma, 0 to 255."""
    return 0.299 * of[0] + 0.587 * of[1] + 0.114 * of[2]


def font(rng: Generator, size: float, *, family: str = "") -> ImageFont.FreeTypeFont:
    """One of the DejaVu fonts, whose licence lets anybody embed them; matplotlib brings them.

    Args:
        rng: Chooses among them.
        size: Of an em in pixels.
        family: Beginning of the name behind ``DejaVu``, such as ``SansMono``.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    known = [path for path in _fonts() if path.stem.startswith(f"DejaVu{family}")]
    return ImageFont.truetype(str(known[int(rng.integers(len(known)))]), max(4, round(size)))


@cache
def _fonts() -> tuple[Path, ...]:
    try:
        import matplotlib
    except ModuleNotFoundError as error:
        raise MissingExtraError("rendered pictures", "lab") from error
    found = Path(matplotlib.get_data_path(), "fonts", "ttf").glob("DejaVu*.ttf")
    return tuple(sorted(path for path in found if "Display" not in path.stem))  # those hold signs of mathematics alone


def word(rng: Generator) -> str:
    """A word of no language, or a number."""
    if rng.random() < 0.12:
        return f"{rng.integers(1, 10_000)}{rng.choice(['', '', '%', ' km', '.5', ':30'])}"
    syllables = _SYLLABLES[str(rng.choice(_SCRIPTS))].split()
    text = "".join(str(rng.choice(syllables)) for _ in range(int(rng.integers(1, 5))))
    return text.capitalize() if rng.random() < 0.25 else text


def words(rng: Generator, count: int) -> str:
    """Some of them with commas and full stops."""
    marks = ["", "", "", "", ",", ".", "!", "?", ";"]
    return " ".join(word(rng) + str(rng.choice(marks)) for _ in range(count))


def canvas(size: tuple[int, int], ground: Color) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A picture of (width, height), and what draws on it."""
    image = Image.new("RGB", size, ground)
    return image, ImageDraw.Draw(image)


def dithered(rng: Generator, image: Image.Image) -> Image.Image:
    """The picture in 2 to 16 colours, by error diffusion, as old screens and GIFs have it."""
    reduced = image.quantize(int(2 ** rng.integers(1, 5)), dither=Image.Dither.FLOYDSTEINBERG)
    return reduced.convert("RGB")


def gradient(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """From one colour to another, along a line of any direction."""
    width, height = size
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width]
    along = x * np.cos(angle) + y * np.sin(angle)
    share = ((along - along.min()) / max(float(np.ptp(along)), 1e-9))[..., None]
    first, last = (np.array(color(rng), float) for _ in range(2))
    return Image.fromarray(np.rint(first * (1 - share) + last * share).astype(np.uint8))
