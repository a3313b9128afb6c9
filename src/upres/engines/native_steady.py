"""Still regions of a film that move no more than their source does, by the kernels of `native/pixels/steady.h`."""

from importlib import import_module

from upres.engines.engine import Plane


def steady_plane(
    source_before: Plane,
    source: Plane,
    made_before: Plane,
    made: Plane,
    *,
    white: int,
    channels: int = 1,
    threads: int | None = None,
) -> None:
    """Steady one frame of a film that was made larger, where it lies.

    A block of 8x8 source pixels is still where they change by at most two levels of 255 on average. There a pixel of
    ``made`` changes no more than the source's pixel under it, unless it would leave the level around what it was, or
    two levels where the source's pixel changes by one. From two levels of the block to four this bound falls to
    nothing, and beyond every bit stays.

    Args:
        source_before: ``(H, W * channels)`` uint8 or uint16: the source's frame before. Rows may lie apart in memory.
        source: The source's frame, likewise.
        made_before: What was made of ``source_before`` and steadied, of any size.
        made: What was made of ``source``, of that size: it is changed.
        white: Largest value of a sample.
        channels: Samples of a pixel, side by side.
        threads: Processor threads; ``None``: all. Their number changes no bit.

    Raises:
        ImportError: If the kernels were not built.
        ValueError, TypeError: If the shapes, the memory layout or a dtype do not fit.
    """
    native = import_module("upres.engines._native")
    native.steady(source_before, source, made_before, made, channels, max(1, white // 255), threads or 0)
