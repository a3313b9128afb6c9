"""Pictures in files: the door to the rest of this room.

>>> from upres.image.io import read, write
>>> report = write(read("photo.jpg"), "photo.png")  # doctest: +SKIP
"""

from upres.image.budget import DEFAULT_MAX_PIXELS
from upres.image.formats import FORMATS, extensions, format_for
from upres.image.picture import Frame, Metadata, Picture, Source, WriteReport
from upres.image.read import read, read_pixels
from upres.image.write import write

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "FORMATS",
    "Frame",
    "Metadata",
    "Picture",
    "Source",
    "WriteReport",
    "extensions",
    "format_for",
    "read",
    "read_pixels",
    "write",
]
