"""Frames into packets: one encoder opened in the same way for every run of frames, and for the file's header."""

import os
from collections.abc import Iterator
from fractions import Fraction

from av.codec.context import CodecContext, Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from upres.errors import VideoError
from upres.video.encoders import Encoding
from upres.video.plan import VideoPlan
from upres.video.probe import PictureStream
from upres.video.segments import StoredPacket

_USUAL_RATE = Fraction(25)


def configure(context: VideoCodecContext, plan: VideoPlan, picture: PictureStream, threads: int) -> None:
    """Tell an encoder everything but the frames.

    Args:
        context: Not open yet.
        plan: How the video is made.
        picture: The source.
        threads: Of the encoder: the same number gives the same bytes.
    """
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 would tell its settings on standard error
    context.height, context.width = plan.size
    context.pix_fmt = plan.encoding.pixel_format
    context.time_base = picture.time_base
    context.framerate = picture.frame_rate or _USUAL_RATE
    context.sample_aspect_ratio = plan.sample_aspect_ratio
    colors = plan.colors
    context.color_primaries, context.color_trc = colors.primaries, colors.transfer
    context.colorspace, context.color_range = colors.matrix, colors.range
    context.options = dict(plan.encoding.options)
    context.thread_count = threads
    context.flags |= Flags.global_header | Flags.frame_duration


def open_encoder(context: VideoCodecContext, plan: VideoPlan) -> None:
    """Open an encoder that was configured.

    Raises:
        VideoError: If it refuses what it was told.
    """
    try:
        context.open()
    except FFmpegError as error:
        (height, width), name = plan.size, plan.encoding.encoder.name
        raise VideoError(f"{name}: does not open for {width}x{height} pixels ({error.strerror or error})") from error


class SegmentEncoder:
    """Encodes one run of frames by an encoder of its own.

    Args:
        plan: How the video is made.
        picture: The source.
        threads: Of the encoder.

    Raises:
        VideoError: If the encoder refuses what it is told.
    """

    def __init__(self, plan: VideoPlan, picture: PictureStream, threads: int) -> None:
        self._encoding: Encoding = plan.encoding
        self._base, self._colors = picture.time_base, plan.colors
        context = CodecContext.create(plan.encoding.encoder.library, "w")
        assert isinstance(context, VideoCodecContext)
        self._context = context
        configure(context, plan, picture, threads)
        self._waiting = set[int]()
        open_encoder(context, plan)

    @property
    def extradata(self) -> bytes:
        """What the container's header says about the stream."""
        return bytes(self._context.extradata or b"")

    def add(self, frame: VideoFrame, *, pts: int, duration: int) -> Iterator[StoredPacket]:
        """Encode a frame, which may be one that was encoded before, with another time; packets that are ready."""
        if frame.format.name != self._encoding.pixel_format:
            frame = frame.reformat(format=self._encoding.pixel_format)
        frame.pts, frame.time_base, frame.duration = pts, self._base, duration
        frame.pict_type = PictureType.NONE
        frame.color_primaries, frame.color_trc = self._colors.primaries, self._colors.transfer
        frame.colorspace, frame.color_range = self._colors.matrix, self._colors.range
        self._waiting.add(pts)
        yield from self._packets(frame)

    def finish(self) -> Iterator[StoredPacket]:
        """The packets that are left.

        Raises:
            VideoError: If there was not one for each frame.
        """
        yield from self._packets(None)
        if self._waiting:
            raise VideoError(f"{self._encoding.encoder.name}: made no packets of {len(self._waiting)} frames")

    def _packets(self, frame: VideoFrame | None) -> Iterator[StoredPacket]:
        for packet in self._context.encode(frame):
            if packet.pts is None or packet.pts not in self._waiting:
                raise VideoError(f"{self._encoding.encoder.name}: made a packet for {packet.pts}, where no frame is")
            self._waiting.remove(packet.pts)
            yield StoredPacket(pts=packet.pts, is_key=packet.is_keyframe, data=bytes(packet))
