"""Frames of a film, one after the other, whose still regions flicker about as the source's do."""

from upres.engines.native import ENGINE
from upres.engines.native_steady import steady_plane
from upres.errors import EngineUnavailableError
from upres.image.samples import Plane


class Steadier:
    """Steadies each frame by the one before.

    It keeps the planes that it is given, without a copy: nobody may change them before the next frame has come.

    Args:
        white: Largest value of a sample.
        channels: Samples of a pixel, side by side in a row.
        threads: Of the kernels; ``None``: all.

    Raises:
        EngineUnavailableError: If the kernels were not built.
    """

    def __init__(self, *, white: int, channels: int = 1, threads: int | None = None) -> None:
        reason = ENGINE.unavailable()
        if reason:
            raise EngineUnavailableError(f"native: steady films need its kernels: {reason}")
        self._white, self._channels, self.threads = white, channels, threads
        self._before: tuple[Plane, Plane] | None = None

    def forget(self) -> None:
        """Leave the next frame as it is: nothing before it counts."""
        self._before = None

    def __call__(self, source: Plane, made: Plane) -> None:
        """Change ``made``, which is what the network made of ``source``, both ``(H, W * channels)``."""
        if self._before is not None:
            steady_plane(
                self._before[0],
                source,
                self._before[1],
                made,
                white=self._white,
                channels=self._channels,
                threads=self.threads,
            )
        self._before = source, made
