"""Files of other kinds are named, with what to do."""

import pytest

from upres.errors import ImageReadError
from upres.image.io import read


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.psb", b"8BPS\0\x02", r"a large Photoshop document \(PSB\); save it as PSD or TIFF first"),
        ("a.exr", b"\x76\x2f\x31\x01", "an OpenEXR picture; tone-map it"),
        ("a.hdr", b"#?RADIANCE\nFORMAT", "a Radiance HDR picture; tone-map it"),
        ("a.hdr", b"#?RGBE\nFORMAT", "a Radiance HDR picture; tone-map it"),
        ("a.pfm", b"PF\n2 2\n-1.0\n", "a PFM picture of floats"),
        ("a", b"\n<svg xmlns='http://www.w3.org/2000/svg'>", "an SVG drawing; export it at the size you want"),
        ("a.svg", b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>', "an SVG drawing"),
        ("a.xml", b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>', "an XML document"),
        ("a.pdf", b"%PDF-1.7", "a PDF document; export its pages as PNG first"),
        ("a.mkv", b"\x1a\x45\xdf\xa3", r"a video \(Matroska or WebM\); `upres video` takes it"),
        ("a.avi", b"RIFF\1\2\3\4AVI LIST", r"a video \(AVI\)"),
        ("a.mov", b"\0\0\0\x14ftypqt  ", r"a video \(QuickTime\)"),
        ("a.mp4", b"\0\0\0\x18ftypisom", "a video or another ISO media file; `upres video` takes it"),
        ("a.mpg", b"\0\0\1\xba", r"a video \(MPEG\)"),
        ("a.wmv", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", r"a video \(Windows Media\)"),
        ("a.cr2", b"II*\0\x10\0\0\0CR\2\0", r"a camera raw \(Canon CR2\); develop it first"),
        ("a.cr3", b"\0\0\0\x18ftypcrx ", r"a camera raw \(Canon CR3\); develop it first"),
        ("a.NEF", b"MM\0*\0\0\0\x08", r"a camera raw \(Nikon NEF\); develop it first"),
        ("a.arw", b"II*\0\x08\0\0\0", r"a camera raw \(Sony ARW\); develop it first"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", r"a camera raw \(Fujifilm RAF\); develop it first"),
        ("a.orf", b"IIRO\x08\0\0\0", r"a camera raw \(Olympus ORF\); develop it first"),
        ("a.rw2", b"IIU\0\x18\0\0\0", r"a camera raw \(Panasonic RW2\); develop it first"),
    ],
)
def test_they_are_named(tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content.ljust(200, b"\0"))
    with pytest.raises(ImageReadError, match=f"{name}: not a picture that upres reads: it is {reason}"):
        read(path)
