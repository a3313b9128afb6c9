"""The pictures in README and guides: the same place of a picture as it is and enlarged, side by side, pixel for pixel.

Sources are free: examples/chelsea.png (CC0, Stefan van der Walt), scikit-image's coffee cup (CC0, Rachel Michetti), and
drawings made here. Each picture goes through a file into upres and out of a file, as a user's does.
"""

import io
import posixpath
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.drawings import drawings
from benchmarks.pages import terminal
from benchmarks.pages.page import ROOT, Page, Settings, results, write_results
from upres.image.alpha import flatten
from upres.image.io import Picture, read, write
from upres.image.resize import imresize
from upres.lab.data.rendered import rendered
from upres.upscaler import Upscaler

Pixels = NDArray[np.uint8]
Contender = Callable[[Path, int], "Panel"]

FOLDER = "docs/pictures"
_GAP, _STRIP = 6, 22
"""Pixels between panels, and above them for their names."""
_SAVED: Mapping[str, Mapping[str, Any]] = {
    ".jpg": {"quality": 92, "subsampling": 0, "optimize": True},
    ".webp": {"lossless": True, "quality": 100, "method": 6},
}
"""Suffix -> how a figure is written."""
_INK, _PAPER = (31, 35, 40), (255, 255, 255)
_COFFEE = "the coffee cup of scikit-image (Rachel Michetti, CC0)"
COMMAND = "python -m benchmarks measure pictures"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A whole picture as one contender leaves it."""

    pixels: Pixels
    facts: Mapping[str, str] = field(default_factory=dict)
    """``network`` and ``reason``, of what upres made."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Panels side by side."""

    name: str
    """Of the file, with its suffix: WebP without loss for drawings, JPEG for photographs."""
    source: Callable[[], bytes]
    """Makes the file that is enlarged."""
    suffix: str
    says: str
    """What the source is, and what to look at."""
    scale: int
    box: tuple[int, int, int, int]
    """Left, top, width, height of the place in the source."""
    panels: Mapping[str, Contender]
    """Name above each panel -> what makes it."""
    rolled: bool = False
    """Whether the picture's ends are moved to its middle, where they meet."""


def as_it_is(path: Path, scale: int) -> Panel:
    """Every pixel of the file as a square of pixels."""
    pixels = _shown(read(path))
    return Panel(pixels=pixels.repeat(scale, axis=0).repeat(scale, axis=1))


def by(path: Path, scale: int, **options: Any) -> Panel:
    """What `upres upscale` with these options writes."""
    upscaler = Upscaler(scale, **options)
    picture = read(path)
    choice = upscaler.choose(picture)
    written = io.BytesIO()
    write(upscaler.upscale_picture(picture, choice=choice), written, format="png")
    facts = {"network": upscaler.plan(picture.size, choice).model_name, "reason": choice.reason}
    return Panel(pixels=_shown(read(written.getvalue())), facts=facts)


_BICUBIC, _DEFAULT = partial(by, model="bicubic"), by
_THREE: Mapping[str, Contender] = {"the file": as_it_is, "bicubic": _BICUBIC, "upres": _DEFAULT}


def _cat() -> bytes:
    return (ROOT / "examples" / "chelsea.png").read_bytes()


def _small_cat() -> bytes:
    large: Pixels = np.asarray(Image.open(ROOT / "examples" / "chelsea.png").convert("RGB"))
    return _encoded(imresize(large, scale=0.5), "JPEG", quality=75)


def _old_photograph() -> bytes:
    from skimage.data import coffee

    large: Pixels = coffee()  # type: ignore[no-untyped-call]
    return _encoded(imresize(large, scale=0.5), "JPEG", quality=40)


def _drawing(index: int) -> bytes:
    return _encoded(imresize(drawings(index + 1)[index], scale=0.5), "PNG")


def _screen() -> bytes:
    """A corner of a window, as a program draws one."""
    return _encoded(rendered(1, height=120, width=160, seed=2), "PNG")


def _icon() -> bytes:
    """A ring of a bright colour; black where nothing is to be seen, as most programs leave it."""
    side, fine = 64, 8
    mask = Image.new("L", (side * fine, side * fine))
    canvas = ImageDraw.Draw(mask)
    canvas.ellipse([5 * fine, 5 * fine, 59 * fine, 59 * fine], fill=255)
    canvas.ellipse([19 * fine, 19 * fine, 45 * fine, 45 * fine], fill=0)
    alpha = np.asarray(mask.resize((side, side), Image.Resampling.BOX))
    pixels = np.dstack([np.where(alpha[..., None] > 0, (255, 214, 90), 0), alpha])
    return _encoded(pixels.astype(np.uint8), "PNG")


def _lattice() -> bytes:
    """Wires across each other, with a little grain; they go on across the picture's ends."""
    side, fine = 96, 8
    down, across = np.mgrid[: side * fine, : side * fine] / (side * fine)
    thick = np.abs((4 * across + 8 * down) % 1 - 0.5) < 0.05
    thin = np.abs((8 * across - 3 * down) % 1 - 0.5) < 0.06
    pixels = np.where(thick[..., None], (60, 50, 160), (215, 183, 183))
    pixels = np.where(thin[..., None], (40, 35, 35), pixels)
    reduced = pixels.reshape(side, fine, side, fine, 3).mean(axis=(1, 3))
    grain = np.random.default_rng(0).normal(0, 1.5, reduced.shape)
    return _encoded(np.rint(reduced + grain).astype(np.uint8), "PNG")


README = (
    Figure(
        name="cat.jpg",
        source=_cat,
        suffix=".png",
        says="`examples/chelsea.png`, a photograph",
        scale=4,
        box=(190, 60, 68, 54),
        panels=_THREE,
    ),
    Figure(
        name="lettering.webp",
        source=partial(_drawing, 1),
        suffix=".png",
        says="a drawing with letters",
        scale=4,
        box=(60, 60, 68, 54),
        panels=_THREE,
    ),
    Figure(
        name="old_jpeg.jpg",
        source=_old_photograph,
        suffix=".jpg",
        says=f"{_COFFEE} as a JPEG of 300x200 and quality 40",
        scale=4,
        box=(60, 60, 68, 54),
        panels=_THREE,
    ),
)
FAULTS = (
    Figure(
        name="faults.jpg",
        source=_old_photograph,
        suffix=".jpg",
        says=f"{_COFFEE} as a JPEG of 300x200 and quality 40",
        scale=4,
        box=(60, 60, 68, 54),
        panels={
            "--clean": partial(by, clean=True),
            "--strength 0.5": partial(by, strength=0.5),
            "nothing given": _DEFAULT,
        },
    ),
    Figure(
        name="screen.webp",
        source=_screen,
        suffix=".png",
        says="a window that a program drew",
        scale=4,
        box=(12, 36, 48, 28),
        panels={"bicubic": _BICUBIC, "--clean": partial(by, clean=True), "nothing given": _DEFAULT},
    ),
)
WRAP = (
    Figure(
        name="wrap.jpg",
        source=_lattice,
        suffix=".png",
        says="a texture of 96x96, cut so that its ends meet in the middle of each panel",
        scale=4,
        box=(14, 24, 68, 48),
        panels={
            "the file": as_it_is,
            "--clean": partial(by, clean=True),
            "--clean --wrap both": partial(by, clean=True, wrap="both"),
        },
        rolled=True,
    ),
)
FILES = (
    Figure(
        name="transparency.webp",
        source=_icon,
        suffix=".png",
        says="an icon with black under its transparent pixels, laid on white",
        scale=4,
        box=(0, 0, 64, 36),
        panels={
            "the file": as_it_is,
            "--alpha separate": partial(by, alpha="separate"),
            "upres": _DEFAULT,
        },
    ),
)
CRISP = (
    Figure(
        name="crisp.jpg",
        source=_small_cat,
        suffix=".jpg",
        says="`examples/chelsea.png` at half of its size, a JPEG of quality 75",
        scale=4,
        box=(95, 28, 68, 54),
        panels={"bicubic": _BICUBIC, "nothing given": _DEFAULT, "--crisp": partial(by, crisp=1.0)},
    ),
)
GROUPS: Mapping[str, tuple[str, Sequence[Figure]]] = {
    "pictures": ("README.md", README),
    "faults": ("docs/guide/upscale.md", FAULTS),
    "wrap": ("docs/guide/upscale.md", WRAP),
    "crisp_pictures": ("docs/reports/crisp.md", CRISP),
    "file_pictures": ("docs/guide/files.md", FILES),
}
"""Page -> where it stands, and its figures."""


def measure(_: Settings) -> None:
    """Make every picture and the terminal, note what made them, and write all pages that show them."""
    (ROOT / FOLDER).mkdir(exist_ok=True)
    found = {page: [_made(figure) for figure in figures] for page, (_, figures) in GROUPS.items()}
    write_results("pictures", found)
    pages = {f"comics/page{index}.png": _drawing(index) for index in (1, 2)}
    sources = {"photo.png": _cat(), "old.jpg": _old_photograph(), **pages}
    write_results("terminal", terminal.measure(sources, ROOT / FOLDER / terminal.NAME))
    for page in PAGES:
        page.write()


def _made(figure: Figure) -> dict[str, Any]:
    """Write a figure's picture; returns what the page says of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"source{figure.suffix}"
        path.write_bytes(figure.source())
        panels = {name: contender(path, figure.scale) for name, contender in figure.panels.items()}
    canvas = side_by_side({name: _cut(panel.pixels, figure) for name, panel in panels.items()})
    target = ROOT / FOLDER / figure.name
    canvas.save(target, **_SAVED[target.suffix])
    made = [{"panel": name, **panel.facts} for name, panel in panels.items() if panel.facts]
    return {"file": figure.name, "says": figure.says, "scale": figure.scale, "panels": list(panels), "made": made}


def _cut(pixels: Pixels, figure: Figure) -> Pixels:
    """The figure's place in the enlarged picture."""
    height, width = pixels.shape[:2]
    if figure.rolled:
        pixels = np.roll(pixels, (height // 2, width // 2), axis=(0, 1))
    left, top, across, down = (figure.scale * number for number in figure.box)
    return pixels[top : top + down, left : left + across]


def side_by_side(panels: Mapping[str, Pixels]) -> Image.Image:
    """Panels of one height under their names."""
    height, width = next(iter(panels.values())).shape[:2]
    canvas = Image.new("RGB", ((width + _GAP) * len(panels) - _GAP, height + _STRIP), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for index, (name, pixels) in enumerate(panels.items()):
        left = index * (width + _GAP)
        draw.text((left, 2), name, fill=_INK, font=ImageFont.load_default(14))
        canvas.paste(Image.fromarray(pixels), (left, _STRIP))
    return canvas


def _shown(picture: Picture) -> Pixels:
    """RGB, laid on white."""
    frame = picture.frames[0]
    pixels = frame.pixels if frame.alpha is None else flatten(frame.pixels, frame.alpha, _PAPER)
    colors = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.ascontiguousarray(colors, np.uint8)


def _encoded(pixels: Pixels, form: str, **options: Any) -> bytes:
    return _saved(Image.fromarray(pixels), form, **options)


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def render(content: Mapping[str, Any], *, page: str) -> str:
    """Each figure of a page with a line that says what it shows."""
    folder = posixpath.relpath(FOLDER, posixpath.dirname(GROUPS[page][0]) or ".")
    return "\n\n".join(
        f"![{figure['says'].replace('`', '')}: {', '.join(figure['panels'])}]({folder}/{figure['file']})\n\n"
        f"{_caption(figure)}"
        for figure in content[page]
    )


def _caption(figure: Mapping[str, Any]) -> str:
    by_network = {made["network"]: made["panel"] for made in figure["made"] if made["network"] != "bicubic"}
    networks = ", ".join(
        f"`{network}`" if len(by_network) == 1 else f"`{network}` in *{panel}*" for network, panel in by_network.items()
    )
    reasons = dict.fromkeys(made["reason"] for made in figure["made"] if made["reason"])
    judged = "".join(f"; judged: {reason}" for reason in reasons)
    says = figure["says"]
    return f"*{says[0].upper()}{says[1:]}*, x{figure['scale']}; by {networks}{judged}."


def _page(name: str) -> Page:
    return Page(
        name=name,
        target=GROUPS[name][0],
        mark=name,
        inputs=(results("pictures"),),
        render=partial(render, page=name),
        measure={"pictures": measure} if name == "pictures" else {},
        command=COMMAND,
    )


PAGES: Sequence[Page] = (
    *map(_page, GROUPS),
    Page(
        name="terminal",
        target="README.md",
        mark="terminal",
        inputs=(results("terminal"),),
        render=partial(terminal.render, folder=FOLDER),
        command=COMMAND,
    ),
)
