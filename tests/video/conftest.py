"""Films that were made larger, looked at as a player would."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest

from upres.pipeline.sizes import SizeRequest
from upres.video.plan import Wishes
from upres.video.probe import is_cover
from upres.video.run import VideoRun
from upres.video.views import plane_views


class Shown(NamedTuple):
    """What is decoded of a film."""

    times: list[Fraction]
    frames: list[list[np.ndarray]]


def shown(path: Path) -> Shown:
    """All frames of a film with their times in seconds."""
    times, frames = [], []
    with av.open(str(path)) as container:
        stream = next(each for each in container.streams.video if not is_cover(each))
        for frame in container.decode(stream):
            times.append(frame.pts * frame.time_base)
            frames.append([view.copy() for view in plane_views(frame)])
    return Shown(times, frames)


def packets(path: Path, kind: str) -> list[tuple[int, bytes]]:
    """Times and bytes of the packets of the streams of a kind; milliseconds, for containers differ in their clocks."""
    with av.open(str(path)) as container:
        streams = [each for each in container.streams if each.type == kind and not is_cover(each)]
        found = [
            (packet.stream.index, round(packet.pts * packet.time_base * 1000), bytes(packet))
            for packet in (container.demux(streams) if streams else ())
            if packet.size and packet.pts is not None
        ]
    return [(time, data) for _, time, data in sorted(found, key=lambda each: each[:2])]


@pytest.fixture
def enlarge(tmp_path):
    """Makes a film larger by whatever is asked for; gives run, report and output."""

    def make(source: Path, *, suffix=None, scale=2, model="esr_tm", **wishes):
        named = None if suffix is None else Path(f"x{suffix}")
        networks = {"model": model, "threads": 1}
        run = VideoRun(source, Wishes(request=SizeRequest(scale=scale), **wishes), networks, output=named)
        output = tmp_path / f"{source.stem}_made{suffix or run.suffix}"
        return run, run.make(output), output

    return make
