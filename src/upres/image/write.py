"""Pictures to files."""

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from upres.image.formats import format_for
from upres.image.picture import Picture, WriteReport


def write(
    picture: Picture,
    target: str | Path | BinaryIO,
    *,
    format: str | None = None,  # noqa: A002
    quality: int | None = None,
    lossless: bool = False,
    background: tuple[int, int, int] = (255, 255, 255),
) -> WriteReport:
    """Write a picture to a file or an open binary stream."""
    from PIL import Image

    name = format_for(format if format is not None else str(target))
    pixels, alpha = picture.pixels, picture.alpha
    options: dict[str, Any] = {"icc_profile": picture.metadata.icc}
    if alpha is not None and name != "jpeg":
        color = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        pixels = np.dstack([color, alpha])
    if name == "jpeg":
        options |= {"quality": quality or 95, "subsampling": 0}
    elif name == "webp":
        options |= {"lossless": True} if lossless else {"quality": quality or 95}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=name, **{k: v for k, v in options.items() if v is not None})
    data = buffer.getvalue()
    if isinstance(target, str | Path):
        Path(target).write_bytes(data)
    else:
        target.write(data)
    return WriteReport(format=name, bytes_written=len(data))
