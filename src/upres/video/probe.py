"""What a video file is: its streams, its picture, its colours and what else would be lost by carelessness."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from upres.errors import VideoError
from upres.video.decode import decoder_of
from upres.video.hdr import StaticHDR, dynamic_kinds, side_data_of

FIELD_ORDERS = {2: "top", 3: "bottom", 4: "top", 5: "bottom"}
"""libavcodec's number -> which field is shown first; others are progressive or unknown."""
_LOOKED_AT = 8
"""Frames that are decoded to see what they carry."""


@dataclass(frozen=True, kw_only=True)
class Colors:
    """Colour tags as the numbers of ITU-T H.273; 2 is unspecified."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    range: int = 0
    """libavutil's number: 0 unspecified, 1 studio, 2 full."""

    @property
    def is_hdr(self) -> bool:
        """True for PQ and HLG."""
        return self.transfer in (16, 18)


@dataclass(frozen=True, kw_only=True)
class PictureStream:
    """The video stream that is made larger."""

    index: int
    codec: str
    width: int
    height: int
    pixel_format: str
    time_base: Fraction
    frame_rate: Fraction | None
    """Mean; variable rates live in the frames' times."""
    frames: int
    """As the file says; 0 where it does not say."""
    seconds: float | None
    sample_aspect_ratio: Fraction
    display_matrix: tuple[int, ...] | None
    """Nine numbers of the container that turn or mirror what is shown; ``None`` for none."""
    rotation: int
    """What the matrix amounts to, in degrees."""
    colors: Colors
    fields: str | None
    """``top`` or ``bottom``: which field of an interlaced frame comes first; ``None`` for progressive frames."""
    hdr: StaticHDR | None
    dynamic_hdr: tuple[str, ...]
    """Names of metadata that changes from frame to frame, such as ``HDR10+``."""


@dataclass(frozen=True, kw_only=True)
class OtherStream:
    """A stream beside the picture."""

    index: int
    kind: str
    """``video`` (a second one), ``cover``, ``audio``, ``subtitle``, ``data``, ``attachment``."""
    codec: str
    language: str | None = None
    title: str | None = None

    @property
    def described(self) -> str:
        """As a person would say it: ``audio 1 (aac, eng)``."""
        details = ", ".join(part for part in (self.codec, self.language, self.title) if part)
        return f"{self.kind} {self.index}" + (f" ({details})" if details else "")


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A video file, looked at."""

    path: str
    container: str
    """libavformat's name of the demuxer, such as ``matroska,webm``."""
    bytes: int
    seconds: float | None
    picture: PictureStream
    others: tuple[OtherStream, ...]
    chapters: int
    tags: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; ratios are texts such as ``30000/1001``."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def probe(path: Path) -> Probe:
    """Look at a video file.

    Raises:
        VideoError: If it cannot be read or holds no video.
    """
    with opened(path) as container:
        stream = picture_stream(container, path)
        frames = _first_frames(container, stream, path)
        return Probe(
            path=str(path),
            container=container.format.name,
            bytes=path.stat().st_size,
            seconds=None if container.duration is None else container.duration / av.time_base,
            picture=_picture(stream, frames),
            others=tuple(_other(each) for each in container.streams if not _is_told_elsewhere(each, stream)),
            chapters=len(container.chapters()),
            tags=dict(container.metadata),
        )


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file, open to be read.

    Raises:
        VideoError: If it cannot be, now or within the block.
    """
    with reading(path), av.open(str(path), metadata_errors="replace") as container:
        yield container


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """A block in which the file is read.

    Raises:
        VideoError: If it cannot be.
    """
    try:
        yield
    except av.FFmpegError as error:
        raise VideoError(f"{path}: cannot be read as a video ({error.strerror or error})") from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first video stream that is no cover.

    Raises:
        VideoError: If there is none.
    """
    for stream in container.streams.video:
        context: Any = stream.codec_context  # none for a codec that this libavcodec lacks
        if not is_cover(stream) and context is not None and context.width:
            return stream
    raise VideoError(f"{path}: expected a video, found no stream with moving pictures")


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture of the file, not of the film."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def codec_name(stream: Stream) -> str:
    """Name of the stream's codec; empty where libavcodec knows none."""
    context: Any = stream.codec_context
    if context is not None:
        return str(context.codec.canonical_name)
    return stream.metadata.get("mimetype") or str(getattr(stream, "name", None) or "")


def _first_frames(container: InputContainer, stream: VideoStream, path: Path) -> list[VideoFrame]:
    frames, decoder = list[VideoFrame](), decoder_of(stream)
    try:
        for packet in container.demux(stream):
            frames += decoder.decode(packet)
            if len(frames) >= _LOOKED_AT:
                break
    except av.FFmpegError:
        if not frames:
            raise
    if not frames:
        raise VideoError(f"{path}: expected a video, found no frame that can be decoded")
    return frames


def _picture(stream: VideoStream, frames: list[VideoFrame]) -> PictureStream:
    context, first = stream.codec_context, frames[0]
    matrix = display_matrix(first)
    return PictureStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        width=first.width,
        height=first.height,
        pixel_format=first.format.name,
        time_base=stream.time_base or Fraction(1, 1000),
        frame_rate=stream.average_rate or stream.guessed_rate,
        frames=stream.frames,
        seconds=float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None,
        sample_aspect_ratio=Fraction(stream.sample_aspect_ratio or 1),
        display_matrix=matrix,
        rotation=first.rotation,
        colors=Colors(
            primaries=int(first.color_primaries),
            transfer=int(first.color_trc),
            matrix=int(context.colorspace),
            range=int(first.color_range),
        ),
        fields=_fields(context.field_order, frames),
        hdr=next((found for frame in frames if (found := StaticHDR.of(side_data_of(frame))) is not None), None),
        dynamic_hdr=tuple(sorted({kind for frame in frames for kind in dynamic_kinds(side_data_of(frame))})),
    )


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers that turn or mirror what is shown; ``None`` where there are none."""
    for each in side_data_of(frame):
        if each.type is Type.DISPLAYMATRIX:
            return tuple(int.from_bytes(bytes(each)[at : at + 4], "little", signed=True) for at in range(0, 36, 4))
    return None


def _fields(order: int, frames: list[VideoFrame]) -> str | None:
    interlaced = [frame for frame in frames if frame.interlaced_frame]
    if order in FIELD_ORDERS:
        return FIELD_ORDERS[order]
    return "top" if interlaced else None


def _other(stream: Stream) -> OtherStream:
    kind = "cover" if is_cover(stream) else stream.type
    title = next((stream.metadata[name] for name in ("title", "name", "filename") if name in stream.metadata), None)
    return OtherStream(index=stream.index, kind=kind, codec=codec_name(stream), language=stream.language, title=title)


def _is_told_elsewhere(stream: Stream, picture: Stream) -> bool:
    """Whether it is the picture, the track that tells QuickTime chapters, or a timecode that the picture has too."""
    if stream is picture:
        return True
    if stream.type != "data":
        return False
    timecode = stream.metadata.get("timecode")
    if timecode is not None and timecode == picture.metadata.get("timecode"):
        return True
    return codec_name(stream) == "bin_data" and bool(stream.container.chapters())


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
