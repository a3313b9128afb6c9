"""Names, suffixes and first bytes."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from upres.errors import ImageWriteError, MissingExtraError
from upres.image.formats import FORMATS, extensions, format_for, sniff
from upres.image.io import Frame, Metadata, Picture, read, write


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", "jpeg"),
        ("holiday/IMG.JPEG", "jpeg"),
        (Path("x/y.TIF"), "tiff"),
        ("a.b.png", "png"),
        (".webp", "webp"),
        ("PNG", "png"),
        ("jpg", "jpeg"),
        ("heic", "heif"),
        ("x.HIF", "heif"),
    ],
)
def test_format_for(name, expected):
    assert format_for(name) == expected


@pytest.mark.parametrize("name", ["a", "a.xcf", "", "png/a", "a.", ".hidden"])
def test_format_for_what_is_none(name):
    with pytest.raises(ImageWriteError, match="expected one of jpeg, png, webp, avif, tiff, bmp, gif, heif"):
        format_for(name)


def test_extensions_are_for_walking_folders():
    assert {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".gif", ".heic"} <= set(extensions())
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in extensions())
    assert {format_for(suffix) for suffix in extensions()} == set(FORMATS)


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if name != "heif" and form.instead is None])
def test_every_format_is_known_by_its_first_bytes(name):
    stream = io.BytesIO()
    write(Picture(frames=(Frame(pixels=np.zeros((9, 9, 3), np.uint8)),)), stream, format=name)
    assert sniff(stream.getvalue()[:64], f"a{FORMATS[name].suffixes[0]}") == name
    assert sniff(stream.getvalue()[1:65], f"a{FORMATS[name].suffixes[0]}") is None


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


def test_heif_without_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    hint = r"needs the 'heif' extra: pip install 'upres\[heif\]'"
    with pytest.raises(MissingExtraError, match=hint):
        read(HEIC)
    with pytest.raises(MissingExtraError, match=hint):
        write(Picture(frames=(Frame(pixels=np.zeros((9, 9, 3), np.uint8)),)), tmp_path / "a.heic")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("transparent", [False, True])
def test_heif_round_trip(tmp_path, rgb, alpha, display_p3, dtype, transparent):
    pytest.importorskip("pillow_heif", reason="needs the heif extra")
    scale = dtype(257 if dtype == np.uint16 else 1)
    frame = Frame(pixels=rgb.astype(dtype) * scale, alpha=alpha.astype(dtype) * scale if transparent else None)
    metadata = Metadata(icc=display_p3, dpi=(300.0, 300.0), xmp=b"<x:xmpmeta/>")
    report = write(Picture(frames=(frame,), metadata=metadata), tmp_path / "a.heic")
    assert report.lost == (("depth (HEIF is written in 10 bits)",) if dtype == np.uint16 else ())
    got = read(tmp_path / "a.heic")
    assert got.pixels.dtype == dtype
    assert np.abs(got.pixels.astype(int) - frame.pixels).max() <= 6 * int(scale)
    assert (got.alpha is None) != transparent
    assert got.metadata.icc == display_p3
    assert got.metadata.dpi == (300, 300)
    assert got.metadata.xmp == metadata.xmp


@pytest.mark.parametrize("orientation", [3, 6])
def test_heif_is_turned_once(rgb, orientation):
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the heif extra")
    from PIL import Image

    exif = Image.Exif()
    exif[274] = orientation
    file = pillow_heif.from_bytes("RGB", (60, 40), rgb.tobytes())
    stream = io.BytesIO()
    file.save(stream, quality=95, chroma=444, exif=exif.tobytes())
    expected = np.rot90(rgb, {3: 2, 6: -1}[orientation])
    got = read(stream.getvalue())
    assert np.abs(got.pixels.astype(int) - expected).max() <= 8


def loaded(code):
    """Names of the modules that a fresh interpreter has after running the code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    return set(result.stdout.split())


def test_reading_and_writing_a_jpeg_imports_little(tmp_path, rgb):
    path = tmp_path / "a.jpg"
    write(Picture(frames=(Frame(pixels=rgb),)), path)
    modules = loaded("import upres.image.io")
    assert not {name for name in modules if name.split(".")[0] in ("PIL", "imagecodecs", "tifffile", "torch")}
    modules = loaded(f"from upres.image.io import read, write\nwrite(read({str(path)!r}), {str(path)!r})")
    assert not {"imagecodecs", "tifffile", "pillow_heif", "torch", "PIL.ImageCms", "PIL.WebPImagePlugin"} & modules
