"""One picture through the steps of its plan."""

from dataclasses import replace

from upres.image.alpha import bleed
from upres.image.picture import Frame, Pixels
from upres.image.samples import Planes, Samples
from upres.models.catalog import Model
from upres.pipeline.budget import Budget, divide, network_bytes_per_pixel
from upres.pipeline.plan import Plan
from upres.pipeline.render import Chain, Progress, render
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.stages import Blended, Enlarged, Resized, Stage, Stored

CONTEXT = 24
"""Low-resolution rows around a window for networks that are not local."""
FADE = 24
"""Low-resolution rows over which their strips fade into each other."""


def make_frame(
    frame: Frame,
    plan: Plan,
    *,
    sessions: Sessions,
    settings: Settings,
    budget: Budget,
    progress: Progress | None = None,
) -> Frame:
    """The frame through the networks of a plan; alpha goes through bicubic interpolation.

    Raises:
        EngineError: If no engine runs one of the networks.
    """

    def made(pixels: Pixels, plan: Plan, progress: Progress | None) -> Pixels:
        samples = Samples.of(pixels)
        (result,) = make_planes(
            (pixels,), samples, plan, sessions=sessions, settings=settings, budget=budget, progress=progress
        )
        return result

    if frame.alpha is None:
        return replace(frame, pixels=made(frame.pixels, plan, progress))
    colour = made(bleed(frame.pixels, frame.alpha), plan, progress)
    return replace(frame, pixels=colour, alpha=made(frame.alpha, replace(plan, steps=()), None))


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
    division = divide(chain, budget, color_mode=plan.color_mode, step=4 * plan.scale)
    together = max([1, *(sessions.get(model, settings).best_batch for model in plan.steps)])
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


def _chain(planes: Planes, samples: Samples, plan: Plan, sessions: Sessions, settings: Settings) -> Chain:
    several = len(plan.steps) > 1 or (bool(plan.steps) and not plan.exact)
    source = Stored(planes, samples, widen=several)
    size, stages = source.size, list[Stage]()
    for model in plan.steps:
        stages.append(_network(model, size, source.samples, sessions, settings))
        size = stages[-1].size
    if size != plan.size:
        stages.append(Resized(size, source.samples, plan.size))
    return Chain(source, *stages)


def _network(model: Model, size: tuple[int, int], samples: Samples, sessions: Sessions, settings: Settings) -> Stage:
    card, session = model.card, sessions.get(model, settings)
    stage = Enlarged(
        size,
        samples,
        session,
        scale=card.scale,
        color_mode=card.color_mode,
        halo=CONTEXT if card.halo is None else card.halo,
        min_size=card.min_size,
        multiple_of=card.multiple_of,
        bytes_per_pixel=network_bytes_per_pixel(model.weights, session.facts.precision, session.facts.engine),
    )
    return stage if card.halo is not None else Blended(stage, fade=FADE * card.scale)
