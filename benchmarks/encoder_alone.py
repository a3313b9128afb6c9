"""``python -m benchmarks.encoder_alone``: the encoder of ``upres video`` alone, on frames that are large already.

Frames are decoded and made larger first, all of them, and lie in memory. What is timed is the same `SegmentEncoder`,
opened with the same settings and threads; the file is joined of its packets afterwards, so that it can be compared with
that of a whole run.
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
from upres.video.plan import Wishes
from upres.video.run import Enlarged, VideoRun
from upres.video.segments import Segment, SegmentStore, StoredPacket


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """What the encoder has made."""

    seconds: float
    """From its opening to its last packet."""
    cpu_seconds: float
    packets: Sequence[StoredPacket]
    extradata: bytes


def encode(run: VideoRun, frames: Sequence[Enlarged]) -> Encoded:
    """Encode frames that are large already."""
    began, began_cpu = time.perf_counter(), time.process_time()
    encoder = SegmentEncoder(run.plan, run.probe.picture, available_cores())
    packets = list[StoredPacket]()
    for each in frames:
        packets += encoder.add(each.made, pts=each.timed.pts, duration=each.timed.duration)
    packets += encoder.finish()
    return Encoded(
        seconds=time.perf_counter() - began,
        cpu_seconds=time.process_time() - began_cpu,
        packets=packets,
        extradata=encoder.extradata,
    )


def join(run: VideoRun, frames: Sequence[Enlarged], done: Encoded) -> None:
    """Leave the packets where a run that was stopped leaves them, and let the run go on: it has only to join them.

    Raises:
        ValueError: If the run went on with frames of its own.
    """
    output = run.source.with_name("alone.mkv")
    store = SegmentStore(output, run.identity())
    store.open(anew=True)
    times = tuple(each.timed.pts for each in frames)
    segment = Segment(
        pts=times,
        last_duration=frames[-1].timed.duration,
        last_digest="",
        computed=len(times),
        extradata=done.extradata.hex(),
    )
    with store.writing(0) as out:
        for packet in done.packets:
            out.add(packet)
        out.finish(segment)
    store.close()
    report = run.make(output)
    if report.resumed != len(frames):
        raise ValueError(f"expected {len(frames)} frames encoded alone, the run has made {report.frames}")


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
    done = encode(run, frames)
    join(run, frames, done)
    print(json.dumps({"seconds": done.seconds, "cpu_seconds": done.cpu_seconds}))


if __name__ == "__main__":
    main()
