"""EXIF out of a TIFF file, where its tags lie among those that describe the pixels, and into one."""

import struct
from typing import BinaryIO

from upres.image.codecs.tiff_tags import is_ome

_DESCRIPTION = 0x010E  # ImageDescription

# Tags of a TIFF's first directory that describe the picture and not how its pixels are stored.
_KEPT = frozenset(
    {
        0x010D,  # DocumentName
        _DESCRIPTION,
        0x010F,  # Make
        0x0110,  # Model
        0x011D,  # PageName
        0x0131,  # Software
        0x0132,  # DateTime
        0x013B,  # Artist
        0x013C,  # HostComputer
        0x4746,  # Rating
        0x8298,  # Copyright
        0x8769,  # Exif directory
        0x8825,  # GPS directory
        *range(0x9C9B, 0x9CA0),  # Windows title, comment, author, keywords, subject
    }
)


def exif_of_tiff(stream: BinaryIO) -> bytes | None:
    """The EXIF block that the first directory of a TIFF file makes, or ``None`` where it holds nothing to keep."""
    import warnings

    from PIL import Image

    exif = Image.Exif()
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of each tag that it cannot read
            exif.load_from_fp(stream)
            for tag in set(exif) - _KEPT:
                del exif[tag]
            description = str(exif.get(_DESCRIPTION, ""))
            # tifffile's, of an array of another size; a microscope's travels as a tag of its page.
            if description.startswith('{"shape": ') or is_ome(description):
                del exif[_DESCRIPTION]
            if not set(exif):
                return None
            return exif.tobytes()
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
        return None
