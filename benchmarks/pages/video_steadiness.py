"""Flicker: what still regions of a film change from one frame to the next, before and after enlargement."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FAMILIES: Sequence[str] = ("bicubic", "esr_max", "esr_tm", "esr_tr", "esr_cnn", "espcn_d22s32", "fsrcnn", "rlfn_c32b6")
"""One network of each family that ships, at x2."""
FRAMES = 30
STILL_BELOW = 1.0
"""Levels of mean absolute change; compression and noise change less, what moves changes more."""
_WINDOW = 9
_SCALE = 2

Luma = NDArray[np.float32]


def measure_steadiness(film: Path, models: Sequence[str]) -> dict[str, Any]:
    """The flicker of the film and of what each network makes of it."""
    sources = [luma for luma, _ in _lumas(film, "bicubic")]
    masks = still_masks(sources)
    rows = [
        {"model": model, "flicker": flicker((made for _, made in _lumas(film, model)), masks, scale=_SCALE)}
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


def _lumas(film: Path, model: str) -> Iterator[tuple[Luma, Luma]]:
    """Luma of the source's first frames and of what the network makes of them."""
    from upres.pipeline.sizes import SizeRequest
    from upres.video.plan import Wishes
    from upres.video.run import VideoRun
    from upres.video.views import plane_views

    run = VideoRun(film, Wishes(request=SizeRequest(scale=_SCALE)), {"model": model})
    _, ahead = run.frames()
    with closing(ahead):
        for _, each in zip(range(FRAMES), ahead, strict=False):
            source, made = (plane_views(frame)[0].astype(np.float32) for frame in (each.timed.frame, each.made))
            yield source, made
