"""The fronts of `benchmarks.pages.sweep_front` drawn: quality against frames a second, a panel a scale."""

from collections.abc import Iterator, Mapping, Sequence
from math import log10

from benchmarks.pages.sweep_front import DEVICES, FAMILIES, Point, front, published
from upres.lab.studies.sweep.pool import SCALES

NAME = "fronts.svg"

_COLORS = dict(
    zip(FAMILIES.values(), ("#555555", "#e69f00", "#d55e00", "#cc79a7", "#0072b2", "#009e73", "#56b4e9"), strict=True)
)
"""Of families, apart for all kinds of sight (Okabe and Ito)."""
_DASHES = dict(zip(DEVICES, ("", "6 3", "2 3"), strict=True))
_WIDTH, _HEIGHT, _GAP = 270, 260, 52  # of a panel, and left of it
_TOP, _LEGEND = 24, 64
_STEP = 0.5  # decibels between lines


def drawing(reference: Sequence[Mapping[str, str]]) -> str:
    """An SVG file, the same text for the same figures."""
    width = len(SCALES) * (_WIDTH + _GAP) + 12
    height = _TOP + _HEIGHT + 32 + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11" role="img">',
        "<title>PSNR on Set14 against frames a second: the fronts of the pool on its authors' devices</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for index, scale in enumerate(SCALES):
        fronts = {device: front(published(reference, device, scale)) for device in DEVICES}
        parts += _panel(scale, fronts, left=_GAP + index * (_WIDTH + _GAP))
    return "\n".join([*parts, *_legend(_TOP + _HEIGHT + 48), "</svg>"]) + "\n"


def _panel(scale: int, fronts: Mapping[str, Sequence[Point]], *, left: int) -> Iterator[str]:
    every = [point for points in fronts.values() for point in points]
    low, high = (log10(choose(point.fps for point in every)) for choose in (min, max))
    worst, best = (choose(point.psnr for point in every) for choose in (min, max))

    def place(fps: float, psnr: float) -> tuple[float, float]:
        across, up = (log10(fps) - low) / (high - low), (psnr - worst) / (best - worst)
        return left + 8 + across * (_WIDTH - 16), _TOP + _HEIGHT - 8 - up * (_HEIGHT - 16)

    yield f'<text x="{left}" y="{_TOP - 8}" font-weight="bold">x{scale}</text>'
    yield f'<rect x="{left}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#999"/>'
    for exponent in range(-1, 5):
        if low <= exponent <= high:
            x, _ = place(10**exponent, worst)
            yield f'<path d="M{x:.1f} {_TOP}v{_HEIGHT}" stroke="#ddd"/>'
            yield f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 14}" text-anchor="middle">{10**exponent:g}</text>'
    for step in range(int(worst / _STEP) + 1, int(best / _STEP) + 1):
        _, y = place(1, step * _STEP)
        yield f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end">{step * _STEP:.1f}</text>'
    for device, points in fronts.items():
        line = "L".join("{:.1f} {:.1f}".format(*place(point.fps, point.psnr)) for point in points)
        yield f'<path d="M{line}" fill="none" stroke="#888" stroke-dasharray="{_DASHES[device]}"/>'
        for point in points:
            x, y = place(point.fps, point.psnr)
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_COLORS[point.family]}"/>'


def _legend(top: int) -> Iterator[str]:
    yield f'<text x="{_GAP}" y="{top}">across: frames a second to 1920x1080; up: PSNR on Set14 in dB, by esr</text>'
    for index, (family, color) in enumerate(_COLORS.items()):
        x = _GAP + 100 * index
        yield f'<circle cx="{x + 4}" cy="{top + 16}" r="4" fill="{color}"/>'
        yield f'<text x="{x + 12}" y="{top + 20}">{family}</text>'
    for index, (device, name) in enumerate(DEVICES.items()):
        x = _GAP + 200 * index
        yield f'<path d="M{x} {top + 36}h40" stroke="#888" stroke-dasharray="{_DASHES[device]}"/>'
        yield f'<text x="{x + 46}" y="{top + 40}">{name}</text>'
