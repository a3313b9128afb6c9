"""A video made larger: decoder, network and encoder at the same time, segment by segment, then the file."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from math import prod
from pathlib import Path
from threading import Event
from typing import Any

import av

from upres.errors import Hint, OutputError, OutputExistsError, VideoError
from upres.machine.cores import available_cores
from upres.upscaler import Upscaler
from upres.video.ahead import Ahead
from upres.video.encode import SegmentEncoder
from upres.video.mux import Joined, check_container, join
from upres.video.plan import VideoPlan, Wishes, plan_video, segment_frames
from upres.video.planes import Enlarger
from upres.video.probe import Probe, probe
from upres.video.report import InterruptedRun, Progress, Rate, VideoReport
from upres.video.segments import Segment, SegmentStore, free_bytes
from upres.video.source import Frames, Mark, Timed, frame_digest

DEFAULT_MODEL = "esr_tm"
"""Beside an encoder its time does not show."""
_BYTES_PER_PIXEL = {"ffv1": 0.3, "prores": 0.4}
"""Of a result with little noise, for each pixel of a frame: what is refused for want of room would not have fitted."""
_USUAL_BYTES_PER_PIXEL = 0.01


class VideoRun:
    """One video, looked at and planned, ready to be made.

    Args:
        source: The file.
        wishes: What was asked for.
        networks: Arguments of `Upscaler` that choose networks and how they are run.
        output: The result's name; ``None``: its suffix is the plan's, and the caller names it.
        found: What `probe` says of the source; ``None``: to be asked.

    Raises:
        VideoError: If it cannot be read, or would lose what may not be lost unasked.
    """

    def __init__(
        self,
        source: Path,
        wishes: Wishes,
        networks: Mapping[str, Any],
        *,
        output: Path | None = None,
        found: Probe | None = None,
    ) -> None:
        self.source, self.wishes = source, wishes
        self.probe = probe(source) if found is None else found
        self.plan: VideoPlan = plan_video(self.probe, wishes, output)
        height, width = self.plan.size
        self._upscaler = Upscaler(width=width, height=height, **chosen_networks(networks))
        self._threads = networks.get("threads") or available_cores()
        picture = self.probe.picture
        self.enlarger = Enlarger(self.plan, self._upscaler, (picture.height, picture.width))

    @property
    def suffix(self) -> str:
        """Of the result's name, with the dot."""
        return self.plan.container.suffixes[0]

    def frames(self, mark: Mark | None = None) -> "tuple[Frames, Ahead[Enlarged]]":
        """The source's reader, and its frames made larger, in threads ahead of the caller."""
        wishes = self.wishes
        source = Frames(self.source, deinterlace=wishes.deinterlace, start=wishes.start, end=wishes.end)
        decoded = Ahead(source.after(mark))
        return source, Ahead(self._enlarged(decoded))

    def make(
        self,
        output: Path,
        *,
        overwrite: bool = False,
        progress: Callable[[Progress], None] | None = None,
        stop: Event | None = None,
        ready: Callable[[Path], None] | None = None,
    ) -> VideoReport:
        """Make the file; goes on where an earlier run has stopped.

        Args:
            output: The result.
            overwrite: Replace what is there, and discard what another way of making it has left.
            progress: Told after each frame.
            stop: Set by who wants the run to end with the segment it is at.
            ready: Called with the finished file before it takes its place.

        Raises:
            OutputExistsError: If the output is there.
            InterruptedRun: If it was stopped.
            OutputError: If the disk is full.
            VideoError: If the source cannot be read to its end, or the file would not be whole.
        """
        if output.exists() and not overwrite:
            raise OutputExistsError(f"{output} exists", hint=Hint.OVERWRITE)
        began = time.perf_counter()
        store = SegmentStore(output, self.identity())
        try:
            segments = store.open(anew=overwrite)
            job = Joined(
                source=self.source,
                probe=self.probe,
                plan=self.plan,
                wishes=self.wishes,
                store=store,
                segments=segments,
                threads=self._threads,
            )
            check_container(job)
            self._require_room(store)
            resumed = sum(len(segment.pts) for segment in segments)
            warnings = self._make_segments(store, segments, output, progress, stop)
            if not segments:
                raise VideoError(f"{self.source}: expected frames between start and end, found none")
            frames = sum(len(segment.pts) for segment in segments)
            if progress is not None:
                progress(Progress(stage="joining", done=frames, total=frames, fps=0.0))
            self._join(job, output, ready)
            store.remove()
        finally:
            store.close()
        seconds = time.perf_counter() - began
        return VideoReport(
            input=str(self.source),
            output=str(output),
            frames=frames,
            seconds=seconds,
            fps=(frames - resumed) / seconds,
            codec=self.plan.encoding.encoder.codec,
            model=self.enlarger.network,
            size=self.plan.size,
            resumed=resumed,
            repeated=frames - sum(segment.computed for segment in segments),
            steady=self.plan.steady,
            copied=self.plan.described,
            left_out=self.plan.left_out,
            warnings=(*self.plan.warnings, *warnings),
        )

    def identity(self) -> dict[str, str]:
        """All that the result depends on, as text."""
        status = self.source.stat()
        model, weights = self._upscaler.model_identity()
        encoding = self.plan.encoding
        return {
            "source": f"{self.source.name}, {status.st_size} bytes, {status.st_mtime_ns}",
            "size": f"{self.plan.size[1]}x{self.plan.size[0]}",
            "model": model,
            "weights": weights,
            "codec": f"{encoding.encoder.name} {encoding.pixel_format}",
            "options": " ".join(f"{name}={value}" for name, value in sorted(encoding.options.items())),
            "container": self.plan.container.name,
            "colors": " ".join(map(str, (self.plan.colors.primaries, self.plan.colors.matrix, self.plan.siting))),
            "cut": f"{self.wishes.start:g} to {'the end' if self.wishes.end is None else format(self.wishes.end, 'g')}",
            "deinterlace": str(self.wishes.deinterlace),
            "steady": str(self.wishes.steady),
            "threads": str(self._threads),
            "engine": " ".join((self._upscaler.settings.engine, self._upscaler.settings.precision)),
            "libraries": ", ".join(f"{name} {'.'.join(map(str, n))}" for name, n in av.library_versions.items()),
        }

    @property
    def _segment_frames(self) -> int:
        """Frames of a segment; a run begins and goes on at the start of one."""
        return segment_frames(self.probe.picture.frame_rate, slow=self.enlarger.is_slow)

    @property
    def total_frames(self) -> int | None:
        """As the file tells or its length says; ``None`` where neither does."""
        picture, wishes = self.probe.picture, self.wishes
        seconds = picture.seconds or self.probe.seconds
        if picture.frames and not wishes.start and wishes.end is None:
            return picture.frames
        if seconds is None or picture.frame_rate is None:
            return None
        last = seconds if wishes.end is None else min(seconds, wishes.end)
        return max(1, round((last - wishes.start) * picture.frame_rate))

    def estimated_bytes(self) -> int | None:
        """What the result will take, roughly; ``None`` where nobody knows how many frames there are."""
        frames = self.total_frames
        each = _BYTES_PER_PIXEL.get(self.plan.encoding.encoder.name, _USUAL_BYTES_PER_PIXEL)
        return None if frames is None else round(frames * prod(self.plan.size) * each)

    def _enlarged(self, frames: Ahead[Timed]) -> "Iterator[Enlarged]":
        try:
            for number, each in enumerate(frames):
                self._require_size(each)
                if number % self._segment_frames == 0:
                    self.enlarger.begin()
                before = self.enlarger.computed
                made = self.enlarger(each.frame)
                yield Enlarged(timed=each, made=made, is_new=self.enlarger.computed > before)
        finally:
            frames.close()

    def _require_size(self, each: Timed) -> None:
        picture = self.probe.picture
        if (each.frame.width, each.frame.height) != (picture.width, picture.height):
            raise VideoError(
                f"{self.source}: pictures change from {picture.width}x{picture.height} to"
                f" {each.frame.width}x{each.frame.height} on the way; cut the film there first"
            )

    def _require_room(self, store: SegmentStore) -> None:
        """Refuse before the work what the disk cannot hold: segments and file are there at the same time."""
        needed, free = self.estimated_bytes(), free_bytes(store.folder)
        if needed is None or free is None:
            return
        missing = 2 * needed - store.bytes() - free
        if missing > 0:
            raise OutputError(
                f"{store.folder.parent}: the result may take {needed >> 20} MiB, twice that while it is made, and"
                f" {free >> 20} MiB are free; make room or choose another disk"
            )

    def _make_segments(
        self,
        store: SegmentStore,
        segments: list[Segment],
        output: Path,
        progress: Callable[[Progress], None] | None,
        stop: Event | None,
    ) -> list[str]:
        """Make the segments that are missing, and add them; sentences about the source."""
        length = self._segment_frames
        done = sum(len(segment.pts) for segment in segments)
        if segments and len(segments[-1].pts) < length:
            return []  # only the last one is shorter
        mark = None
        if segments:
            mark = Mark(frames=done, pts=segments[-1].pts[-1], digest=segments[-1].last_digest)
        rate = Rate()
        self.enlarger.leave_cores(max(1, self._threads // 2))
        source, ahead = self.frames(mark)

        def told(each: "Enlarged") -> "Enlarged":
            nonlocal done
            done += 1
            if progress is not None:
                progress(Progress(stage="enlarging", done=done, total=self.total_frames, fps=rate.at(done)))
            return each

        with closing(ahead):
            frames = iter(ahead)
            while segment := self._next_segment(store, len(segments), map(told, frames), length):
                segments.append(segment)
                if stop is not None and stop.is_set() and len(segment.pts) == length:
                    raise InterruptedRun(f"{output}: stopped after {done} frames; the same command goes on from there")
        return [f"{source.damaged} damaged packets were passed over"] * bool(source.damaged)

    def _next_segment(
        self, store: SegmentStore, index: int, frames: "Iterator[Enlarged]", length: int
    ) -> Segment | None:
        """Encode and store the next run of frames; ``None`` where there are no more."""
        first = next(frames, None)
        if first is None:
            return None
        encoder = SegmentEncoder(self.plan, self.probe.picture, self._threads)
        times, each, computed = list[int](), first, 0
        with store.writing(index) as out:
            while True:
                timed = each.timed
                for packet in encoder.add(each.made, pts=timed.pts, duration=timed.duration):
                    out.add(packet)
                times.append(timed.pts)
                computed += each.is_new
                after = next(frames, None) if len(times) < length else None
                if after is None:
                    break
                each = after
            for packet in encoder.finish():
                out.add(packet)
            segment = Segment(
                pts=tuple(times),
                last_duration=each.timed.duration,
                last_digest=frame_digest(each.timed.frame),
                computed=computed,
                extradata=encoder.extradata.hex(),
            )
            out.finish(segment)
        return segment

    def _join(self, job: Joined, output: Path, ready: Callable[[Path], None] | None) -> None:
        try:
            join(job, output, ready)
        except OSError as error:
            raise OutputError(
                f"{output}: cannot be written ({error.strerror}); all frames are kept, the same command goes on"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Enlarged:
    """A frame on its way from the network to the encoder."""

    timed: Timed
    made: av.VideoFrame
    is_new: bool
    """False where it repeats the frame before."""


def chosen_networks(networks: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Upscaler` by which all frames get the same network, whatever is in them."""
    chosen = dict(networks)
    if chosen.get("fast"):
        chosen["clean"] = not chosen.get("real")
    elif not any(chosen.get(name) for name in ("model", "clean", "real")):
        chosen["model"] = DEFAULT_MODEL
    return chosen
