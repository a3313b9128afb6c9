"""``python -m benchmarks.encoder_alone``: the encoder of ``upres video`` alone, on frames that are large already.

Frames are decoded and made larger first, all of them, and lie in memory. What is timed is the same `SegmentEncoder`,
opened with the same settings and threads for the same segments, one after the other; the file is joined of its packets
afterwards, so that it can be compared with that of a whole run.
"""

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from upres.machine.allocator import keep_freed_memory
from upres.machine.cores import available_cores
from upres.pipeline.sizes import SizeRequest
from upres.video.encode import SegmentEncoder
from upres.video.plan import Wishes, segment_frames
from upres.video.run import Enlarged, VideoRun
from upres.video.segments import Segment, SegmentStore, StoredPacket
from upres.video.source import frame_digest


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A segment that the encoder has made."""

    frames: Sequence[Enlarged]
    packets: Sequence[StoredPacket]
    extradata: bytes


def encode(run: VideoRun, frames: Sequence[Enlarged]) -> Encoded:
    """Encode frames that are large already, by an encoder of their own."""
    encoder = SegmentEncoder(run.plan, run.probe.picture, available_cores())
    packets = list[StoredPacket]()
    for each in frames:
        packets += encoder.add(each.made, pts=each.timed.pts, duration=each.timed.duration)
    packets += encoder.finish()
    return Encoded(frames=frames, packets=packets, extradata=encoder.extradata)


def join(run: VideoRun, done: Sequence[Encoded]) -> None:
    """Leave the packets where a run that was stopped leaves them, and let the run go on: it has only to join them.

    Raises:
        ValueError: If the run went on with frames of its own.
    """
    output = run.source.with_name("alone.mkv")
    store = SegmentStore(output, run.identity())
    store.open(anew=True)
    for index, each in enumerate(done):
        times = tuple(frame.timed.pts for frame in each.frames)
        last = each.frames[-1].timed
        segment = Segment(
            pts=times,
            last_duration=last.duration,
            last_digest=frame_digest(last.frame),
            computed=len(times),
            extradata=each.extradata.hex(),
        )
        with store.writing(index) as out:
            for packet in each.packets:
                out.add(packet)
            out.finish(segment)
    store.close()
    report = run.make(output)
    if report.resumed != sum(len(each.frames) for each in done):
        raise ValueError(f"expected {report.resumed} frames encoded alone, the run has made {report.frames}")


def main() -> None:
    """Seconds and CPU seconds, as JSON; ``alone.mkv`` lies beside the source then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--codec", default="auto")
    parser.add_argument("--preset")
    args = parser.parse_args()
    keep_freed_memory()
    wishes = Wishes(request=SizeRequest(scale=2), codec=args.codec, preset=args.preset)
    run = VideoRun(args.source, wishes, {}, output=args.source.with_name("alone.mkv"))
    _, ahead = run.frames()
    with closing(ahead):
        frames = list(ahead)
    length = segment_frames(run.probe.picture.frame_rate, slow=False)
    began, began_cpu = time.perf_counter(), time.process_time()
    done = [encode(run, part) for part in batched(frames, length)]
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    join(run, done)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}))


def batched(frames: Sequence[Enlarged], length: int) -> list[Sequence[Enlarged]]:
    """The frames of each segment."""
    return [frames[start : start + length] for start in range(0, len(frames), length)]


if __name__ == "__main__":
    main()
