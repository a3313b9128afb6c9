"""The frames of a video in the order they are shown, from the start or from where an earlier run has stopped."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from upres.errors import VideoError
from upres.video.decode import decoder_of
from upres.video.probe import opened, picture_stream
from upres.video.views import plane_views


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A frame with its time, both in the stream's time base."""

    frame: VideoFrame
    pts: int
    duration: int


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where an earlier run has stopped: the last frame that was done."""

    frames: int
    """Number of frames done, the last one included."""
    pts: int
    digest: str
    """Of the last frame's samples."""


class Frames:
    """The frames of one video.

    Args:
        path: The file.
        deinterlace: Make whole frames of fields.
        start: Seconds at which the first frame is shown, at the earliest.
        end: Seconds before which the last frame is shown; ``None``: all.
    """

    def __init__(self, path: Path, *, deinterlace: bool = False, start: float = 0.0, end: float | None = None) -> None:
        self._path, self._deinterlace = path, deinterlace
        self._start, self._end = start, end
        self.damaged = 0
        """Packets that could not be decoded and were passed over, so far."""

    def after(self, mark: Mark | None) -> Iterator[Timed]:
        """The frames behind a mark; all of them for ``None``.

        The decoder begins at the key frame before the mark. Where that does not lead to the very frame that was marked
        (a stream without times, a picture that depends on more than its key frame) it begins at the start.

        Raises:
            VideoError: If the file is another one than when it was marked, or cannot be read.
        """
        if mark is None:
            yield from self._from(None)
            return
        near = self._from(mark.pts)
        if _reaches(near, mark):
            yield from near
            return
        far, last = self._from(None), None
        for _ in range(mark.frames):
            last = next(far, None)
        if last is None or last.pts != mark.pts or frame_digest(last.frame) != mark.digest:
            raise VideoError(f"{self._path}: is another film than the one that was begun")
        yield from far

    def _from(self, pts: int | None) -> Iterator[Timed]:
        self.damaged = 0
        with opened(self._path) as container:
            stream = picture_stream(container, self._path)
            stream.thread_type = "AUTO"
            base = stream.time_base or Fraction(1, 1000)
            first = (stream.start_time or 0) if self._start else None
            lower = None if first is None else first + round(self._start / base)
            upper = None if self._end is None else (stream.start_time or 0) + round(self._end / base)
            if pts is not None or lower is not None:
                container.seek(pts if pts is not None else lower or 0, stream=stream)
            for each in _in_order(self._decoded(container, stream), base, stream.average_rate):
                if upper is not None and each.pts >= upper:
                    return
                if lower is None or each.pts >= lower:
                    yield each

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        whole = self._whole_frames(container, stream)
        if not self._deinterlace:
            yield from whole
            return
        graph = _deinterlacer(stream)
        for frame in whole:
            graph.push(frame)
            yield from _pulled(graph)
        graph.push(None)
        yield from _pulled(graph)

    def _whole_frames(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        decoder = decoder_of(stream)
        for packet in container.demux(stream):
            for frame in self._frames_of(packet, decoder):
                if frame.format is not None:
                    yield frame

    def _frames_of(self, packet: "Packet[VideoStream]", decoder: VideoCodecContext) -> list[VideoFrame]:
        try:
            return decoder.decode(packet)
        except av.InvalidDataError:
            self.damaged += 1
            return []


def frame_digest(frame: VideoFrame) -> str:
    """SHA-256 of the samples that are shown, in hexadecimal."""
    content = hashlib.sha256()
    for view in plane_views(frame):
        for row in view:
            content.update(row.tobytes())
    return content.hexdigest()


def _reaches(frames: Iterator[Timed], mark: Mark) -> bool:
    for each in frames:
        if each.pts >= mark.pts:
            return each.pts == mark.pts and frame_digest(each.frame) == mark.digest
    return False


def _in_order(frames: Iterator[VideoFrame], base: Fraction, rate: Fraction | None) -> Iterator[Timed]:
    """Frames with times that grow; where the stream tells none, or the same twice, they follow each other."""
    usual = max(1, round(1 / (rate * base))) if rate else 1
    before: int | None = None
    for frame in frames:
        told = frame.pts if frame.pts is not None else frame.dts
        if told is not None and frame.time_base is not None and frame.time_base != base:
            told = round(told * frame.time_base / base)  # the deinterlacer counts in halves
        pts = told if told is not None else (0 if before is None else before + usual)
        if before is not None and pts <= before:
            pts = before + 1
        before = pts
        yield Timed(frame=frame, pts=pts, duration=frame.duration or usual)


def _deinterlacer(stream: VideoStream) -> Graph:
    graph = Graph()
    source = graph.add_buffer(template=stream)
    order = {2: "tff", 3: "bff", 4: "tff", 5: "bff"}.get(stream.codec_context.field_order, "auto")
    bwdif = graph.add("bwdif", f"mode=send_frame:parity={order}:deint=all")
    sink = graph.add("buffersink")
    graph.link_nodes(source, bwdif, sink).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, VideoFrame)
        yield frame
