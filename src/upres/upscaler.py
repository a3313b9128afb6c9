"""Pictures made larger: sizes, networks, bands of rows, alpha, frames.

>>> upscaler = Upscaler(scale=2)
>>> upscaler(np.zeros((4, 6, 3), np.uint8)).shape  # doctest: +SKIP
(8, 12, 3)
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import Any, overload

import numpy as np

from upres.engines.engine import Session
from upres.engines.select import open_session
from upres.errors import ImageTooLargeError, OutputExistsError, UpresError
from upres.image.alpha import bleed
from upres.image.io import DEFAULT_MAX_PIXELS, FORMATS, Frame, Picture, format_for, read, write
from upres.image.picture import Pixels
from upres.machine.memory import resident_bytes
from upres.models.card import read_weights
from upres.models.catalog import DEFAULTS, FAST, REAL, Model, find, find_all
from upres.pipeline.sessions import SharedSession
from upres.pipeline.sizes import Size, Target, native_factors
from upres.pipeline.stages import Blended, Enlarged, Resized, Stage, Stored, band_height, render

Progress = Callable[[float], None]
"""Called with the fraction of a picture that is done."""

BICUBIC = "bicubic"
"""Name of the model that is none: plain antialiased bicubic interpolation."""

DEFAULT_WORKING_BYTES = {"luma": 256 * 2**20, "rgb": 2**30}
"""Memory for bands where no limit is given: whole pictures of some megapixels for the networks that see far."""
LEAST_WORKING_BYTES = 48 * 2**20
"""Below this bands would be mostly halo; it is taken even where the limit leaves less."""
CONTEXT = 24
"""Low-resolution rows around a band for networks that are not local."""
FADE = 24
"""Low-resolution rows over which their bands fade into each other."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a picture of some size is made larger."""

    size: Size
    """Height and width of the result."""
    models: tuple[Model, ...]
    """Networks in the order they are applied; none where nothing grows."""
    exact: bool
    """True where the networks alone give the size; else one antialiased bicubic step follows."""

    @property
    def model_name(self) -> str:
        """The networks' names joined by ``+``, or ``bicubic``."""
        return "+".join(model.card.name for model in self.models) or BICUBIC


class Upscaler:
    """Makes pictures larger; opens its networks at first use and keeps them for the next picture.

    Args:
        scale: Output over input size; 2 where nothing else is asked for.
        width: Output width, see `Target`.
        height: Output height, see `Target`.
        fit: Width and height of a box, see `Target`.
        model: A shipped model (``esr_tm_x2``), a family of them (``esr_tm``), a ``.safetensors`` file, ``bicubic``,
            or ``None`` for the default of each native scale.
        fast: Take a small luma network for each native scale, several times as fast; not with ``model``.
        real: Take networks for photographs with noise, blur or JPEG blocks, and undo these; not with the other two.
        engine: ``auto`` or a name of `upres.engines.select.ENGINES`.
        precision: ``auto`` or arithmetic that the engine names: ``f32``, ``bf16``, ``int8``, ``int16``.
        threads: Processor threads; ``None``: all.
        max_memory: Bytes that the whole process shall stay under. Held by working in narrower bands of rows; the
            picture as read and as made are in memory as a whole in any case (docs/guide/upscale.md).

    Raises:
        UnknownModelError: If there is no such model.
        ValueError: If the size is asked for in two ways or is not positive, or more than one of ``model``, ``fast`` and
            ``real`` is given.
    """

    def __init__(
        self,
        scale: float | None = None,
        *,
        width: int | None = None,
        height: int | None = None,
        fit: tuple[int, int] | None = None,
        model: str | Path | None = None,
        fast: bool = False,
        real: bool = False,
        engine: str = "auto",
        precision: str = "auto",
        threads: int | None = None,
        max_memory: int | None = None,
    ) -> None:
        if scale is None and width is None and height is None and fit is None:
            scale = 2
        self.target = Target(scale=scale, width=width, height=height, fit=fit)
        self.engine = engine
        self.precision = precision
        self.threads = threads
        self.max_memory = max_memory
        if (model is not None) + fast + real > 1:
            raise ValueError("model, fast and real each choose the networks: give one of them")
        self._models = _models_by_factor(model, FAST if fast else DEFAULTS)
        self._first = _models_by_factor(None, REAL) if real else self._models
        self._model = "default" if model is None else "+".join(m.card.name for m in self._models.values()) or BICUBIC
        self._sessions: dict[Path, SharedSession] = {}
        self._opening = Lock()

    def __call__(self, pixels: Pixels, *, progress: Progress | None = None) -> Pixels:
        """The array made larger.

        Args:
            pixels: ``uint8`` or ``uint16``: grey ``(H, W)`` or ``(H, W, 1)``, grey and alpha ``(H, W, 2)``,
                RGB ``(H, W, 3)``, RGBA ``(H, W, 4)``.
            progress: Called with the fraction done.

        Returns:
            A new array of the same dtype and number of channels.

        Raises:
            TypeError: If it is not an array of those dtypes.
            ValueError: If it has another shape or no pixels.
            ImageTooLargeError: If the result would be over the pixel budget.
            EngineError: If no engine runs the model.
        """
        made = self._frame(_frame_of(pixels), progress)
        channels = [made.pixels if made.pixels.ndim == 3 else made.pixels[..., None]]
        if made.alpha is not None:
            channels.append(made.alpha[..., None])
        whole = channels[0] if len(channels) == 1 else np.concatenate(channels, axis=2)
        return whole if pixels.ndim == 3 else whole[..., 0]

    def upscale_picture(self, picture: Picture, *, progress: Progress | None = None) -> Picture:
        """The picture with every frame made larger, and its metadata.

        Raises:
            ImageTooLargeError: If a frame would be over the pixel budget.
            EngineError: If no engine runs the model.
        """
        frames = []
        for index, frame in enumerate(picture.frames):
            share = None if progress is None else _share(progress, index, len(picture.frames))
            frames.append(self._frame(frame, share))
        return replace(picture, frames=tuple(frames))

    def plan(self, size: Size) -> Plan:
        """How a picture of this height and width is made larger.

        Raises:
            ImageTooLargeError: If the result would be over the pixel budget.
        """
        target = self.target.size_of(*size)
        if target[0] * target[1] > DEFAULT_MAX_PIXELS:
            raise ImageTooLargeError(
                f"the output would have {target[1]}x{target[0]} pixels, over the budget of {DEFAULT_MAX_PIXELS};"
                " ask for a smaller size"
            )
        wanted = max(target[0] / size[0], target[1] / size[1])
        factors = native_factors(wanted, self._first) if self._first else ()
        reached = (size[0] * int(np.prod(factors)), size[1] * int(np.prod(factors)))
        return Plan(size=target, models=self._chain(factors), exact=reached == target)

    def session(self, model: Model) -> Session:
        """The model made ready; opened at the first call.

        Raises:
            EngineError: If no engine runs it.
        """
        with self._opening:
            if model.weights not in self._sessions:
                opened = open_session(model, engine=self.engine, threads=self.threads, precision=self.precision)
                self._sessions[model.weights] = SharedSession(opened)
            return self._sessions[model.weights]

    def prepare(self) -> None:
        """Begin to open the networks in the background, while the caller reads a picture.

        Only where the size asked for is a scale, which tells them; what fails will fail again, and be raised, when the
        picture is there.
        """
        if self._sessions or self.target.scale is None or not self._first:
            return

        def open_all(models: tuple[Model, ...]) -> None:
            with suppress(UpresError):
                for model in models:
                    self.session(model)

        models = self._chain(native_factors(self.target.scale, self._first))
        # no daemon: OpenVINO aborts a process that ends while it compiles
        Thread(target=open_all, args=(models,)).start()

    def engine_name(self, plan: Plan) -> str | None:
        """The engines that run a plan's networks, joined by ``+``; ``None`` for bicubic.

        Raises:
            EngineError: If no engine runs one of them.
        """
        return "+".join(dict.fromkeys(self.session(model).facts.engine for model in plan.models)) or None

    def model_identity(self) -> tuple[str, str]:
        """The model as it was asked for, and a digest of the weights it stands for: what outputs depend on."""
        content = hashlib.sha256()
        for models in (self._models, self._first) if self._first is not self._models else (self._models,):
            for _, model in sorted(models.items()):
                content.update(model.weights.read_bytes())
        return self._model, content.hexdigest()[:16]

    def _chain(self, factors: tuple[int, ...]) -> tuple[Model, ...]:
        return tuple((self._models if index else self._first)[factor] for index, factor in enumerate(factors))

    def _frame(self, frame: Frame, progress: Progress | None) -> Frame:
        plan = self.plan(frame.pixels.shape[:2])
        if frame.alpha is None:
            return replace(frame, pixels=self._enlarge(frame.pixels, plan, progress))
        colour = self._enlarge(bleed(frame.pixels, frame.alpha), plan, progress)
        return replace(frame, pixels=colour, alpha=self._enlarge(frame.alpha, replace(plan, models=()), None))

    def _enlarge(self, pixels: Pixels, plan: Plan, progress: Progress | None) -> Pixels:
        out = np.empty((*plan.size, *pixels.shape[2:]), pixels.dtype)
        stage = self._stage(pixels, plan)
        color_mode = "rgb" if any(model.card.color_mode == "rgb" for model in plan.models) else "luma"
        budget = DEFAULT_WORKING_BYTES[color_mode]
        if self.max_memory is not None:
            budget = max(LEAST_WORKING_BYTES, self.max_memory - resident_bytes() - out.nbytes)
        workers = max(1, min(self.threads or _cores(), budget // LEAST_WORKING_BYTES))
        if color_mode == "rgb":  # all of its time is the network's, which takes the cores by itself
            workers = 1
        step = int(np.prod([model.card.scale for model in plan.models])) * 4
        share = -(-plan.size[0] // (workers * step)) * step  # a band for every core
        rows = min(share, band_height(stage, budget // workers, step=step))
        render(stage, out, rows_per_band=rows, workers=workers, progress=progress)
        return out

    def _stage(self, pixels: Pixels, plan: Plan) -> Stage:
        stage: Stage = Stored(pixels, widen=len(plan.models) > 1 or (bool(plan.models) and not plan.exact))
        for model in plan.models:
            card, session = model.card, self.session(model)
            stage = Enlarged(
                stage,
                session,
                planes=session.planes,
                scale=card.scale,
                color_mode=card.color_mode,
                halo=CONTEXT if card.halo is None else card.halo,
                bytes_per_pixel=_bytes_per_pixel(model.weights, session.facts.precision),
            )
            if card.halo is None:
                stage = Blended(stage, fade=FADE * card.scale)
        return stage if stage.size == plan.size else Resized(stage, plan.size)


@overload
def upscale(source: Pixels, scale: float | None = None, **options: Any) -> Pixels: ...
@overload
def upscale(source: str | Path, scale: float | None = None, **options: Any) -> Path: ...
def upscale(
    source: Pixels | str | Path,
    scale: float | None = None,
    *,
    output: str | Path | None = None,
    format: str | None = None,  # noqa: A002
    quality: int | None = None,
    background: tuple[int, int, int] = (255, 255, 255),
    overwrite: bool = False,
    **options: Any,
) -> Pixels | Path:
    """A larger picture: an array for an array, a file for a file.

    Args:
        source: An array as `Upscaler` takes it, or the path of a picture file.
        scale: Output over input size; 2 where nothing else is asked for.
        output: File to write; ``None``: beside the source, ``photo_x2.jpg`` for ``photo.jpg``. For files only, as are
            the next four.
        format: ``jpeg``, ``png`` ...; ``None``: by the output's name.
        quality: 1 to 100, for formats that lose; ``None``: the format's default, 95 for JPEG.
        background: Colour behind transparent pixels where the format has no alpha.
        overwrite: Replace an output that exists.
        **options: ``width``, ``height``, ``fit``, ``model``, ``fast``, ``real``, ``engine``, ``precision``,
            ``threads`` and ``max_memory`` of `Upscaler`.

    Returns:
        A new array, or the path of the file written.

    Raises:
        ImageError: If the file cannot be read or written, or the result would be too large.
        OutputExistsError: If the output exists and ``overwrite`` is false.
        UnknownModelError: If there is no such model.
        EngineError: If no engine runs it.

    Example:
        >>> upscale(np.zeros((4, 6), np.uint8), 2, model="bicubic").shape
        (8, 12)
    """
    upscaler = Upscaler(scale, **options)
    if not isinstance(source, str | Path):
        return upscaler(source)
    path = output_beside(Path(source), upscaler.target, format) if output is None else Path(output)
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; overwrite=True replaces it")
    upscaler.prepare()
    picture = upscaler.upscale_picture(read(source))
    write(picture, path, format=format, quality=quality, background=background)
    return path


def output_beside(source: Path, target: Target, format: str | None = None) -> Path:  # noqa: A002
    """Where the result goes by default: ``photo_x2.jpg`` for ``photo.jpg``, with another suffix for another format.

    Raises:
        ImageWriteError: If there is no such format.
    """
    suffix = source.suffix
    if format is not None and suffix.lower() not in FORMATS[format_for(format)].suffixes:
        suffix = FORMATS[format_for(format)].suffixes[0]
    return source.with_name(f"{source.stem}_{target.label}{suffix}")


def _models_by_factor(name: str | Path | None, defaults: Mapping[int, str]) -> Mapping[int, Model]:
    """Native factor -> model; empty for bicubic."""
    if name is None:
        return {factor: find(default) for factor, default in defaults.items()}
    if name == BICUBIC:
        return {}
    return {model.card.scale: model for model in find_all(name)}


@cache
def _bytes_per_pixel(path: Path, precision: str) -> int:
    """Memory of engine and colour path for each low-resolution pixel while they work; OpenVINO's, as measured."""
    card, weights = read_weights(path)
    filters = [array.shape for array in weights.values() if array.ndim == 4]
    if card.color_mode == "luma":
        return 4 * (3 * max((shape[0] for shape in filters), default=1) + 3 * card.scale**2 + 4)
    # six maps of the widest layer's input; the last map, shuffled, as the engine's and as our output, as pixels
    size = 2 if precision == "bf16" else 4
    widest = max((shape[1] for shape in filters), default=1)
    return 6 * widest * size + 3 * (size + 3 * 4 + 2) * card.scale**2 + 12


def _frame_of(pixels: Pixels) -> Frame:
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"expected a numpy array or a path, got {type(pixels).__name__}")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"expected uint8 or uint16 pixels, got {pixels.dtype}")
    if pixels.ndim == 2:
        return Frame(pixels=pixels)
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4:
        raise ValueError(f"expected pixels (H, W) or (H, W, 1 to 4), got {pixels.shape}")
    colours = 1 if pixels.shape[2] <= 2 else 3
    colour = pixels[..., 0] if colours == 1 else pixels[..., :3]
    return Frame(pixels=colour, alpha=pixels[..., colours] if pixels.shape[2] > colours else None)


def _share(progress: Progress, index: int, count: int) -> Progress:
    return lambda fraction: progress((index + fraction) / count)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
