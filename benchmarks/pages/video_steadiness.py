"""Flicker: what still regions of a film change from one frame to the next, before and after enlargement.

Once beside the film that is made larger, once beside the truth: the film is halved first and made as large again.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

if TYPE_CHECKING:
    from upres.video.source import Timed

FAMILIES: Sequence[str] = ("bicubic", "esr_max", "esr_tm", "esr_tr", "esr_cnn", "espcn_d22s32", "fsrcnn", "rlfn_c32b6")
"""One network of each family that ships, at x2."""
FRAMES = 30
STILL_BELOW = 1.0
"""Levels of mean absolute change; compression and noise change less, what moves changes more."""
_WINDOW = 9
_SCALE = 2
_CHANGING = 0.1
"""Part of the pixels that change by a level from one frame to the next."""

Luma = NDArray[np.float32]


def measure_steadiness(film: Path, models: Sequence[str]) -> dict[str, Any]:
    """The flicker of the film and of what each network makes of it, and of the film halved."""
    sources = [_luma(each.frame) for each in _first(film)]
    masks = still_masks(sources)
    with tempfile.TemporaryDirectory() as name:
        half = Path(name, "half.mkv")
        write_half(film, half)
        rows = [
            {
                "model": model,
                "flicker": flicker(_made(film, model), masks, scale=_SCALE),
                "steady_flicker": flicker(_made(film, model, steady=True), masks, scale=_SCALE),
                **_of_half(half, model, sources, masks),
            }
            for model in models
        ]
    return {
        "film": film.name,
        "frames": FRAMES,
        "still_below": STILL_BELOW,
        "share": float(np.mean(masks)),
        "source": flicker(sources, masks),
        "rows": rows,
    }


def _of_half(half: Path, model: str, sources: Sequence[Luma], masks: Sequence[NDArray[np.bool_]]) -> dict[str, float]:
    """Flicker of the half made as large as the film, and how much nearer to the film ``--steady`` brings it, in dB."""
    from upres.metrics.psnr import psnr

    plain, steady = (list(_made(half, model, steady=each)) for each in (False, True))
    near, nearer = (
        np.mean([psnr(one, other, data_range=255) for one, other in zip(frames, sources, strict=True)])
        for frames in (plain, steady)
    )
    return {
        "flicker_of_half": flicker(plain, masks),
        "steady_flicker_of_half": flicker(steady, masks),
        "steady_psnr_gain": float(nearer - near),
    }


def measure_cost(repeats: int) -> list[dict[str, Any]]:
    """What steadying takes beside eSR-TM, 1080p to 4K on one thread, where all stands still and where all moves.

    CPU milliseconds of each, in turn, medians; the machine's load of the last minute beside them.
    """
    from upres.engines.native import ENGINE
    from upres.engines.native_steady import steady_plane
    from upres.models.catalog import find

    random = np.random.default_rng(0)
    before = random.integers(16, 236, (1080, 1920), np.uint8)
    after = before + (random.random(before.shape) < _CHANGING)
    session = ENGINE.open(find("esr_tm_x2"), threads=1).planes
    assert session is not None
    made_before, made = session.run_plane(before), session.run_plane(after)
    works: dict[str, Callable[[], Any]] = {
        "network_ms": lambda: session.run_plane(after, made),
        "steady_ms": lambda: steady_plane(before, after, made_before, made, white=255, threads=1),
        "moving_ms": lambda: steady_plane(before[::-1], after, made_before, made, white=255, threads=1),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            began = time.thread_time()
            work()
            times[name].append(1000 * (time.thread_time() - began))
    load = os.getloadavg()[0]
    return [{"repeats": repeats, "load": load, **{name: float(np.median(each)) for name, each in times.items()}}]


def write_half(film: Path, target: Path) -> None:
    """Write the film's first frames at half their size, without loss: each sample is the mean of four."""
    import av

    from upres.video.views import plane_views

    frames = [each.frame for each in _first(film)]
    width, height, kind = frames[0].width // 2, frames[0].height // 2, frames[0].format.name
    with av.open(str(target), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=25, width=width, height=height, pix_fmt=kind)
        for index, frame in enumerate(frames):
            small = av.VideoFrame(width, height, kind)
            for plane, out in zip(plane_views(frame), plane_views(small), strict=True):
                out[:] = halved(plane)
            small.pts = index
            container.mux(stream.encode(small))
        container.mux(stream.encode(None))


def halved(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Half as high and wide, ``(H, W)`` of even sides: means of 2x2, rounded half up."""
    height, width = plane.shape
    blocks = plane.reshape(height // 2, 2, width // 2, 2).astype(np.uint16)
    means: NDArray[np.uint8] = ((blocks.sum((1, 3)) + 2) // 4).astype(np.uint8)
    return means


def still_masks(frames: Sequence[Luma]) -> list[NDArray[np.bool_]]:
    """For each frame but the first, ``(H, W)``: where it changed little around."""
    return [_around(np.abs(after - before)) < STILL_BELOW for before, after in pairwise(frames)]


def _around(plane: Luma) -> Luma:
    """The mean of each pixel's neighbourhood."""
    for axis in (0, 1):
        ends = [(_WINDOW // 2, _WINDOW // 2) if each == axis else (0, 0) for each in (0, 1)]
        plane = sliding_window_view(np.pad(plane, ends, mode="edge"), _WINDOW, axis).mean(-1)
    return plane


def flicker(frames: Iterable[Luma], masks: Sequence[NDArray[np.bool_]], *, scale: int = 1) -> float:
    """Root mean square of the change of luma in still regions, in levels.

    Args:
        frames: ``(H * scale, W * scale)`` each.
        masks: Of `still_masks` of the source.
        scale: How many times larger the frames are than the source.
    """
    squares, count, before = 0.0, 0, None
    for index, frame in enumerate(frames):
        if before is not None:
            mask = masks[index - 1].repeat(scale, 0).repeat(scale, 1)
            squares += float(np.square((frame - before)[mask], dtype=np.float64).sum())
            count += int(mask.sum())
        before = frame
    return float(np.sqrt(squares / count))


def _first(film: Path) -> "Iterator[Timed]":
    """The film's first frames."""
    from upres.video.source import Frames

    return islice(Frames(film).after(None), FRAMES)


def _made(film: Path, model: str, *, steady: bool = False) -> Iterator[Luma]:
    """Luma of what a network makes of them."""
    from upres.pipeline.sizes import SizeRequest
    from upres.video.plan import Wishes
    from upres.video.run import VideoRun

    run = VideoRun(film, Wishes(request=SizeRequest(scale=_SCALE), steady=steady), {"model": model})
    _, ahead = run.frames()
    with closing(ahead):
        yield from (_luma(each.made) for each in islice(ahead, FRAMES))


def _luma(frame: Any) -> Luma:
    from upres.video.views import plane_views

    return plane_views(frame)[0].astype(np.float32)
