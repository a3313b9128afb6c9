"""A video made larger: decoder, network and encoder at the same time, segment by segment, then the file."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from math import prod
from pathlib import Path
from threading import Event
from typing import Any

import av

from upres.errors import Hint, OutputError, OutputExistsError, VideoError
from upres.machine.cores import available_cores
from upres.machine.others import Others
from upres.upscaler import Upscaler
from upres.video.ahead import Ahead
from upres.video.encode import SegmentEncoder
from upres.video.mux import Joined, check_container, join
from upres.video.plan import VideoPlan, Wishes, plan_video, segment_frames
from upres.video.planes import Enlarger
from upres.video.probe import Probe, probe, reading
from upres.video.report import InterruptedRun, Progress, Rate, VideoReport
from upres.video.segments import Segment, SegmentStore, free_bytes
from upres.video.source import Frames, Mark, Timed, frame_digest

DEFAULT_MODEL = "esr_tm"
"""Beside an encoder its time does not show."""
_BYTES_PER_PIXEL = {"ffv1": 0.3, "prores": 0.4}
"""Of a result with little noise, for each pixel of a frame: what is refused for want of room would not have fitted."""
_USUAL_BYTES_PER_PIXEL = 0.01
_MOST_BUSY = 0.25
"""Cores that other processes keep busy: where these are more, kernels that give way would hardly run."""
_LATE, _LATE_BY_FILE = (0.5, 0.02), (1.0, 0.05)
"""Seconds and share by which pictures may end before their stream's length, and before the file's: sound goes on."""
_PIXELS_AHEAD, _FEWEST_AHEAD, _MOST_AHEAD = 2**25, 4, 16
"""Large frames that wait for the encoder, which takes them in fits and starts: four of 3840x2160, more if smaller."""
_LEAST_AHEAD, _SHARE_AHEAD = 2, 4
"""Frames that wait, or one in so many of the most, from which on the next one is in no hurry: its kernels give way."""


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
        most = min(_MOST_AHEAD, max(_FEWEST_AHEAD, _PIXELS_AHEAD // prod(self.plan.size)))
        least = max(_LEAST_AHEAD, most // _SHARE_AHEAD)
        return source, Ahead(partial(self._enlarged, decoded, least), most=most)

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
        with ExitStack() as open_here:
            open_here.callback(store.close)
            segments = store.open(anew=overwrite)
            source, ahead = self._missing(segments)
            open_here.callback(ahead.close)
            with reading(self.source):
                streams = open_here.enter_context(av.open(str(self.source), metadata_errors="replace"))
            job = Joined(
                source=self.source,
                streams=streams,
                probe=self.probe,
                plan=self.plan,
                wishes=self.wishes,
                store=store,
                segments=segments,
                threads=self._threads,
            )
            converted = check_container(job)
            self._require_room(store)
            resumed = sum(len(segment.pts) for segment in segments)
            self._make_segments(job, ahead, output, progress, stop)
            if not segments:
                raise VideoError(f"{self.source}: expected frames between start and end, found none")
            frames = sum(len(segment.pts) for segment in segments)
            if progress is not None:
                progress(Progress(stage="joining", done=frames, total=frames, fps=0.0))
            self._join(job, output, ready)
            store.remove()
        seconds = time.perf_counter() - began
        noticed = (*converted, *_damages(source), *self._missing_end(segments))
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
            warnings=(*self.plan.warnings, *noticed),
            found=noticed,
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
            "cut": f"{self.wishes.start!r} to {'the end' if self.wishes.end is None else self.wishes.end!r}",
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

    def _enlarged(self, frames: Ahead[Timed], least: int, waiting: Callable[[], int]) -> "Iterator[Enlarged]":
        """Each frame made larger; in no hurry while so many of them wait, by what says how many do."""
        others = Others()
        try:
            for number, each in enumerate(frames):
                self._require_size(each)
                if number % self._segment_frames == 0:
                    self.enlarger.begin()
                before = self.enlarger.computed
                busy = others.busy_cores
                hurried = waiting() < least or busy is None or busy > _MOST_BUSY
                made = self.enlarger(each.frame, hurried=hurried)
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

    def _missing(self, segments: Sequence[Segment]) -> "tuple[Frames, Ahead[Enlarged]]":
        """The frames that are not in these segments, which are made while the rest is looked at."""
        length = self._segment_frames
        self.enlarger.leave_cores(max(1, self._threads // 2))
        if not segments:
            return self.frames()
        if len(segments[-1].pts) < length:  # only the last one is shorter
            return Frames(self.source), Ahead(())
        done = sum(len(segment.pts) for segment in segments)
        mark = Mark(frames=done, pts=segments[-1].pts[-1], digest=segments[-1].last_digest)
        return self.frames(mark)

    def _make_segments(
        self,
        job: Joined,
        ahead: "Ahead[Enlarged]",
        output: Path,
        progress: Callable[[Progress], None] | None,
        stop: Event | None,
    ) -> None:
        """Make the segments that are missing, and add them."""
        segments, length, rate = job.segments, self._segment_frames, Rate()
        done = sum(len(segment.pts) for segment in segments)

        def told(each: "Enlarged") -> "Enlarged":
            nonlocal done
            done += 1
            if progress is not None:
                progress(Progress(stage="enlarging", done=done, total=self.total_frames, fps=rate.at(done)))
            return each

        frames = map(told, ahead)
        with ThreadPoolExecutor(max_workers=1) as behind:
            flushing: Future[Segment] | None = None
            while finish := self._next_segment(job.store, len(segments) + (flushing is not None), frames, length):
                before, flushing = flushing, behind.submit(finish)  # it closes its file also where the one before fails
                if before is not None:
                    segments.append(before.result())
                if stop is not None and stop.is_set():
                    break
            if flushing is not None:
                segments.append(flushing.result())
            if stop is not None and stop.is_set() and segments and len(segments[-1].pts) == length:
                raise InterruptedRun(f"{output}: stopped after {done} frames; the same command goes on from there")

    def _missing_end(self, segments: Sequence[Segment]) -> Iterator[str]:
        """A sentence where the pictures end long before the time that the file tells."""
        picture = self.probe.picture
        told, (seconds, share) = picture.seconds, _LATE
        if told is None:
            told, (seconds, share) = self.probe.seconds, _LATE_BY_FILE
        if told is None or self.wishes.end is not None:
            return
        first, last = segments[0].pts[0], segments[-1].pts[-1] + segments[-1].last_duration
        made = self.wishes.start + float((last - first) * picture.time_base)
        if told - made > max(seconds, share * told):
            yield f"pictures end after {made:.1f} s, and the file says {told:.1f} s: it may have been cut off"

    def _next_segment(
        self, store: SegmentStore, index: int, frames: "Iterator[Enlarged]", length: int
    ) -> Callable[[], Segment] | None:
        """Encode the next run of frames; ``None`` where there are no more.

        What comes back takes from the encoder what it holds back and stores the run: the next one may begin meanwhile.
        """
        each = next(frames, None)
        if each is None:
            return None
        encoder = SegmentEncoder(self.plan, self.probe.picture, self._threads)
        times, computed = list[int](), 0
        with ExitStack() as unfinished:
            out = unfinished.enter_context(store.writing(index))
            for taken in chain((each,), islice(frames, length - 1)):
                each = taken
                for packet in encoder.add(each.made, pts=each.timed.pts, duration=each.timed.duration):
                    out.add(packet)
                times.append(each.timed.pts)
                computed += each.is_new
            kept = unfinished.pop_all()

        def finish(last: Timed = each.timed) -> Segment:
            with kept:
                for packet in encoder.finish():
                    out.add(packet)
                segment = Segment(
                    pts=tuple(times),
                    last_duration=last.duration,
                    last_digest=frame_digest(last.frame),
                    computed=computed,
                    extradata=encoder.extradata.hex(),
                )
                out.finish(segment)
            return segment

        return finish

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


def _damages(source: Frames) -> list[str]:
    return [f"{source.damaged} damaged packets were passed over"] * bool(source.damaged)


def chosen_networks(networks: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Upscaler` by which all frames get the same network, whatever is in them."""
    chosen = dict(networks)
    if chosen.get("fast"):
        chosen["clean"] = not chosen.get("real")
    elif not any(chosen.get(name) for name in ("model", "clean", "real")):
        chosen["model"] = DEFAULT_MODEL
    return chosen
