"""The face of the package: pictures made larger, as arrays or as files."""

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, overload

from upres.errors import OutputExistsError
from upres.image.io import DEFAULT_MAX_PIXELS, Frame, Picture, read, write
from upres.image.naming import output_beside
from upres.image.picture import Pixels
from upres.image.samples import Size
from upres.machine.cores import available_cores
from upres.machine.memory import resident_bytes
from upres.models.catalog import digest_of
from upres.models.choices import BICUBIC, chosen, named
from upres.pipeline.budget import Budget
from upres.pipeline.plan import Plan, Wish, growing, plan
from upres.pipeline.render import Progress, portion
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.still import make_frame


class Upscaler:
    """Makes pictures larger; opens its networks at first use and keeps them for the next picture.

    Args:
        scale: Output over input size; 2 where nothing else is asked for.
        width: Output width, see `SizeRequest`.
        height: Output height, see `SizeRequest`.
        fit: Width and height of a box, see `SizeRequest`.
        model: A shipped model (``esr_tm_x2``), a family of them (``esr_tm``), a ``.safetensors`` file, ``bicubic``,
            or ``None`` for the default of each native scale.
        fast: Take a small luma network for each native scale, several times as fast; not with ``model``.
        real: Take networks for photographs with noise, blur or JPEG blocks, and undo these; not with the other two.
        engine: ``auto`` or a name of `upres.engines.select.ENGINES`.
        precision: ``auto`` or arithmetic that the engine names: ``f32``, ``bf16``, ``int8``, ``int16``.
        device: ``cpu``, or a device that the engine names.
        threads: Processor threads; ``None``: all.
        max_memory: Bytes that the whole process shall stay under. Held by working in smaller windows; the picture as
            read and as made are in memory as a whole in any case (docs/guide/upscale.md).
        strict_memory: Refuse a picture whose smallest windows ``max_memory`` cannot hold, instead of exceeding it.
        sessions: Where opened networks are kept; give several upscalers the same, and they share them.

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
        device: str = "cpu",
        threads: int | None = None,
        max_memory: int | None = None,
        strict_memory: bool = False,
        sessions: Sessions | None = None,
    ) -> None:
        if scale is None and width is None and height is None and fit is None:
            scale = 2
        if (model is not None) + fast + real > 1:
            raise ValueError("model, fast and real each choose the networks: give one of them")
        self.request = SizeRequest(scale=scale, width=width, height=height, fit=fit)
        self.settings = Settings(engine=engine, precision=precision, device=device, threads=threads)
        self.max_memory = max_memory
        self._strict_limit = max_memory if strict_memory else None
        self.sessions = Sessions() if sessions is None else sessions
        further = named(model) if model is not None else chosen("fast" if fast else "default")
        self._wish = Wish(request=self.request, first=chosen("real") if real else further, further=further)
        self._model = "default" if model is None else "+".join(m.card.name for m in further.values()) or BICUBIC

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
        made = self._frame(Frame.of(pixels), progress).channels()
        return made if pixels.ndim == 3 else made[..., 0]

    def upscale_picture(self, picture: Picture, *, progress: Progress | None = None) -> Picture:
        """The picture with every frame made larger, and its metadata.

        Raises:
            ImageTooLargeError: If a frame would be over the pixel budget, or over a strict limit of memory.
            EngineError: If no engine runs the model.
        """
        frames = []
        for index, frame in enumerate(picture.frames):
            share = None if progress is None else portion(progress, index, len(picture.frames))
            frames.append(self._frame(frame, share))
        return replace(picture, frames=tuple(frames))

    def plan(self, size: Size) -> Plan:
        """How a picture of this height and width is made larger.

        Raises:
            ImageTooLargeError: If the result would be over the pixel budget.
        """
        return plan(size, self._wish, max_pixels=DEFAULT_MAX_PIXELS)

    def prepare(self) -> None:
        """Begin to open the networks in the background, while the caller reads a picture.

        Only where the size asked for is a scale, which tells the networks.
        """
        if self.request.scale is not None:
            self.sessions.prepare(growing(self.request.scale, self._wish), self.settings)

    def model_identity(self) -> tuple[str, str]:
        """The model as it was asked for, and a digest of the weights it stands for: what outputs depend on."""
        first, further = self._wish.first, self._wish.further
        models = [*further.values(), *(first.values() if first is not further else ())]
        return self._model, digest_of(models)

    def _frame(self, frame: Frame, progress: Progress | None) -> Frame:
        size = frame.pixels.shape[0], frame.pixels.shape[1]
        steps, left = self.plan(size), None
        if self.max_memory is not None:
            self.sessions.engines(steps.steps, self.settings)  # what open engines hold is in the sum
            left = self.max_memory - resident_bytes() - frame.pixels.nbytes * prod(steps.size) // prod(size)
        budget = Budget(cores=self.settings.threads or available_cores(), working_bytes=left, limit=self._strict_limit)
        return make_frame(
            frame, steps, sessions=self.sessions, settings=self.settings, budget=budget, progress=progress
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
            ``device``, ``threads`` and ``max_memory`` of `Upscaler`.

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
    path = output_beside(Path(source), upscaler.request.label, format) if output is None else Path(output)
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists; overwrite=True replaces it")
    upscaler.prepare()
    picture = upscaler.upscale_picture(read(source))
    write(picture, path, format=format, quality=quality, background=background)
    return path
