"""HEIC and HEIF by pillow-heif, which the ``heif`` extra installs: it brings a decoder that is not free of patents."""

from typing import Any, BinaryIO

import numpy as np

from upres.errors import MissingExtraError
from upres.image.budget import Budget, Cost
from upres.image.codecs.arrays import frame_of, joined
from upres.image.codecs.codec import Encoding
from upres.image.fit import Ledger
from upres.image.formats import Format
from upres.image.metadata import collect_info
from upres.image.picture import Picture, Source
from upres.image.profiles import Space

_MODES = {(2, False): "L", (2, True): "LA", (3, False): "RGB", (3, True): "RGBA"}
_COST = Cost(kept=8, working=16)


def decode(stream: BinaryIO, budget: Budget, *, only_first: bool) -> Picture:
    """The primary picture in a HEIF file, ``uint16`` where it holds more than 8 bits."""
    file: Any = _library().open_heif(stream, convert_hdr_to_8bit=False)
    primary = file[file.primary_index]
    budget.spend(*primary.size, cost=_COST)
    bits = int(primary.info.get("bit_depth", 8))
    array = np.array(primary)
    if bits > 8:  # the library shifts the values up and leaves the low bits empty
        array |= array >> bits
    frame = frame_of(array, None)
    mode: Space = "grey" if frame.pixels.ndim == 2 else "rgb"
    # Turns and mirrors are boxes of the container and have been carried out; EXIF's orientation only repeats them.
    collected = collect_info(primary.info, space=mode)
    notes = collected.notes
    if len(file) > 1 and not only_first:
        notes = (*notes, f"{len(file) - 1} further pictures in the file were left out")
    return Picture(
        frames=(frame,),
        metadata=collected.metadata,
        source=Source(format="heif", mode=mode, bits=bits, lossless=False),
        notes=notes,
    )


def encode(picture: Picture, form: Format, encoding: Encoding, ledger: Ledger, stream: BinaryIO) -> None:  # noqa: ARG001
    """Write a picture that fits the format; ``uint16`` is written in 10 bits."""
    frame, metadata = picture.frames[0], picture.metadata
    array = joined(frame)
    mode = _MODES[frame.pixels.ndim, frame.alpha is not None] + (";16" if array.dtype == np.uint16 else "")
    height, width = picture.size
    file: Any = _library().from_bytes(mode, (width, height), np.ascontiguousarray(array).tobytes())
    if metadata.icc:
        file[0].info["icc_profile"] = metadata.icc
    exif = b"Exif\0\0" + metadata.exif if metadata.exif else None
    file.save(stream, quality=encoding.quality or 90, chroma=444, exif=exif, xmp=metadata.xmp)


def _library() -> Any:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtraError("reading and writing HEIC", "heif") from error
    return pillow_heif
