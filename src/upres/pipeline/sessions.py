"""Sessions that several threads share; the only locks of the pipeline are here."""

from collections.abc import Callable
from threading import Lock

from upres.engines.engine import Batch, Plane, PlaneSession, Session


class SharedSession:
    """A session that several threads call in turn."""

    def __init__(self, session: Session) -> None:
        self.facts, self.best_batch = session.facts, session.best_batch
        self._session, self._lock = session, Lock()
        self.planes = None if session.planes is None else SharedPlanes(session.planes, self._lock)

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network."""
        with self._lock:
            return self._session(batch)

    def bind(self, batch: Batch, /) -> Callable[[], object]:
        """What runs the network on this batch."""
        bound = self._session.bind(batch)

        def run() -> object:
            with self._lock:
                return bound()

        return run


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
