"""The face of the package: pictures made larger, or restored, as arrays or as files."""

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, get_args, overload

from upres.errors import OutputExistsError
from upres.image.formats import format_for
from upres.image.io import DEFAULT_MAX_PIXELS, Frame, Picture, read, write
from upres.image.jpeg_quality import quality_of_path
from upres.image.naming import output_beside
from upres.image.picture import Pixels
from upres.image.samples import Size
from upres.image.stillness import held, same
from upres.image.wishes import AlphaMode, Colors
from upres.image.write import is_as_wished, write_as_it_is
from upres.machine.cores import available_cores
from upres.machine.memory import resident_bytes
from upres.models.catalog import digest_of
from upres.models.choices import UNCHANGED
from upres.pipeline.asked import Asked
from upres.pipeline.budget import Budget
from upres.pipeline.choose import Choice, Networks
from upres.pipeline.doubts import is_doubtful, resolved
from upres.pipeline.judge import Judgement, judge
from upres.pipeline.plan import Plan, growing, plan
from upres.pipeline.render import Progress, portion
from upres.pipeline.restoring import Restore
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.still import make_frame
from upres.pipeline.wrap import Wrap

RESTORED = "restored"
"""In the names of outputs that keep their size."""


class Upscaler:
    """Makes pictures larger; opens its networks at first use and keeps them for the next picture.

    Args:
        scale: Output over input size; 2 where nothing else is asked for.
        width: Output width, see `SizeRequest`.
        height: Output height, see `SizeRequest`.
        fit: Width and height of a box, see `SizeRequest`.
        model: A shipped model (``esr_tm_x2``), a family of them (``esr_tm``), a ``.safetensors`` file, ``bicubic``,
            or ``None`` for the default of each native scale. With ``restore`` it may be a network of scale 1, which
            is then what restores.
        fast: Take a small luma network for each native scale, several times as fast; not with ``model``.
        best: Let every network that enlarges work on the picture's mirror image as well: the mean of both results
            counts, which is nearer to the truth in twice the time. Not with ``model`` and ``fast``.
        clean: Take the networks for pictures without faults, whatever is found in the picture.
        real: Take the networks that undo noise, blur and JPEG blocks, whatever is found.
        strength: How much noise, blocks and blur are undone: 0 not at all, 1 by the networks for that alone, between
            by both kinds mixed, which takes the time of both. Without ``clean``, ``real`` and this, each picture gets
            what it needs, as `upres.pipeline.judge` finds.
        crisp: Take networks that make photographs look sharp, further from the truth: 1 for these alone, below 1 for
            that share of them and the rest by what each picture gets otherwise, which takes the time of both. Drawings
            keep their own. Not with ``model``, ``fast``, ``clean``, ``real``, ``strength`` and ``restore``.
        restore: Undo faults before the picture grows, and at a scale of 1 nothing else: ``True`` for what each picture
            needs, as `upres.pipeline.judge` finds, or ``{"denoise": 1.0, "deblock": 0.5}``: tasks with the share of
            their change, 0 for a task that is off. The networks that enlarge are then those for clean pictures, and
            ``strength`` is the share of the change where the picture decides.
        exposure: With ``restore``: stops by which the picture is made lighter, 0 to 6; ``None``: what a dark picture
            lacks.
        wrap: Sides at which the picture goes on with its other end, as textures and panoramas do: ``x``, ``y`` or
            ``both``; ``None``: the picture is reflected.
        engine: ``auto`` or a name of `upres.engines.select.ENGINES`.
        precision: ``auto`` or arithmetic that the engine names: ``f32``, ``bf16``, ``int8``, ``int16``.
        device: ``cpu``, or a device that the engine names.
        threads: Processor threads; ``None``: all.
        max_memory: Bytes that the whole process shall stay under. Held by working in smaller windows; the picture as
            read and as made are in memory as a whole in any case (docs/guide/upscale.md).
        alpha: ``bleed`` or ``separate``, see `upres.image.wishes.AlphaMode`.
        strict_memory: Refuse a picture whose smallest windows ``max_memory`` cannot hold, instead of exceeding it.
        sessions: Where opened networks are kept; give several upscalers the same, and they share them.

    Raises:
        UnknownModelError: If there is no such model, or none for a task that is to be done.
        ModelError: If the model cannot do what is asked for.
        ValueError: If the size is asked for in two ways or is not positive, more than one of ``model``, ``clean``,
            ``real`` and ``strength`` is given, ``model`` with ``fast``, ``best`` with either, ``restore`` with
            ``real``, ``crisp`` with any of these but ``best``, ``strength`` or ``crisp`` is not from 0 to 1, or there
            is no such task or mode of alpha.
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
        best: bool = False,
        clean: bool = False,
        real: bool = False,
        strength: float | None = None,
        crisp: float | None = None,
        restore: Restore = False,
        exposure: float | None = None,
        wrap: Wrap | None = None,
        engine: str = "auto",
        precision: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
        max_memory: int | None = None,
        alpha: AlphaMode = "bleed",
        strict_memory: bool = False,
        sessions: Sessions | None = None,
    ) -> None:
        if scale is None and width is None and height is None and fit is None:
            scale = 2
        self.request = SizeRequest(scale=scale, width=width, height=height, fit=fit)
        self.settings = Settings(engine=engine, precision=precision, device=device, threads=threads)
        if alpha not in get_args(AlphaMode):
            raise ValueError(f"alpha must be one of {', '.join(get_args(AlphaMode))}, got {alpha}")
        if wrap is not None and wrap not in get_args(Wrap):
            raise ValueError(f"wrap must be one of {', '.join(get_args(Wrap))}, or None, got {wrap!r}")
        self.max_memory = max_memory
        self.alpha = alpha
        self._strict_limit = max_memory if strict_memory else None
        self.sessions = Sessions() if sessions is None else sessions
        asked = Asked(
            model=model,
            fast=fast,
            best=best,
            clean=clean,
            real=real,
            strength=strength,
            crisp=crisp,
            precision=precision,
            restore=restore,
            exposure=exposure,
            grows=self.request.scale is None or self.request.scale > 1,
        )
        self._networks = Networks.of(asked)
        self.wrap: Wrap | None = wrap

    @property
    def label(self) -> str:
        """What distinguishes the name of an output: ``x2``, ``w800``, or ``restored`` where the size stays."""
        only_restored = self._networks.restorers is not None and self.request.scale == 1
        return RESTORED if only_restored else self.request.label

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
        picture = Picture(frames=(Frame.of(pixels),))
        made = self.upscale_picture(picture, progress=progress).frames[0].channels()
        return made if pixels.ndim == 3 else made[..., 0]

    def choose(self, picture: Picture) -> Choice:
        """Which networks the picture gets, by what was asked for and by what is wrong with it.

        Frames of an animation and pages of a document get the same: what the first of them needs.
        """
        if not self._networks.looks(self.request.growth(*picture.size)):
            return self._networks.without_a_look(self.request)
        source = picture.source
        judged = judge(picture.pixels, None if source is None else source.jpeg_quality, picture.frames[0].alpha)
        if source is not None and source.mode in ("1-bit", "palette"):
            judged = replace(judged, noise=0.0, fineness=0.0, doubtful_noise=0.0)  # dithering is not what it looks like
        if source is not None and source.mode == "1-bit":
            judged = replace(judged, exposure=0.0)  # black and white are what they are
        if (denoiser := self._networks.denoiser) is not None and is_doubtful(judged):
            session = self.sessions.get(denoiser, self.settings)
            judged = resolved(judged, picture.pixels, session, denoiser.card)
        return self._networks.by(self.request, judged)

    def leaves(self, plan: Plan) -> bool:
        """Whether a picture is only to be restored, and nothing is to be done: then the best that can be made is it."""
        return self.label == RESTORED and plan.is_idle

    def name_of(self, plan: Plan) -> str:
        """The names of the plan's networks, or ``none`` where `leaves` says so."""
        return UNCHANGED if self.leaves(plan) else plan.model_name

    def upscale_picture(
        self, picture: Picture, *, choice: Choice | None = None, progress: Progress | None = None
    ) -> Picture:
        """The picture with every frame made larger, and its metadata; what stands still in an animation stays so.

        Args:
            picture: As read.
            choice: What `choose` said; ``None``: to be asked.
            progress: Called with the fraction done.

        Raises:
            ImageTooLargeError: If a frame would be over the pixel budget, or over a strict limit of memory.
            EngineError: If no engine runs the model.
        """
        choice = self.choose(picture) if choice is None else choice
        frames = list[Frame]()
        for index, frame in enumerate(picture.frames):
            share = None if progress is None else portion(progress, index, len(picture.frames))
            before = picture.frames[index - 1] if index and picture.is_animation else None
            if before is not None and same(before, frame):
                frames.append(replace(frames[-1], duration_ms=frame.duration_ms))
                continue
            made = self._frame(frame, choice, share)
            frames.append(made if before is None else held(before, frame, frames[-1], made))
        return replace(picture, frames=tuple(frames))

    def plan(self, size: Size, choice: Choice | None = None) -> Plan:
        """How a picture of this height and width is made larger: by a choice, or as a picture without faults.

        Raises:
            ImageTooLargeError: If the result would be over the pixel budget.
        """
        choice = self._networks.without_a_look(self.request) if choice is None else choice
        return plan(size, choice.wish, max_pixels=DEFAULT_MAX_PIXELS)

    def prepare(self, source: Path | None = None) -> None:
        """Begin to open the networks in the background, while the caller reads a picture.

        Only where the size asked for is a scale, which tells the networks.

        Args:
            source: The picture's file: its first bytes tell how strongly a JPEG was compressed.
        """
        if self.request.scale is None:
            return
        choice = self._networks.without_a_look(self.request)
        if (
            source is not None
            and self._networks.looks(self.request.scale)
            and (quality := quality_of_path(source)) is not None
        ):
            choice = self._networks.by(self.request, Judgement(jpeg_quality=quality))
        restoring = (model for step in choice.wish.restorers for model in step.models)
        self.sessions.prepare([*restoring, *growing(self.request.scale, choice.wish)], self.settings)

    def model_identity(self) -> tuple[str, str]:
        """The model as it was asked for, and a digest of the weights it stands for: what outputs depend on."""
        return self._networks.name, digest_of(self._networks.models)

    def _frame(self, frame: Frame, choice: Choice, progress: Progress | None) -> Frame:
        size = frame.pixels.shape[0], frame.pixels.shape[1]
        steps, left = self.plan(size, choice), None
        if self.max_memory is not None:
            self.sessions.engines(steps.models, self.settings)  # what open engines hold is in the sum
            left = self.max_memory - resident_bytes() - frame.pixels.nbytes * prod(steps.size) // prod(size)
        budget = Budget(cores=self.settings.threads or available_cores(), working_bytes=left, limit=self._strict_limit)
        return make_frame(
            frame,
            steps,
            sessions=self.sessions,
            settings=self.settings,
            budget=budget,
            wrap=self.wrap,
            alpha=self.alpha,
            progress=progress,
        )


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
    lossless: bool | None = None,
    background: tuple[int, int, int] = (255, 255, 255),
    colors: Colors = "keep",
    overwrite: bool = False,
    **options: Any,
) -> Pixels | Path:
    """A larger picture: an array for an array, a file for a file.

    Args:
        source: An array as `Upscaler` takes it, or the path of a picture file.
        scale: Output over input size; 2 where nothing else is asked for.
        output: File to write; ``None``: beside the source, ``photo_x2.jpg`` for ``photo.jpg``. For files only, as are
            the next six.
        format: ``jpeg``, ``png`` ...; ``None``: by the output's name.
        quality: 1 to 100, for formats that lose; ``None``: the format's default, 95 for JPEG.
        lossless: Keep every sample, in WebP, AVIF and JPEG XL; ``None``: where the source was such a file.
        background: Colour behind transparent pixels where the format has no alpha.
        colors: ``keep`` or ``full``, see `upres.image.io.write`.
        overwrite: Replace an output that exists.
        **options: ``width``, ``height``, ``fit``, ``model``, ``fast``, ``best``, ``clean``, ``real``, ``strength``,
            ``crisp``, ``wrap``, ``restore``, ``exposure``, ``alpha``, ``engine``, ``precision``, ``device``,
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
        if (output, format, quality, lossless) != (None, None, None, None):
            raise ValueError("output, format, quality and lossless are for files: an array gives an array")
        return upscaler(source)
    path = output_beside(Path(source), upscaler.label, format) if output is None else Path(output)
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; overwrite=True replaces it")
    upscaler.prepare(Path(source))
    picture = read(source)
    choice = upscaler.choose(picture)
    wishes: dict[str, Any] = {"quality": quality, "lossless": lossless, "colors": colors}
    left = upscaler.leaves(upscaler.plan(picture.size, choice))
    if left and is_as_wished(picture, format_for(format or path), **wishes) and Path(source).is_file():
        write_as_it_is(Path(source), path)
        return path
    made = upscaler.upscale_picture(picture, choice=choice)
    del picture  # the encoder needs the memory
    upscaler.sessions.release()
    threads = upscaler.settings.threads
    write(made, path, format=format, background=background, threads=threads, **wishes)
    return path


@overload
def restore(source: Pixels, **options: Any) -> Pixels: ...
@overload
def restore(source: str | Path, **options: Any) -> Path: ...
def restore(
    source: Pixels | str | Path,
    *,
    denoise: float | None = None,
    deblock: float | None = None,
    enhance: float | None = None,
    **options: Any,
) -> Pixels | Path:
    """A picture of the same size without its faults: an array for an array, a file for a file.

    Where no task is named the picture is looked at. If nothing is wrong with it, its samples stay as they are, and a
    file that keeps its format is copied to the byte.

    Args:
        source: As `upscale` takes it.
        denoise: Share of what the network against noise changes, 0 to 1; ``None``: not named.
        deblock: The same of the network against JPEG blocks.
        enhance: Share of the stops of light that are given, and of what is then cleaned; this needs no network.
        **options: Those of `upscale` but scale and sizes. The output is ``photo_restored.jpg`` by default.

    Returns:
        A new array, or the path of the file written.

    Raises:
        UnknownModelError: If this installation has no network for what is asked for.
        ImageError: If the file cannot be read or written.
        OutputExistsError: If the output exists and ``overwrite`` is false.
        EngineError: If no engine runs a network.

    Example:
        >>> restore("scan.jpg", deblock=1, denoise=0.5)  # doctest: +SKIP
        PosixPath('scan_restored.jpg')
    """
    tasks = {"denoise": denoise, "deblock": deblock, "enhance": enhance}
    named = {task: share for task, share in tasks.items() if share is not None}
    return upscale(source, 1, restore=named or True, **options)
