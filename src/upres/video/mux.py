"""The file: segments one behind the other, and beside them everything else of the source as it is."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import AttachmentStream, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from upres.errors import VideoError
from upres.machine.atomic import atomic_file
from upres.video.decode import ALPHA_TAG
from upres.video.display_size import write_display_width
from upres.video.encode import configure, open_encoder
from upres.video.plan import VideoPlan, Wishes
from upres.video.probe import Probe, codec_name, is_cover, opened, reading
from upres.video.segments import Segment, SegmentStore
from upres.video.sound import FlacSound

_BITEXACT = 0x400
"""libavformat's AVFMT_FLAG_BITEXACT."""
_STALE_TAGS = ("BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS", "ENCODER", "encoder")
"""Beginnings of tags that describe the old streams."""
_FILE_TAGS = ("major_brand", "minor_version", "compatible_brands", "encoder", "ENCODER")
_COVER_TYPES = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What is joined."""

    source: Path
    streams: InputContainer
    """The source, open since before the work and not read yet: it takes long to open."""
    probe: Probe
    plan: VideoPlan
    wishes: Wishes
    store: SegmentStore
    segments: list[Segment]
    threads: int


def join(job: Joined, output: Path, ready: Callable[[Path], None] | None = None) -> None:
    """Write the file, look at it once more, and put it into its place.

    Args:
        job: What is joined.
        output: The file.
        ready: Called with the hidden file, whole and verified, before it takes its place.

    Raises:
        VideoError: If something does not fit into the container, or the file has not all frames.
        OSError: If it cannot be written.
    """

    def check(hidden: Path) -> None:
        _verify(job, hidden)
        if ready is not None:
            ready(hidden)

    with atomic_file(output, ready=check) as stream:
        write(job, stream)


def write(job: Joined, stream: BinaryIO) -> None:
    """Write the file to a stream, which is read as well where the shape of pixels is written afterwards.

    Raises:
        VideoError: If something does not fit into the container.
    """
    options = _muxer_options(job.plan, job.probe.picture.time_base)
    with (
        reading(job.source),
        av.open(stream, "w", format=job.plan.container.muxer, container_options=options) as container,
    ):
        container.flags |= _BITEXACT  # no random numbers: the same packets are the same file
        _Joiner(job, container).run()
    if job.plan.shape_in_header:
        write_display_width(stream, job.plan.sample_aspect_ratio)


def check_container(job: Joined) -> tuple[str, ...]:
    """See that the container takes everything, before the work: its header is written into memory.

    Returns:
        A sentence for each stream that it takes in another form only.

    Raises:
        VideoError: If it does not.
    """
    with reading(job.source), av.open(io.BytesIO(), "w", format=job.plan.container.muxer) as container:
        joiner = _Joiner(job, container)
        joiner.begin()
        return joiner.converted


class _Joiner:
    """Packets of segments and of other streams, in the order of their times."""

    def __init__(self, job: Joined, container: OutputContainer) -> None:
        self._job, self._source, self._container = job, job.streams, container
        self._copies: dict[int, Stream] = {}
        self._flac: dict[int, FlacSound] = {}
        self._video: VideoStream
        picture = job.probe.picture
        start = self._source.streams[picture.index].start_time or 0
        self._shift = Fraction(0)
        if job.wishes.start:
            self._shift = Fraction(start) * picture.time_base + Fraction(job.wishes.start).limit_denominator(10**6)
        self._end = None
        if job.wishes.end is not None:
            self._end = Fraction(start) * picture.time_base + Fraction(job.wishes.end).limit_denominator(10**6)

    def begin(self) -> None:
        """Streams, tags and chapters, up to the header.

        Raises:
            VideoError: If the container refuses one, or the encoder does not open.
        """
        job = self._job
        self._container.metadata.update(
            {name: text for name, text in job.probe.tags.items() if not name.startswith(_FILE_TAGS)}
        )
        for stream in self._source.streams:
            if stream.index == job.probe.picture.index:
                self._add_video(stream)
            elif stream.index in job.plan.copied:
                self._add_copy(stream)
        if chapters := self._source.chapters():
            self._container.set_chapters(self._moved_chapters(chapters))
        try:
            self._container.start_encoding()
        except FFmpegError as error:
            raise VideoError(
                f"{job.plan.container.name} does not take these streams ({error.strerror or error})"
            ) from error

    def run(self) -> None:
        """Everything, merged by time."""
        self.begin()
        found = bytes(self._video.codec_context.extradata or b"").hex()
        if any(segment.extradata != found for segment in self._job.segments):
            raise VideoError("the encoder's header is another one than when the segments were made: begin anew")
        pictures = self._pictures()
        ahead = next(pictures, None)
        for packet in self._copied_packets():
            time = (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base
            while ahead is not None and ahead[0] <= time:
                self._container.mux_one(ahead[1])
                ahead = next(pictures, None)
            if packet.stream.index in self._flac:
                self._container.mux(self._flac[packet.stream.index].packets(packet))
                continue
            packet.stream = self._copies[packet.stream.index]
            self._container.mux_one(packet)
        while ahead is not None:
            self._container.mux_one(ahead[1])
            ahead = next(pictures, None)
        for sound in self._flac.values():
            self._container.mux(sound.rest())

    def _add_video(self, stream: Stream) -> None:
        job = self._job
        picture = job.probe.picture
        video: Any = self._container.add_stream(job.plan.encoding.encoder.library)
        assert isinstance(video.codec_context, VideoCodecContext)
        configure(video.codec_context, job.plan, picture, job.threads)
        video.time_base = picture.time_base
        if picture.frame_rate is not None:
            video.codec_context.framerate = picture.frame_rate
        if picture.display_matrix is not None:
            video.set_display_matrix(picture.display_matrix)
        open_encoder(video.codec_context, job.plan)
        _describe(video, stream)
        for name in (ALPHA_TAG, ALPHA_TAG.upper()):  # no encoder here writes transparency in that way
            video.metadata.pop(name, None)
        self._video = video

    def _add_copy(self, stream: Stream) -> None:
        if isinstance(stream, AttachmentStream):
            name, kind = stream.metadata.get("filename", "attachment"), stream.mimetype or "application/octet-stream"
            self._container.add_attachment(name, kind, stream.data)
            return
        if is_cover(stream) and self._job.plan.container.attachments:
            suffix, kind = _COVER_TYPES.get(codec_name(stream), ("bin", "application/octet-stream"))
            name = stream.metadata.get("filename", f"cover.{suffix}")
            self._container.add_attachment(name, stream.metadata.get("mimetype", kind), self._cover(stream))
            return
        copy: Stream
        try:
            copy = self._container.add_stream_from_template(stream, opaque=True)
            self._copies[stream.index] = copy
        except ValueError as error:
            if not isinstance(stream, AudioStream):
                name = f"{stream.type} {stream.index} ({codec_name(stream)})"
                raise VideoError(
                    f"{self._job.source}: {name} cannot be copied into {self._job.plan.container.name}"
                ) from error
            sound = FlacSound(self._container, stream)
            self._flac[stream.index], copy = sound, sound.stream
        _describe(copy, stream)

    @property
    def converted(self) -> tuple[str, ...]:
        """A sentence for each stream that is not copied but written in another form."""
        streams = (self._source.streams[index] for index in self._flac)
        reason = f"becomes FLAC: it cannot be copied into {self._job.plan.container.name}"
        return tuple(f"audio {stream.index} ({codec_name(stream)}) {reason}" for stream in streams)

    def _cover(self, stream: Stream) -> bytes:
        with opened(self._job.source) as other:
            for packet in other.demux(other.streams[stream.index]):
                if packet.size:
                    return bytes(packet)
        return b""

    def _moved_chapters(self, chapters: list[Any]) -> list[Any]:
        moved = list[Any]()
        for chapter in chapters:
            base: Fraction = chapter["time_base"] or Fraction(1, 1000)
            start, end = chapter["start"] * base, chapter["end"] * base
            if end <= self._shift or (self._end is not None and start >= self._end):
                continue
            first = max(Fraction(0), start - self._shift)
            last = (end if self._end is None else min(end, self._end)) - self._shift
            moved.append({**chapter, "start": round(first / base), "end": round(last / base)})
        return moved

    def _pictures(self) -> Iterator[tuple[Fraction, "Packet[VideoStream]"]]:
        """Packets of the segments with their decoding time in seconds."""
        job, base = self._job, self._job.probe.picture.time_base
        shown = [pts for segment in job.segments for pts in segment.pts]
        durations = {now: after - now for now, after in pairwise(shown)}
        if shown:
            durations[shown[-1]] = job.segments[-1].last_duration
        coded = [pts for index in range(len(job.segments)) for pts in job.store.packet_times(index)]
        decoded = iter(decoding_times(coded))
        moved = round(self._shift / base)
        for index in range(len(job.segments)):
            for stored in job.store.packets(index):
                packet: Any = Packet(stored.data)
                dts = next(decoded)
                packet.pts, packet.dts, packet.duration = stored.pts - moved, dts - moved, durations[stored.pts]
                packet.time_base, packet.is_keyframe, packet.stream = base, stored.is_key, self._video
                yield (dts - moved) * base, packet

    def _copied_packets(self) -> Iterator[Any]:
        streams = [self._source.streams[index] for index in sorted({*self._copies, *self._flac})]
        if not streams:
            return
        if self._shift:
            self._source.seek(int(self._shift * av.time_base))
        for packet in self._source.demux(streams):
            if is_cover(packet.stream):
                if packet.size:
                    packet.pts = packet.dts = 0
                    yield packet
                continue
            told = packet.pts if packet.pts is not None else packet.dts
            if told is None or not self._is_wanted(told * packet.time_base):  # no time: the end of a stream
                continue
            moved = round(self._shift / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - moved
            packet.dts = None if packet.dts is None else packet.dts - moved
            yield packet

    def _is_wanted(self, time: Fraction) -> bool:
        if self._shift and time < self._shift:
            return False
        return self._end is None or time < self._end


def decoding_times(shown: Sequence[int]) -> list[int]:
    """When each packet is decoded, for packets in coding order whose pictures are shown at these times.

    The times are those of the pictures in order, as much earlier as the deepest reordering needs.

    Example:
        >>> decoding_times([0, 30, 10, 20])
        [-10, 0, 10, 20]
    """
    ordered = sorted(shown)
    place = {pts: rank for rank, pts in enumerate(ordered)}
    delay = max((index - place[pts] for index, pts in enumerate(shown)), default=0)
    if not delay:
        return ordered
    step = max(1, (ordered[delay] - ordered[0]) // delay)
    before = [ordered[0] - step * (delay - index) for index in range(delay)]
    return [*before, *ordered[: len(ordered) - delay]]


def _describe(copy: Stream, stream: Stream) -> None:
    """Tags and flags of the source's stream."""
    tags = {name: text for name, text in stream.metadata.items() if not name.startswith(_STALE_TAGS)}
    if "name" in tags:  # what QuickTime's demuxer calls what its muxer takes as a title
        tags.setdefault("title", tags.pop("name"))
    copy.metadata.update(tags)
    copy.disposition = stream.disposition


def _muxer_options(plan: VideoPlan, base: Fraction) -> dict[str, str]:
    if plan.container.muxer not in ("mp4", "mov"):
        return {}
    # QuickTime rounds edit lists to the movie's time scale: with the source's own nothing is rounded
    return {"video_track_timescale": str(base.denominator), "movie_timescale": str(base.denominator)}


def _verify(job: Joined, hidden: Path) -> None:
    """Count the frames of the written file, and look when the first and the last are shown."""
    expected = sum(len(segment.pts) for segment in job.segments)
    # without decoders: they would decode pictures to learn what their stream is, and only packets are counted here
    with reading(hidden), av.open(str(hidden), options={"codec_whitelist": "none"}) as container:
        stream = next(each for each in container.streams.video if not is_cover(each))
        times = [packet.pts for packet in container.demux(stream) if packet.size and packet.pts is not None]
        base = stream.time_base or Fraction(1)
    if len(times) != expected:
        raise VideoError(f"{hidden.name}: expected {expected} frames in the finished file, found {len(times)}")
    first, last = job.segments[0].pts[0], job.segments[-1].pts[-1]
    length = (last - first) * job.probe.picture.time_base
    if abs((max(times) - min(times)) * base - length) > max(Fraction(2, 1000), 2 * base):
        raise VideoError(f"{hidden.name}: the finished file's frames do not last as long as the source's")
