"""A new format is a row of the table and a codec: nothing else is told of it."""

import sys
from types import ModuleType

import numpy as np
import pytest

from upres.errors import ImageReadError, ImageWriteError
from upres.image.formats import FORMATS, Format, describe, extensions, format_for, sniff
from upres.image.io import Frame, Metadata, Picture, Source, read, read_pixels, write

MAGIC = b"TOY1"


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """A codec that stores sides and samples as they are."""
    codec = ModuleType("toy_codec")
    vars(codec).update(decode=decode, encode=encode)
    monkeypatch.setitem(sys.modules, "toy_codec", codec)
    row = Format(
        name="toy",
        suffixes=(".toy", ".toi"),
        aliases=("plaything",),
        codec="toy_codec",
        magic=rb"TOY\d",
        max_side=64,
        grey=False,
        has_quality=True,
        lossless="on request",
        metadata=frozenset({"text", "xmp"}),
        metadata_limits={"xmp": 2048},
        keyless_comments=True,
    )
    monkeypatch.setitem(FORMATS, "toy", row)


def decode(stream, budget, *, only_first):
    head = stream.read(8)
    height, width = head[4], head[5]
    budget.spend(width, height)
    pixels = np.frombuffer(stream.read(height * width * 3), np.uint8).reshape(height, width, 3).copy()
    text = stream.read().decode()
    return Picture(
        frames=(Frame(pixels=pixels),),
        metadata=Metadata(text=(("Comment", text),) if text else ()),
        source=Source(format="toy", mode="rgb", lossless=bool(head[6])),
    )


def encode(picture, form, encoding, ledger, stream):
    height, width = picture.size
    pixels = np.broadcast_to(np.atleast_3d(picture.pixels), (height, width, 3))
    stream.write(MAGIC + bytes([height, width, encoding.lossless, encoding.quality or 70]) + pixels.tobytes())
    if picture.metadata.text:
        stream.write(picture.metadata.text[0][1].encode())


def test_it_is_found_by_name_suffix_and_first_bytes():
    assert format_for("a.TOI") == format_for("plaything") == format_for("toy") == "toy"
    assert {".toy", ".toi"} <= set(extensions())
    assert sniff(MAGIC + bytes(60)) == "toy"
    assert "toy" in describe(b"\0\1\2\3")
    with pytest.raises(ImageWriteError, match=r"expected one of jpeg.*heif, .*toy\. Did you mean '\.toy'\?"):
        format_for("a.toyy")


def test_it_is_written_and_read(tmp_path, rgb):
    picture = Picture(frames=(Frame(pixels=rgb),), metadata=Metadata(text=(("Comment", "hello"),)))
    report = write(picture, tmp_path / "a.toy", quality=80)
    assert (report.format, report.lost, report.warnings) == ("toy", (), ())
    assert (tmp_path / "a.toy").read_bytes()[7] == 80
    got = read(tmp_path / "a.toy")
    assert np.array_equal(got.pixels, rgb)
    assert np.array_equal(read_pixels(tmp_path / "a.toy"), rgb)
    assert got.metadata.text == (("Comment", "hello"),)
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.toy").read_bytes())
    assert read(tmp_path / "a.jpg").notes == ("the file is named like JPEG but holds TOY (.toy)",)


def test_what_it_cannot_hold_is_said(tmp_path, rgb, alpha, grey_icc):
    frames = (Frame(pixels=rgb.astype(np.uint16) * 257, alpha=alpha.astype(np.uint16) * 257, duration_ms=10.0),) * 2
    metadata = Metadata(dpi=(300.0, 300.0), xmp=b"x" * 3000, text=(("Author", "me"),), icc=grey_icc)
    report = write(Picture(frames=frames, metadata=metadata), tmp_path / "a.toy")
    assert report.lost == (
        "frames 2 to 2",
        "colour profile (the colours were converted to sRGB)",
        "transparency (laid on white)",
        "depth (TOY is written in 8 bits)",
        "XMP (over the 2 kB that TOY can hold)",
        "resolution (dpi)",
        "comments",
    )
    with pytest.raises(ImageWriteError, match="65x1 pixels are too many for TOY, which holds 64 a side"):
        write(Picture(frames=(Frame(pixels=np.zeros((1, 65), np.uint8)),)), tmp_path / "b.toy")


def test_a_lossless_one_stays_lossless_and_quality_then_has_no_effect(tmp_path, rgb):
    path, picture = tmp_path / "a.toy", Picture(frames=(Frame(pixels=rgb),))
    assert write(picture, path, lossless=True, quality=5).warnings == ("quality has no effect on lossless TOY",)
    write(read(path), path)
    assert read(path).source.lossless
    write(read(path), path, quality=50)
    assert not read(path).source.lossless


def test_a_damaged_one_is_refused_in_one_line():
    with pytest.raises(ImageReadError, match="input: damaged or truncated TOY file"):
        read(MAGIC + bytes([9, 9, 0, 0]) + bytes(60))
