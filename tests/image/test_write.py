"""Files appear whole or not at all."""

import io
import os
import stat

import numpy as np
import pytest
from PIL import Image

from upres.errors import ImageWriteError
from upres.image.codecs import encode_pillow
from upres.image.io import Frame, Picture, write
from upres.image.picture import Source
from upres.image.write import is_as_wished, write_as_it_is
from upres.machine.atomic import atomic_file

PICTURE = Picture(frames=(Frame(pixels=np.zeros((8, 8, 3), np.uint8)),))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("codec")])
@pytest.mark.parametrize("exists", [False, True])
def test_a_write_that_fails_midway_leaves_nothing(tmp_path, monkeypatch, error, exists):
    path = tmp_path / "a.png"
    if exists:
        path.write_bytes(b"what was here before")

    def half(image, stream, name, options):
        stream.write(b"half a file")
        raise error

    monkeypatch.setattr(encode_pillow, "_save", half)
    expected = ImageWriteError if isinstance(error, Exception) else type(error)
    with pytest.raises(expected) as caught:
        write(PICTURE, path)
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    elif isinstance(error, Exception):
        assert str(caught.value) == f"{path}: the PNG encoder refuses the picture (codec); write another format"
    assert list(tmp_path.iterdir()) == ([path] if exists else [])
    if exists:
        assert path.read_bytes() == b"what was here before"


def test_folders_that_are_missing_or_in_the_way(tmp_path):
    with pytest.raises(ImageWriteError, match=r"a\.png: cannot be written: No such file or directory"):
        write(PICTURE, tmp_path / "none" / "a.png")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(ImageWriteError, match=r"b\.png: cannot be written: is a folder"):
        write(PICTURE, tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]


def test_a_folder_that_may_not_be_written(tmp_path, monkeypatch):
    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied")  # root may write everywhere, so no real folder would do

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(ImageWriteError, match=r"a\.png: cannot be written: Permission denied"):
        write(PICTURE, tmp_path / "a.png")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_those_of_the_umask_or_of_the_file_replaced(tmp_path):
    previous = os.umask(0o027)
    try:
        write(PICTURE, tmp_path / "new.png")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "new.png").stat().st_mode) == 0o640
    (tmp_path / "old.png").touch()
    (tmp_path / "old.png").chmod(0o604)
    write(PICTURE, tmp_path / "old.png")
    assert stat.S_IMODE((tmp_path / "old.png").stat().st_mode) == 0o604


def test_links_are_followed_and_devices_written(tmp_path):
    target = tmp_path / "real.png"
    target.touch()
    (tmp_path / "link.png").symlink_to(target)
    write(PICTURE, tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    with Image.open(target) as image:
        assert image.size == (8, 8)
    write(PICTURE, "/dev/null", format="png")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


def test_nothing_is_seen_under_the_name_before_the_end(tmp_path):
    path = tmp_path / "a.bin"
    with atomic_file(path) as stream:
        stream.write(b"content")
        assert not path.exists()
        assert [entry.parent for entry in tmp_path.iterdir()] == [tmp_path]
    assert path.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [path]


def test_long_names(tmp_path):
    write(PICTURE, tmp_path / ("n" * 240 + ".png"))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_without_a_format(tmp_path):
    with pytest.raises(ImageWriteError, match=r"photo: no suffix that names a format; expected one of jpeg, png"):
        write(PICTURE, tmp_path / "photo")
    with pytest.raises(ImageWriteError, match=r"unknown format '\.jpgg'.* Did you mean '\.jpg'"):
        write(PICTURE, tmp_path / "photo.jpgg")


def test_a_file_is_written_as_it_is_whole_or_not_at_all(tmp_path):
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(b"whatever a file holds")
    seen = []
    write_as_it_is(source, target, ready=lambda hidden: seen.append(hidden.read_bytes()))
    assert target.read_bytes() == source.read_bytes() == seen[0]
    stream = io.BytesIO()
    write_as_it_is(source.read_bytes(), stream)
    assert stream.getvalue() == source.read_bytes()
    for content, place in ((tmp_path / "absent.png", target), (source, tmp_path / "no" / "folder.png")):
        with pytest.raises(ImageWriteError, match=r"cannot be written: No such file"):
            write_as_it_is(content, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    assert target.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [({}, True), ({"quality": 90}, False), ({"lossless": True}, False), ({"colors": "full"}, False)],
)
def test_only_a_file_that_is_as_wished_may_stand_for_its_picture(wishes, expected):
    frames = (Frame(pixels=np.zeros((2, 2), np.uint8)),)
    picture = Picture(frames=frames, source=Source(format="jpeg", mode="grey"))
    options = {"quality": None, "lossless": None, "colors": "keep", **wishes}
    assert is_as_wished(picture, "jpeg", **options) == expected
    assert not is_as_wished(picture, "png", **options)
    assert not is_as_wished(Picture(frames=frames), "jpeg", **options)
