"""One frame of a film before and after, as pictures: to look at before the wait."""

from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from upres.errors import VideoError
from upres.image.io import Frame, Picture, write
from upres.image.samples import Plane
from upres.machine.atomic import made_folder
from upres.video.colors import YuvCoding
from upres.video.plan import VideoPlan
from upres.video.planes import separate_planes
from upres.video.run import VideoRun
from upres.video.source import Frames


def write_preview(run: VideoRun, seconds: float, folder: Path | None = None) -> tuple[Path, Path]:
    """Write the frame shown at that time and its larger version as PNG; both paths.

    Args:
        run: What would be made.
        seconds: From the film's beginning.
        folder: Where the pictures go, made if it is not there; ``None``: beside the film.

    Raises:
        VideoError: If the film has no frame there, or the folder has the name of a picture.
        OutputError: If the folder cannot be made.
        ImageError: If a picture cannot be written.
    """
    if folder is not None and not folder.is_dir() and folder.suffix:
        raise VideoError(f"{folder}: expected a folder, because a preview is two pictures")
    frames = Frames(run.source, deinterlace=run.wishes.deinterlace, start=seconds).after(None)
    found = next(frames, None)
    if found is None:
        raise VideoError(f"{run.source}: no frame at {seconds:g} s or later; the film ends before")
    beside = run.source if folder is None else folder / run.source.name
    names = [beside.with_name(f"{beside.stem}_{seconds:g}s{mark}.png") for mark in ("", f"_x{_growth(run):.3g}")]
    with made_folder(beside.parent):
        for path, frame in zip(names, (found.frame, run.enlarger(found.frame)), strict=True):
            write(Picture(frames=(Frame(pixels=_colors(frame, run.plan)),)), path)
    return names[0], names[1]


def _growth(run: VideoRun) -> float:
    return run.plan.size[1] / run.probe.picture.width


def _colors(frame: VideoFrame, plan: VideoPlan) -> Plane:
    """RGB or grey pixels; HDR curves stay as they are coded."""
    if plan.source.is_rgb:
        return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
    coding = YuvCoding(samples=plan.source.samples(siting=plan.siting, studio=plan.studio), matrix=plan.colors.matrix)
    pixels = coding.to_rgb(tuple(np.ascontiguousarray(each) for each in separate_planes(frame)))
    if plan.source.bits > 8:
        return pixels
    levels: Plane = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return levels
