"""Files and bytes to pictures."""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from upres.errors import ImageError, ImageReadError, ImageTooLargeError
from upres.image.formats import describe, sniff
from upres.image.picture import Frame, Metadata, Picture, Pixels, Source

DEFAULT_MAX_PIXELS = 2**30

PathOrBytes = str | Path | bytes | BinaryIO


def read(source: PathOrBytes, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Picture:
    """The picture in a file, in bytes or in an open binary stream."""
    import io

    from PIL import Image, ImageOps

    name = str(source) if isinstance(source, str | Path) else "input"
    try:
        if isinstance(source, str | Path):
            data = Path(source).read_bytes()
        else:
            data = source if isinstance(source, bytes) else source.read()
    except OSError as error:
        raise ImageReadError(f"{name}: {error.strerror or error}") from error
    if sniff(data[:64]) is None:
        raise ImageReadError(f"{name}: not a picture: {describe(data[:64])}")
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if max_pixels is not None and opened.width * opened.height > max_pixels:
                raise ImageTooLargeError(f"{name}: {opened.width}x{opened.height} is over {max_pixels} pixels")
            info = dict(opened.info)
            image = ImageOps.exif_transpose(opened)
            pixels, alpha = _split(image)
    except ImageError:
        raise
    except Exception as error:
        raise ImageReadError(f"{name}: {error}") from error
    metadata = Metadata(icc=info.get("icc_profile"), dpi=info.get("dpi"))
    return Picture(
        frames=(Frame(pixels=pixels, alpha=alpha),), metadata=metadata, source=Source(format="png", mode="rgb")
    )


def _split(image: Any) -> tuple[Pixels, Pixels | None]:
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("LA" if image.mode in ("L", "LA") else "RGBA")
        array = np.asarray(image)
        pixels = array[..., 0] if array.shape[2] == 2 else array[..., :3]
        return np.ascontiguousarray(pixels), np.ascontiguousarray(array[..., -1])
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode in ("1", "I", "I;16") else "RGB")
    return np.asarray(image), None


def read_pixels(path: str | Path) -> Pixels:
    """Colour of a file's first frame."""
    return read(path).pixels
