"""Latency of models on engines, contenders driven in turn, beside the resamplers people use today.

Sizes are those of the picture that comes out: ``1920x1080`` at scale 2 means a plane of 960x540 goes in. Latency is
that of one call on float32 planes already in memory. ``int16`` rows are the native engine's integer kernels, from one
uint8 plane to another; the resamplers work on such a plane too, as they are used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.bench.ceilings import Ceilings, CeilingsRunner
from upres.bench.memory import peak_resident_mib
from upres.bench.workers import Runner, Timing, Worker, drive, timed_turn
from upres.engines.engine import PlaneSession
from upres.engines.native import FAMILIES
from upres.engines.select import ENGINES, open_session
from upres.errors import DataError, EngineError, Hint, MissingExtraError, UnsupportedModelError, UpresError
from upres.machine.environment import environment
from upres.models.card import ModelCard, read_weights
from upres.models.catalog import Model, find, find_all

RESAMPLERS = ("cv2", "pillow")
"""Contenders that are no engines: bicubic interpolation by Pillow and OpenCV."""

INTEGER = "int16"
"""Precision of kernels from integer plane to integer plane, which the native engine has."""

ONE_RESOLUTION = ("esr_max", "esr_tm", "esr_tr", "esr_cnn", "espcn", "fsrcnn")
"""Architectures that run every kernel once a low-resolution pixel, so that their weights tell their arithmetic."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """What one worker process runs."""

    model: str
    """Name; for a resampler ``bicubic``."""
    engine: str
    """``auto`` takes the one that runs the model fastest."""
    source: str = ""
    """Path of the weights."""
    scale: int
    width: int
    """Of the output."""
    height: int
    channels: int = 1
    threads: int = 1
    precision: str = "auto"
    isa: str | None = None
    """Instruction set asked of the native engine; ``None`` for its best."""
    multiply_adds: int | None = None
    """Of one call, where they are known."""

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.model} on {self.engine}"


@dataclass(frozen=True, kw_only=True)
class SpeedRow:
    """One contender's result."""

    model: str
    engine: str
    precision: str
    isa: str | None
    """Instruction set of the kernels, where the engine tells."""
    scale: int
    width: int
    height: int
    threads: int
    latency_ms_median: float
    latency_ms_min: float
    spread: float
    """Distance between the quartiles, as a fraction of the median."""
    fps: float
    fraction_of_peak: float | None
    """Operations of the convolutions over what the machine can do in the median latency."""
    memory_mib: float | None = None
    """Most memory of the contender's process; ``None`` for resamplers, beside which the interpreter is most of it."""


@dataclass(frozen=True, kw_only=True)
class SpeedReport:
    """What was measured, and where."""

    environment: dict[str, Any]
    rows: tuple[SpeedRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {"environment": self.environment, "rows": [asdict(row) for row in self.rows]}


class SessionRunner:
    """A model in an engine, or a resampler, called on one picture; lives in a worker process."""

    def __init__(self, contender: Contender) -> None:
        shape = (contender.channels, contender.height // contender.scale, contender.width // contender.scale)
        picture = natural_noise(shape)
        if contender.engine in RESAMPLERS:
            self._call, self._real = _resampler(contender, picture[0]), {"precision": "u8", "isa": None}
        else:
            self._call, self._real = _open(contender, picture)

    def turn(self, *, seconds: float, calls: int) -> list[float]:
        """Latencies in milliseconds, see `timed_turn`."""
        return timed_turn(self._call, seconds=seconds, calls=calls)

    def describe(self) -> dict[str, Any]:
        """Engine, precision and instruction set that are really used, and the most memory so far, where it counts."""
        return self._real if "engine" not in self._real else {**self._real, "memory_mib": peak_resident_mib()}


def contenders(
    models: Iterable[str],
    engines: Sequence[str],
    sizes: Iterable[tuple[int, int]],
    *,
    threads: int,
    precision: str = "auto",
    isas: Sequence[str] = (),
) -> list[Contender]:
    """Every model on every engine at every size, then each resampler once a scale and size.

    A size is rounded down to a multiple of a model's scale, such that the input is a multiple of what the model needs.

    Args:
        models: Shipped names, families of them (``esr_tm``) or paths of checkpoints.
        engines: Of `upres.engines.select.ENGINES` and `RESAMPLERS`.
        sizes: Width and height of the output.
        threads: Of every contender.
        precision: Asked of the engines; with ``auto`` the native engine runs its integer kernels too, and OpenVINO the
            8-bit graph of a model that has one.
        isas: Instruction sets that the native engine is asked for, one contender each; empty for its best.

    Raises:
        DataError: If a size is smaller than the smallest that a model makes.
        UnknownModelError: If there is no such model.
    """
    found = [model for name in models for model in find_all(name)]
    plain: dict[tuple[int, int, int], None] = {}
    made = []
    for size in sizes:
        for model in found:
            scale = model.card.scale
            unit = scale * model.card.multiple_of
            width, height = (side // unit * unit for side in size)
            if 0 in (width, height):
                raise DataError(f"{size[0]}x{size[1]}: {model.card.name} makes sides of {unit} pixels or more")
            plain[scale, width, height] = None
            per_pixel = multiply_adds_per_pixel(model.weights)
            first = Contender(
                model=model.card.name,
                source=str(model.weights),
                engine="",
                scale=scale,
                width=width,
                height=height,
                channels=1 if model.card.color_mode == "luma" else 3,
                threads=threads,
                precision=precision,
                multiply_adds=None if per_pixel is None else per_pixel * (width // scale) * (height // scale),
            )
            for engine in engines:
                if engine in RESAMPLERS:
                    continue
                made += [
                    replace(first, engine=engine, precision=each, isa=isa)
                    for each in (precision, *_beside(engine, model, precision))
                    for isa in (isas if engine == "native" and isas else (None,))
                ]
    made += [
        Contender(model="bicubic", engine=engine, scale=scale, width=width, height=height, threads=threads)
        for scale, width, height in plain
        for engine in engines
        if engine in RESAMPLERS
    ]
    return made


def bench_speed(
    contenders: Sequence[Contender],
    *,
    rounds: int = 10,
    seconds: float = 0.2,
    runner: Callable[[Contender], Runner] = SessionRunner,
    on_skip: Callable[[Contender, UpresError], object] | None = None,
    progress: Callable[[], object] | None = None,
) -> SpeedReport:
    """Time all contenders, one size at a time, in turns.

    Args:
        contenders: As the function of that name makes them.
        rounds: Turns of each.
        seconds: Length of a turn, in which at most 20 calls are timed.
        runner: What runs a contender in its process; importable there.
        on_skip: Told of every contender that cannot run here, and why.
        progress: Called after every turn.

    Raises:
        EngineError: If no contender can run.
    """
    rows: list[SpeedRow] = []
    limits: dict[str, float] = {}
    for size in dict.fromkeys((each.width, each.height) for each in contenders):
        group = [each for each in contenders if (each.width, each.height) == size]
        found, ceilings = _bench_group(
            group, rounds=rounds, seconds=seconds, runner=runner, on_skip=on_skip, progress=progress
        )
        rows += found
        limits = {key: max(value, limits.get(key, 0.0)) for key, value in ceilings.limits.items()}
    if not rows:
        raise EngineError("no contender can run here", hint=Hint.LIST_ENGINES)
    return SpeedReport(environment=_with_best(environment(*ENGINES), limits, contenders), rows=tuple(rows))


def multiply_adds_per_pixel(weights: Any) -> int | None:
    """Multiply-adds of a checkpoint's convolutions a low-resolution pixel, where its weights alone tell them."""
    card, tensors = read_weights(weights)
    return count_multiply_adds(card, tensors)


def count_multiply_adds(card: ModelCard, tensors: dict[str, NDArray[Any]]) -> int | None:
    """As `multiply_adds_per_pixel`, of a checkpoint already read.

    Example:
        eSR-TM with K = 5, C = 4 at scale 2 has 2 x 4 x 4 filters of 25 taps: 800.
    """
    if card.architecture not in ONE_RESOLUTION or card.spec.transforms:
        return None
    return sum(prod(tensor.shape) for tensor in tensors.values() if tensor.ndim == 4)


def natural_noise(shape: tuple[int, int, int], *, seed: int = 0) -> NDArray[np.float32]:
    """A picture in [0, 1] for timing, ``(C, H, W)``: smooth shades under noise, the same for every contender."""
    channels, height, width = shape
    rows = np.sin(np.arange(height, dtype=np.float32) / 17)[:, None]
    columns = np.sin(np.arange(width, dtype=np.float32) / 23)[None, :]
    noise = np.random.default_rng(seed).standard_normal((channels, height, width), dtype=np.float32)
    return np.clip(0.5 + 0.2 * (rows + columns) + 0.05 * noise, 0, 1).astype(np.float32)


def _beside(engine: str, model: Model, precision: str) -> tuple[str, ...]:
    """Arithmetic that an engine is timed in besides the one it takes by itself."""
    if precision != "auto":
        return ()
    if engine == "native":
        return (INTEGER,) if model.card.architecture in FAMILIES or model.graph is not None else ()
    return ("int8",) if engine == "openvino" and model.int8_graph is not None else ()


def _with_best(found: dict[str, Any], limits: Mapping[str, float], entrants: Sequence[Contender]) -> dict[str, Any]:
    """The environment with the higher of its ceilings and those among the turns, where these had all cores too."""
    if max(entrant.threads for entrant in entrants) != found["cores"]:
        return found
    known = {key: value for key, value in found["ceilings"].items() if value is not None}
    best = known | {key: max(value, known.get(key, 0.0)) for key, value in limits.items()}
    return found | {"ceilings": Ceilings(best).to_dict()}


def _bench_group(
    group: Sequence[Contender],
    *,
    rounds: int,
    seconds: float,
    runner: Callable[[Contender], Runner],
    on_skip: Callable[[Contender, UpresError], object] | None,
    progress: Callable[[], object] | None,
) -> tuple[list[SpeedRow], Ceilings]:
    """The rows of contenders of one size, and the machine's limits measured among their turns."""
    with ExitStack() as stack:
        running: list[tuple[Contender, Worker]] = []
        for contender in group:
            try:
                worker = Worker(runner, contender, threads=contender.threads, name=contender.name)
            except UpresError as error:
                if on_skip is not None:
                    on_skip(contender, error)
                continue
            running.append((contender, stack.enter_context(worker)))
        if not running:
            return [], Ceilings()
        threads = max(contender.threads for contender in group)
        limits = stack.enter_context(Worker(CeilingsRunner, threads, threads=threads, name="ceilings"))
        workers = [limits, *(worker for _, worker in running)]
        _, *latencies = drive(workers, rounds=rounds, seconds=seconds, progress=progress)
        ceilings = Ceilings(limits.call("best"))
        rows = [
            _row(contender, worker.call("describe"), Timing.of(taken), ceilings)
            for (contender, worker), taken in zip(running, latencies, strict=True)
        ]
        return rows, ceilings


def _row(contender: Contender, real: dict[str, Any], timing: Timing, ceilings: Ceilings) -> SpeedRow:
    ceiling = ceilings.operations(real["precision"])
    fraction = None
    if contender.multiply_adds is not None and ceiling is not None:
        fraction = 2 * contender.multiply_adds / (timing.median_ms / 1e3) / (ceiling * 1e9)
    return SpeedRow(
        model=contender.model,
        engine=real.get("engine", contender.engine),
        precision=real["precision"],
        isa=real["isa"],
        scale=contender.scale,
        width=contender.width,
        height=contender.height,
        threads=contender.threads,
        latency_ms_median=timing.median_ms,
        latency_ms_min=timing.min_ms,
        spread=timing.spread,
        fps=1e3 / timing.median_ms,
        fraction_of_peak=fraction,
        memory_mib=real.get("memory_mib"),
    )


def _open(contender: Contender, picture: NDArray[np.float32]) -> tuple[Callable[[], object], dict[str, str | None]]:
    """What to time, and the engine, precision and instruction set it really uses."""
    integers = contender.precision == INTEGER
    session = open_session(
        find(contender.source),
        engine=contender.engine,
        threads=contender.threads,
        precision="auto" if integers else contender.precision,
        isa=contender.isa,
    )
    real = {"engine": session.facts.engine, "precision": session.facts.precision, "isa": session.facts.isa}
    if integers and session.for_bytes is None:
        call = _integer_kernels(contender, session.planes, picture[0])
        return call, {**real, "precision": INTEGER}
    batch = np.ascontiguousarray(picture[None])
    if integers and session.for_bytes is not None:
        return partial(session.for_bytes, batch), {**real, "precision": INTEGER}
    return partial(session, batch), real


def _integer_kernels(
    contender: Contender, planes: PlaneSession | None, plane: NDArray[np.float32]
) -> Callable[[], object]:
    if planes is None or planes.plane_precision(255) != INTEGER:
        raise UnsupportedModelError(f"{contender.engine}: {contender.model} does not take integer kernels")
    pixels = _eight_bit(plane)
    out = np.empty((contender.height, contender.width), np.uint8)
    return lambda: planes.run_plane(pixels, out)


def _eight_bit(plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(255 * plane).astype(np.uint8)


def _resampler(contender: Contender, plane: NDArray[np.float32]) -> Callable[[], object]:
    pixels = _eight_bit(plane)
    size = (contender.width, contender.height)
    if contender.engine == "pillow":
        from PIL import Image

        image = Image.fromarray(pixels)
        return lambda: image.resize(size, Image.Resampling.BICUBIC)
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("comparing with cv2", "dev") from error
    cv2.setNumThreads(contender.threads)
    return lambda: cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)
