"""One frame made larger: planes through the kernels where they lie, or through the pipeline."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
from av.video.frame import VideoFrame

from upres.engines.engine import PlaneSession
from upres.engines.native import resize_plane
from upres.engines.native_priority import giving_way
from upres.image.convert import CHROMA_HALO
from upres.image.picture import Frame, Picture
from upres.image.samples import Plane, Planes, Samples
from upres.machine.cores import available_cores
from upres.pipeline.budget import Budget
from upres.pipeline.plan import Plan
from upres.pipeline.stages import MAX_MARGIN
from upres.pipeline.still import make_planes
from upres.pipeline.windows import reflect
from upres.upscaler import Upscaler
from upres.video.colors import YuvCoding
from upres.video.plan import VideoPlan
from upres.video.steady import Steadier
from upres.video.views import plane_views

_SHIFTS = {"p010le": 6, "p210le": 6, "p410le": 6, "p012le": 4}
"""Semi-planar formats whose samples have their bits on top -> empty bits below."""


class Enlarger:
    """Makes frames of one video larger; repeated frames are computed once.

    Args:
        video: How the video is made.
        upscaler: Makes pictures of the video's size as large as ``video.size``.
        size: Height and width of the source.
    """

    def __init__(self, video: VideoPlan, upscaler: Upscaler, size: tuple[int, int]) -> None:
        self._video, self._upscaler, self._size = video, upscaler, size
        self._plan = upscaler.plan(size)
        self._samples = video.source.samples(siting=video.siting, studio=video.studio)
        self._fused = None if video.source.is_rgb else self._fused_luma(upscaler.settings.threads)
        self._steadier = self._steadied(upscaler.settings.threads) if video.steady else None
        self._last: tuple[VideoFrame, VideoFrame] | None = None
        self.computed = 0
        """Frames that were computed, so far."""

    @property
    def is_slow(self) -> bool:
        """Whether a frame takes the network long."""
        return self._plan.color_mode == "rgb"

    @property
    def network(self) -> str:
        """Names of the networks."""
        return self._plan.model_name

    def leave_cores(self, threads: int) -> None:
        """Let the kernels that take planes as they lie run on so few threads: an encoder works beside them.

        Other networks are what takes the time, so they keep all cores.
        """
        if self._fused is not None:
            self._fused = self._fused_luma(threads)
            if self._steadier is not None:
                self._steadier.threads = threads

    def begin(self) -> None:
        """Make the next frame as if it were the first: a resumed run has nothing else to start from."""
        if self._steadier is not None:
            self._steadier.forget()
            self._last = None  # what it was made to depends on the frames before it

    def __call__(self, frame: VideoFrame, *, hurried: bool = True) -> VideoFrame:
        """The frame made larger, in the planar format of the source's samples; the same object for a repeated frame.

        Args:
            frame: Of the source.
            hurried: Whether somebody waits for it; kernels that take planes as they lie give way to others if not.
        """
        if self._last is not None and _same(self._last[0], frame):
            return self._last[1]
        self.computed += 1
        with nullcontext() if hurried or self._fused is None else giving_way():
            made = self._from_rgb(frame) if self._video.source.is_rgb else self._from_planes(frame)
        self._last = frame, made
        return made

    def _fused_luma(self, threads: int | None) -> "FusedLuma | None":
        """The kernels that take planes as they lie; ``None`` where the plan is no single step of such a network."""
        plan = self._plan
        if len(plan.steps) != 1 or not plan.exact or plan.robust is not None or len(plan.models) != 1:
            return None
        model = plan.models[0]
        session = self._upscaler.sessions.get(model, replace(self._upscaler.settings, threads=threads))
        if session.planes is None or model.card.color_mode != "luma" or model.card.scale == 1:
            return None
        scale, halo = model.card.scale, model.card.halo or 0
        return FusedLuma(session.planes, self._size, self._samples, scale=scale, halo=halo, threads=threads)

    def _steadied(self, threads: int | None) -> Steadier:
        source = self._video.source
        if source.is_rgb:
            return Steadier(white=65535 if source.bits > 8 else 255, channels=3 + source.alpha, threads=threads)
        return Steadier(white=self._samples.white, threads=threads)

    def _from_planes(self, frame: VideoFrame) -> VideoFrame:
        source = self._video.source
        height, width = self._video.size
        made = VideoFrame(width, height, source.planar)
        outs = plane_views(made)
        planes = separate_planes(frame)
        alpha = planes.pop() if source.alpha else None
        if self._fused is not None:
            self._fused.enlarge(tuple(planes), outs)
        else:
            results = self._piped(tuple(np.ascontiguousarray(plane) for plane in planes))
            for result, out in zip(results, outs, strict=False):
                out[:] = result
        if self._steadier is not None:
            self._steadier(planes[0], outs[0])
        if alpha is not None:
            outs[-1][:] = self._alpha(alpha)
        return made

    def _piped(self, planes: Planes) -> Planes:
        if self._plan.color_mode == "luma":
            return self._made(planes, self._samples, self._plan)
        coding = YuvCoding(samples=self._samples, matrix=self._video.colors.matrix)
        picture = Picture(frames=(Frame(pixels=coding.to_rgb(planes)),))
        choice = self._upscaler.choose(picture)
        return coding.from_rgb(self._upscaler.upscale_picture(picture, choice=choice).pixels)

    def _alpha(self, alpha: Plane) -> Plane:
        samples = replace(self._samples, layout="grey", studio=False, siting="centre")
        (made,) = self._made((np.ascontiguousarray(alpha),), samples, replace(self._plan, steps=(), robust=None))
        return made

    def _made(self, planes: Planes, samples: Samples, plan: Plan) -> Planes:
        settings = self._upscaler.settings
        budget = Budget(cores=settings.threads or available_cores())
        return make_planes(planes, samples, plan, sessions=self._upscaler.sessions, settings=settings, budget=budget)

    def _from_rgb(self, frame: VideoFrame) -> VideoFrame:
        source = self._video.source
        name = ("rgba64le" if source.alpha else "rgb48le") if source.bits > 8 else ("rgba" if source.alpha else "rgb24")
        pixels = frame.to_ndarray(format=name)
        made = self._upscaler.upscale_picture(Picture(frames=(Frame.of(pixels),))).frames[0].channels()
        result = VideoFrame.from_ndarray(np.ascontiguousarray(made), format=name)
        if self._steadier is not None:
            self._steadier(pixels.reshape(len(pixels), -1), plane_views(result)[0])
        return result


class FusedLuma:
    """Luma through the fused kernels, chroma through theirs; buffers are kept from frame to frame.

    The network sees the plane reflected beyond its edges, as all networks do.

    Args:
        session: The network.
        size: Height and width of the source.
        samples: Of the source.
        scale: Of the network.
        halo: Of the network.
        threads: Of the kernels for chroma; ``None``: all.
    """

    def __init__(
        self,
        session: PlaneSession,
        size: tuple[int, int],
        samples: Samples,
        *,
        scale: int,
        halo: int,
        threads: int | None = None,
    ) -> None:
        self._session, self._samples, self._scale, self._size = session, samples, scale, size
        self._threads = threads
        self._margin = margin = min(max(halo, CHROMA_HALO), MAX_MARGIN)
        self._seen = np.empty((size[0] + 2 * margin, size[1] + 2 * margin), samples.dtype)
        self._made = np.empty(np.multiply(self._seen.shape, scale), samples.dtype)
        self._rows, self._columns = (reflect(range(-margin, side + margin), side) + margin for side in size)

    def enlarge(self, planes: Planes, outs: list[Plane]) -> None:
        """Write each plane's larger version into the plane of ``outs`` at its place."""
        self._luma(planes[0], outs[0])
        left, top = self._samples.siting != "centre", self._samples.siting == "topleft"
        down, right = self._samples.subsampling
        for plane, out in zip(planes[1:], outs[1:], strict=False):
            self._chroma(plane, out, left=left and right == 2, top=top and down == 2)

    def _luma(self, plane: Plane, out: Plane) -> None:
        (height, width), margin, scale = self._size, self._margin, self._scale
        seen = self._seen
        seen[margin:-margin, margin:-margin] = plane
        inner = slice(margin, margin + height)
        seen[inner, :margin] = seen[inner, self._columns[:margin]]
        seen[inner, -margin:] = seen[inner, self._columns[-margin:]]
        seen[:margin] = seen[self._rows[:margin]]
        seen[-margin:] = seen[self._rows[-margin:]]
        self._session.run_plane(seen, self._made, peak=self._samples.white)
        edge = margin * scale
        out[:] = self._made[edge : edge + height * scale, edge : edge + width * scale]

    def _chroma(self, plane: Plane, out: Plane, *, left: bool, top: bool) -> None:
        white, threads = self._samples.white, self._threads
        whole = (plane.shape[0] * self._scale, plane.shape[1] * self._scale)
        if whole == out.shape:
            resize_plane(plane, self._scale, out, left_sited=left, top_sited=top, peak=white, threads=threads)
            return
        made = resize_plane(plane, self._scale, left_sited=left, top_sited=top, peak=white, threads=threads)
        out[:] = made[: out.shape[0], : out.shape[1]]  # chroma of odd sides reaches beyond them


def separate_planes(frame: VideoFrame) -> list[Plane]:
    """Luma, both chroma planes and alpha, as far as there are any, with their bits at the bottom.

    Planes that lie apart in memory are views of the frame; NV12 and P010 are copied apart.
    """
    views = plane_views(frame)
    shift = _SHIFTS.get(frame.format.name, 0)
    if len(views) == 2 and frame.format.name.startswith(("nv", "p")):
        views = [views[0], *(np.ascontiguousarray(views[1][:, start::2]) for start in (0, 1))]
    return [view >> shift for view in views] if shift else views


def _same(one: VideoFrame, other: VideoFrame) -> bool:
    """Whether two frames show the same samples."""
    return all(np.array_equal(a, b) for a, b in zip(plane_views(one), plane_views(other), strict=True))
