"""Files that are none of our formats: what they are, and what to do with them."""

import re
from pathlib import Path

_RAW = "a camera raw ({}); develop it first"
_VIDEO = "a video ({}); `upres video` takes it"
_RAWS = (
    (rb"II\*\0....CR", "Canon CR2"),
    (rb"II\x1a\0\0\0HEAPCCDR", "Canon CRW"),
    (rb"....ftypcrx ", "Canon CR3"),
    (rb"FUJIFILMCCD-RAW", "Fujifilm RAF"),
    (rb"IIR[OS]|MMOR", "Olympus ORF"),
    (rb"IIU\0", "Panasonic RW2"),
    (rb"FOVb", "Sigma X3F"),
    (rb"\0MRM", "Minolta MRW"),
)
_RAW_SUFFIXES = {
    ".nef": "Nikon NEF",
    ".nrw": "Nikon NRW",
    ".arw": "Sony ARW",
    ".sr2": "Sony SR2",
    ".srf": "Sony SRF",
    ".pef": "Pentax PEF",
    ".srw": "Samsung SRW",
    ".3fr": "Hasselblad 3FR",
    ".iiq": "Phase One IIQ",
    ".erf": "Epson ERF",
    ".kdc": "Kodak KDC",
    ".dcr": "Kodak DCR",
    ".mef": "Mamiya MEF",
}
"""Of raws that begin as any TIFF does."""
_KINDS = (
    (rb"%PDF", "a PDF document; export its pages as PNG first"),
    (rb"8BPS\0\x02", "a large Photoshop document (PSB); save it as PSD or TIFF first"),
    (rb"\0\0\x01\0", "a Windows icon; save the size you want as PNG first"),
    (rb"\x76\x2f\x31\x01", "an OpenEXR picture; tone-map it to 16-bit TIFF or PNG first"),
    (rb"#\?(?:RADIANCE|RGBE)", "a Radiance HDR picture; tone-map it to 16-bit TIFF or PNG first"),
    (rb"P[Ff]\n", "a PFM picture of floats; tone-map it to 16-bit TIFF or PNG first"),
    (rb"\s*(?:<\?xml.*)?<svg", "an SVG drawing; export it at the size you want: a drawing needs no upscaling"),
    (rb"<\?xml", "an XML document"),
    (rb"<!doctype|<html", "an HTML document"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"gimp", "a GIMP document; export it as PNG or TIFF first"),
    (rb"\x1a\x45\xdf\xa3", _VIDEO.format("Matroska or WebM")),
    (rb"RIFF....AVI ", _VIDEO.format("AVI")),
    (rb"\0\0\x01[\xba\xb3]", _VIDEO.format("MPEG")),
    (rb"FLV\x01", _VIDEO.format("Flash")),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _VIDEO.format("Windows Media")),
    (rb"OggS", _VIDEO.format("Ogg")),
    (rb"....ftypqt  |....moov", _VIDEO.format("QuickTime")),
    (rb"....ftyp", "a video or another ISO media file; `upres video` takes it if it is a video"),
)


def camera_raw(head: bytes, name: str) -> str | None:
    """What camera raw a file is, or ``None``; many begin as TIFF files do.

    Args:
        head: Its first 64 bytes.
        name: Its name, which tells raws that begin as any TIFF does.
    """
    for pattern, kind in _RAWS:
        if re.match(pattern, head, re.DOTALL):
            return _RAW.format(kind)
    kind_by_name = _RAW_SUFFIXES.get(Path(name).suffix.lower())
    return _RAW.format(kind_by_name) if kind_by_name and head[:4] in (b"II*\0", b"MM\0*") else None


def foreign_kind(head: bytes, name: str) -> str | None:
    """What a file of another kind is and what to do with it, or ``None`` where nobody knows."""
    for pattern, kind in _KINDS:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            is_drawing = kind == "an XML document" and Path(name).suffix.lower() == ".svg"
            return foreign_kind(b"<svg", name) if is_drawing else kind
    return None
