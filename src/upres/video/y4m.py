"""Frames as they are, for other people's encoders: YUV4MPEG2 on a stream."""

import sys
from collections.abc import Callable
from contextlib import closing, suppress
from typing import BinaryIO

import numpy as np
from av.video.frame import VideoFrame

from upres.errors import VideoError
from upres.image.samples import Siting
from upres.video.pixel_formats import PixelFormat, pixel_format
from upres.video.plan import VideoPlan
from upres.video.probe import PictureStream
from upres.video.report import Progress, Rate
from upres.video.run import VideoRun
from upres.video.views import plane_views

if sys.platform != "win32":
    import fcntl

_PIPE_BYTES = 2**20
_SITED: dict[Siting, str] = {"left": "420mpeg2", "centre": "420jpeg", "topleft": "420paldv"}


def write_y4m(run: VideoRun, stream: BinaryIO, progress: Callable[[Progress], None] | None = None) -> int:
    """Write all frames of a run; the number of frames. Sound, tags and times other than a rate have no place there.

    Raises:
        VideoError: If the source cannot be read, or the format has no such pixels.
        OSError: If the stream does not take them.
    """
    _widen(stream)
    _, ahead = run.frames()
    rate, done = Rate(), 0
    with closing(ahead):
        for each in ahead:
            if not done:
                stream.write(header(run.plan, run.probe.picture))
            frame = _planar(each.made, run.plan)
            stream.write(b"FRAME\n")
            for view in plane_views(frame)[:3]:
                stream.write(np.ascontiguousarray(view).data)
            done += 1
            if progress is not None:
                progress(Progress(stage="enlarging", done=done, total=run.total_frames, fps=rate.at(done)))
    stream.flush()
    return done


def header(plan: VideoPlan, picture: PictureStream) -> bytes:
    """The stream's first line.

    Raises:
        VideoError: If the format has no such pixels.
    """
    written = _written(plan)
    height, width = plan.size
    rate = picture.frame_rate
    parts = [f"W{width}", f"H{height}", f"F{rate.numerator}:{rate.denominator}" if rate else "F25:1", "Ip"]
    parts += [
        f"A{plan.sample_aspect_ratio.numerator}:{plan.sample_aspect_ratio.denominator}",
        f"C{_space(written, plan)}",
    ]
    parts.append("XCOLORRANGE=LIMITED" if plan.colors.range != 2 else "XCOLORRANGE=FULL")
    return f"YUV4MPEG2 {' '.join(parts)}\n".encode()


def _widen(stream: BinaryIO) -> None:
    """Give a pipe more room where Linux allows it: frames then take less than half the time to go through."""
    if sys.platform == "linux":
        with suppress(OSError, ValueError):  # no pipe, or no file at all
            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _written(plan: VideoPlan) -> PixelFormat:
    """The planar format that is written: the source's, or the encoder's for RGB."""
    found = pixel_format(plan.encoding.pixel_format) if plan.source.is_rgb else plan.source
    if found is None or found.is_rgb:
        raise VideoError("y4m holds YUV and grey pictures; RGB pictures without loss need a file: take ffv1")
    return found


def _planar(frame: VideoFrame, plan: VideoPlan) -> VideoFrame:
    return frame.reformat(format=plan.encoding.pixel_format) if plan.source.is_rgb else frame


def _space(written: PixelFormat, plan: VideoPlan) -> str:
    if written.layout == "grey":
        return "mono" if written.bits == 8 else f"mono{written.bits}"
    chroma = written.layout.removeprefix("yuv")
    if written.bits > 8:
        return f"{chroma}p{written.bits}"
    return _SITED[plan.siting] if chroma == "420" else chroma
