"""Pipes, devices and streams without an end as inputs."""

import io
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from upres.errors import ImageReadError, ImageTooLargeError
from upres.image import sources
from upres.image.io import Frame, Picture, read, write

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


def png():
    stream = io.BytesIO()
    write(Picture(frames=(Frame(pixels=PIXELS),)), stream, format="png")
    return stream.getvalue()


@needs_pipes
def test_a_named_pipe_is_read_to_its_end(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)

    def slowly():
        with path.open("wb") as stream:
            for start in range(0, len(data), 30):
                stream.write(data[start : start + 30])
                stream.flush()
                time.sleep(0.01)

    data = png()
    writer = threading.Thread(target=slowly)
    writer.start()
    try:
        assert (read(path).pixels == PIXELS).all()
    finally:
        writer.join()


@needs_pipes
def test_a_pipe_that_nobody_writes_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_PATIENCE_MS", 100)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageReadError, match=r"pipe: is a pipe that nobody writes to"):
        read(tmp_path / "pipe")


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system has no /dev/fd")  # noqa: PTH112
def test_the_shells_substituted_command_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    program = "import sys; from upres.image.io import read; print(read(sys.argv[1]).size)"
    command = f"exec {sys.executable} -c '{program}' <(cat {tmp_path / 'a.png'})"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("(4, 4)\n", "")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full"])
def test_a_device_is_no_file(device):
    if not os.path.exists(device):  # noqa: PTH110
        pytest.skip("this system has no such device")
    with pytest.raises(ImageReadError, match="is a device, not a file"):
        read(device)


class Endless(io.RawIOBase):
    """A stream that begins with some bytes and never ends."""

    def __init__(self, head):
        self.head, self.given = head, 0

    def read(self, count=-1):
        assert count > 0
        self.given += count
        head, self.head = self.head[:count], self.head[count:]
        return head or bytes(count)


def test_a_stream_without_end_is_given_up(monkeypatch):
    zeros = Endless(b"")
    with pytest.raises(ImageReadError, match="not a picture that upres reads"):
        read(zeros)
    assert zeros.given < 1000
    monkeypatch.setattr(sources, "MAX_STREAM_BYTES", 2**22)
    with pytest.raises(ImageTooLargeError, match="gives more than 4 MiB; name a file instead"):
        read(Endless(png()[:64]))


def test_a_stream_is_read_whole():
    assert (read(io.BytesIO(png())).pixels == PIXELS).all()
    with pytest.raises(ImageReadError, match="input: is empty"):
        read(io.BytesIO())
