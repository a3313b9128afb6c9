"""Networks made ready to run: opened once, shared by everybody who asks. The only locks of the pipeline are here."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from upres.engines.engine import Batch, Plane, PlaneSession, Session, Slabs
from upres.engines.select import open_session
from upres.models.catalog import Model


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How networks are run."""

    engine: str = "auto"
    """``auto`` or a name of `upres.engines.select.ENGINES`."""
    precision: str = "auto"
    """``auto`` or arithmetic that the engine names: ``f32``, ``bf16``, ``int8``, ``int16``."""
    device: str = "cpu"
    """``cpu``, or a device that the engine names."""
    threads: int | None = None
    """Processor threads; ``None``: all."""


class Sessions:
    """Open sessions by model and settings. Several threads may ask and run at the same time."""

    def __init__(self) -> None:
        self._opened: dict[tuple[Path, Settings], Session] = {}
        self._opening = Lock()

    def get(self, model: Model, settings: Settings) -> Session:
        """The model made ready; opened at the first call.

        Raises:
            EngineError: If no engine runs it.
        """
        with self._opening:
            key = (model.weights, settings)
            if key not in self._opened:
                self._opened[key] = SharedSession(
                    open_session(
                        model,
                        engine=settings.engine,
                        threads=settings.threads,
                        precision=settings.precision,
                        device=settings.device,
                    )
                )
            return self._opened[key]

    def engines(self, models: Iterable[Model], settings: Settings) -> str | None:
        """The engines that run these models, joined by ``+``; ``None`` where there is no model.

        Raises:
            EngineError: If no engine runs one of them.
        """
        return "+".join(dict.fromkeys(self.get(model, settings).facts.engine for model in models)) or None

    def remarks(self, models: Iterable[Model], settings: Settings) -> list[str]:
        """Why these models are not run by the fastest engine, where a file of theirs is at fault.

        Raises:
            EngineError: If no engine runs one of them.
        """
        facts = [self.get(model, settings).facts for model in models]
        return [f"{each.passed_over}; {each.engine} runs it instead" for each in facts if each.passed_over is not None]

    def forget(self) -> None:
        """Drop what is open, and its memory with the last of its users; it is opened again when it is needed."""
        with self._opening:
            self._opened.clear()

    def release(self) -> None:
        """Give back the memory that open sessions keep from one call to the next."""
        with self._opening:
            for session in self._opened.values():
                session.release()

    def prepare(self, models: Iterable[Model], settings: Settings) -> None:
        """Begin to open models in the background; what fails will fail again, and be raised, when it is needed."""
        missing = [model for model in models if (model.weights, settings) not in self._opened]

        def open_all() -> None:
            with suppress(Exception):  # torch cannot be imported in a process that is ending, for one
                for model in missing:
                    self.get(model, settings)

        if missing:  # no daemon: OpenVINO aborts a process that ends while it compiles
            Thread(target=open_all).start()


class SharedSession:
    """A session that several threads call in turn."""

    def __init__(self, session: Session) -> None:
        self.facts, self.best_batch, self.bytes_per_pixel = session.facts, session.best_batch, session.bytes_per_pixel
        self.grid = session.grid
        self._session, self._lock = session, Lock()
        self._for_bytes: Session | None = None
        self.planes = None if session.planes is None else SharedPlanes(session.planes, self._lock)

    @property
    def for_bytes(self) -> Session | None:
        """The same network for pictures of 8 bits."""
        with self._lock:
            if self._for_bytes is None and (faster := self._session.for_bytes) is not None:
                self._for_bytes = SharedSession(faster)
            return self._for_bytes

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network."""
        with self._lock:
            return self._session(batch)

    def release(self) -> None:
        """Give back what is kept from one call to the next."""
        with self._lock:
            self._session.release()
        if self._for_bytes is not None:
            self._for_bytes.release()

    def slabs(self, height: int, width: int, *, rows: int) -> Slabs | None:
        """The network for one picture from the top down."""
        with self._lock:
            slabs = self._session.slabs(height, width, rows=rows)
        return None if slabs is None else SharedSlabs(slabs, self._lock)

    def bind(self, batch: Batch, /) -> Callable[[], object]:
        """What runs the network on this batch."""
        bound = self._session.bind(batch)

        def run() -> object:
            with self._lock:
                return bound()

        return run


class SharedSlabs:
    """A picture on its way through a session that several threads call in turn."""

    def __init__(self, slabs: Slabs, lock: Lock) -> None:
        self.ends, self.bytes = slabs.ends, slabs.bytes
        self._slabs, self._lock = slabs, lock

    def __call__(self, batch: Batch, /) -> Batch:
        """The next slab."""
        with self._lock:
            return self._slabs(batch)


class SharedPlanes:
    """The planes of a session that several threads call in turn."""

    def __init__(self, planes: PlaneSession, lock: Lock) -> None:
        self.rows_together = planes.rows_together
        self._planes, self._lock = planes, lock

    def run_plane(self, plane: Plane, out: Plane | None = None, *, peak: int | None = None) -> Plane:
        """Upscale one luma plane where it lies."""
        with self._lock:
            return self._planes.run_plane(plane, out, peak=peak)

    def upscale_rgb(self, image: Plane, out: Plane | None = None, *, peak: int | None = None) -> Plane:
        """Upscale a picture: luma through the network, chroma by bicubic."""
        with self._lock:
            return self._planes.upscale_rgb(image, out, peak=peak)

    def plane_precision(self, peak: int) -> str:
        """Arithmetic that an integer plane with this white gets."""
        with self._lock:
            return self._planes.plane_precision(peak)
