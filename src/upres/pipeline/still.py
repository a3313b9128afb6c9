"""One picture through the steps of its plan."""

from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from upres.image.alpha import bleed
from upres.image.picture import Frame, Pixels
from upres.image.samples import Planes, Samples
from upres.image.wishes import AlphaMode
from upres.pipeline.budget import (
    WIDE_PIXELS,
    WIDE_WORKING_BYTES,
    Budget,
    Division,
    divide,
)
from upres.pipeline.mixed import Mixed
from upres.pipeline.plan import Plan
from upres.pipeline.render import Chain, Progress, render
from upres.pipeline.rolling import LOW_SLAB_ROWS, SLAB_ROWS, WINDOW_ROWS, from_the_top_down, goes_down
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.stages import Resized, Stage, Stored
from upres.pipeline.wrap import Wrap, wrapped


def make_frame(
    frame: Frame,
    plan: Plan,
    *,
    sessions: Sessions,
    settings: Settings,
    budget: Budget,
    wrap: Wrap | None = None,
    alpha: AlphaMode = "bleed",
    progress: Progress | None = None,
) -> Frame:
    """The frame through the networks of a plan; alpha goes through bicubic interpolation.

    A picture whose channels are equal keeps them so: it goes through as a grey one. A frame for which nothing is to be
    done comes back as it is, with what lies under transparent pixels.

    Args:
        frame: The picture.
        plan: What to do.
        sessions: Where networks are opened and kept.
        settings: How networks are run.
        budget: Memory and cores.
        wrap: Sides at which the picture goes on with its other end.
        alpha: What becomes of colour under transparent pixels.
        progress: Called with the fraction done.

    Raises:
        EngineError: If no engine runs one of the networks.
    """
    if wrap is not None:
        frame, plan, inside = wrapped(frame, plan, wrap)
        made = make_frame(
            frame, plan, sessions=sessions, settings=settings, budget=budget, alpha=alpha, progress=progress
        )
        opacity = None if made.alpha is None else np.ascontiguousarray(made.alpha[inside])
        return replace(made, pixels=np.ascontiguousarray(made.pixels[inside]), alpha=opacity)

    def made_of(pixels: Pixels, plan: Plan, progress: Progress | None) -> Pixels:
        samples = Samples.of(pixels)
        (result,) = make_planes(
            (pixels,), samples, plan, sessions=sessions, settings=settings, budget=budget, progress=progress
        )
        return result

    if not plan.steps and plan.size == frame.pixels.shape[:2]:
        return replace(frame, pixels=frame.pixels.copy(), alpha=None if frame.alpha is None else frame.alpha.copy())

    def in_color(pixels: Pixels) -> Pixels:
        if not _is_grey(pixels):
            return made_of(pixels, plan, progress)
        return np.repeat(made_of(np.ascontiguousarray(pixels[..., 0]), plan, progress)[..., None], 3, axis=2)

    if frame.alpha is None:
        return replace(frame, pixels=in_color(frame.pixels))
    color = in_color(frame.pixels if alpha == "separate" else bleed(frame.pixels, frame.alpha))
    return replace(frame, pixels=color, alpha=made_of(frame.alpha, replace(plan, steps=(), robust=None), None))


def _is_grey(pixels: Pixels) -> bool:
    """Whether it is an RGB picture of which all channels are equal; looks at a few rows first."""
    if pixels.ndim == 2:
        return False
    return all(
        np.array_equal(rows[..., 0], rows[..., channel])
        for rows in (pixels[:: max(1, len(pixels) // 8)], pixels)
        for channel in (1, 2)
    )


def make_planes(
    planes: Planes,
    samples: Samples,
    plan: Plan,
    *,
    sessions: Sessions,
    settings: Settings,
    budget: Budget,
    progress: Progress | None = None,
) -> Planes:
    """Planes of any format through the networks of a plan, rounded once.

    Args:
        planes: As ``samples`` says: 8 to 16 bits; grey, RGB, or YUV with chroma of any size and place.
        samples: Their format, and the result's.
        plan: What to do.
        sessions: Where networks are opened and kept.
        settings: How networks are run.
        budget: Memory and cores.
        progress: Called with the fraction done.

    Raises:
        EngineError: If no engine runs one of the networks.
        ValueError: If an RGB network is to work on YUV planes.
    """
    chain = _chain(planes, samples, plan, sessions, settings)
    out = samples.empty(plan.size)
    chain, division = _divided(chain, budget, plan)
    together = max([1, *(sessions.get(model, settings).best_batch for model in plan.models)])
    render(
        chain,
        out,
        samples,
        rows=division.rows,
        columns=division.columns,
        workers=division.workers,
        together=together,
        progress=progress,
    )
    return out


def _divided(chain: Chain, budget: Budget, plan: Plan) -> tuple[Chain, Division]:
    """How the picture is cut up, and the chain, of which networks go from the top down where it has several windows."""
    local = all(model.card.halo is not None for model in plan.models)
    cut = partial(divide, color_mode=plan.color_mode, step=4 * plan.scale, local=local)
    division = cut(chain, budget)
    whole = (division.rows, division.columns) == chain.size
    if whole and (local or chain.working_bytes(chain.size) <= WIDE_WORKING_BYTES):
        return chain, division
    ways = [(budget, SLAB_ROWS if local else LOW_SLAB_ROWS)]
    if budget.working_bytes is None and prod(chain.source.size) >= WIDE_PIXELS:
        ways.append((replace(budget, working_bytes=WIDE_WORKING_BYTES), LOW_SLAB_ROWS))
    for each, heights in ways:
        down = from_the_top_down(chain, each.available(local=local), heights=heights)
        if down is not chain:
            division = cut(down, each)
            if all(map(goes_down, down.stages)):  # higher windows only hold more
                division = division._replace(rows=min(division.rows, WINDOW_ROWS * plan.scale))
            return down, division
    return chain, division


def _chain(planes: Planes, samples: Samples, plan: Plan, sessions: Sessions, settings: Settings) -> Chain:
    several = len(plan.steps) > 1 or plan.robust is not None or (bool(plan.steps) and not plan.exact)
    source = Stored(planes, samples, widen=several)
    size, stages = source.size, list[Stage]()
    robust = plan.robust
    for step in plan.steps:
        stage = step.stage(size, source.samples, sessions=sessions, settings=settings)
        if robust is not None and robust.scale == step.scale:
            other = robust.stage(size, source.samples, sessions=sessions, settings=settings)
            stage, robust = Mixed(stage, other, share=plan.strength), None
        stages.append(stage)
        size = stage.size
    if size != plan.size:
        stages.append(Resized(size, source.samples, plan.size))
    return Chain(source, *stages)
