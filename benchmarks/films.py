"""Films for the figures of video: a slow walk over photographs, so that no frame repeats and all are sharp."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

TILE = 512
"""Side of CID22's photographs."""


@dataclass(frozen=True, kw_only=True)
class Film:
    """A film to be made."""

    width: int
    height: int
    frames: int
    rate: int = 30

    @property
    def size(self) -> str:
        """As on pages: ``1280x720``."""
        return f"{self.width}x{self.height}"


def mosaic(photographs: Sequence[Path], size: tuple[int, int]) -> Image.Image:
    """A picture of this width and height, of photographs side by side."""
    canvas = Image.new("RGB", size)
    places = [(x, y) for y in range(0, size[1], TILE) for x in range(0, size[0], TILE)]
    for index, place in enumerate(places):
        canvas.paste(Image.open(photographs[index % len(photographs)]).convert("RGB"), place)
    return canvas


def make_film(film: Film, photographs: Sequence[Path], target: Path) -> None:
    """Write an H.264 film that moves two pixels to the right and one down with every frame.

    Raises:
        CalledProcessError: If FFmpeg fails.
        FileNotFoundError: If there is no FFmpeg.
    """
    whole = target.with_suffix(".png")
    mosaic(photographs, (film.width + 2 * film.frames, film.height + film.frames)).save(whole, compress_level=1)
    walk = f"crop={film.width}:{film.height}:2*n:n,format=yuv420p"
    encoder = ("-c:v", "libx264", "-preset", "medium", "-crf", "18", "-frames:v", str(film.frames))
    looped = ("-loop", "1", "-r", str(film.rate), "-i", str(whole))
    subprocess.run(ffmpeg_command(*looped, "-vf", walk, *encoder, str(target)), check=True)
    whole.unlink()


def ffmpeg_command(*arguments: str) -> list[str]:
    """What the shell would call, quietly."""
    return ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
