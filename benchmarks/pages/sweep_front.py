"""Who is on the speed-quality front of the pool on the authors' devices, and what that says of their claims."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

from benchmarks.pages.tables import table
from upres.lab.studies.sweep.job import SIZES
from upres.lab.studies.sweep.pool import ONE_LAYER, SCALES

FAMILIES = {
    "bicubic": "Bicubic",
    "esr_max": "eSR-MAX",
    "esr_tm": "eSR-TM",
    "esr_tr": "eSR-TR",
    "esr_cnn": "eSR-CNN",
    "espcn": "ESPCN",
    "fsrcnn": "FSRCNN",
}
"""Ours -> the pool's."""
DEVICES = {"AGX": "Jetson AGX", "MaxQ": "graphics card (Max-Q)", "RPI": "Raspberry Pi"}
"""Column of the reference -> its name in tables."""
_ONE_LAYER = tuple(FAMILIES[family] for family in ONE_LAYER)


@dataclass(frozen=True, kw_only=True)
class Point:
    """A network at work."""

    family: str
    """As the pool calls it."""
    size: Mapping[str, int]
    """Its letters."""
    fps: float
    psnr: float
    """On Set14 by ``esr``, in dB."""


def front(points: Iterable[Point]) -> list[Point]:
    """Those that are better than every faster one, the fastest first."""
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (-point.fps, -point.psnr)):
        if not found or point.psnr > found[-1].psnr:
            found.append(point)
    return found


def published(reference: Iterable[Mapping[str, str]], device: str, scale: int) -> list[Point]:
    """The pool as its authors measured it."""
    points = []
    for row in reference:
        family, factor, *letters = row["name"].split("_")
        if factor == f"s{scale}":
            size = {letter[0]: int(letter[1:]) for letter in letters}
            fps, psnr = float(row[f"speed_{device}"]), float(row["psnr_Set14"])
            points.append(Point(family=family, size=size, fps=fps, psnr=psnr))
    return points


def ours(sweep: Iterable[Mapping[str, str]], scale: int) -> list[Point]:
    """What was measured of our own sweep; networks without a latency count as infinitely slow."""
    return [
        Point(
            family=FAMILIES[row["family"]],
            size={letter: int(row[letter]) for letter in SIZES if row[letter]},
            fps=1000 / float(row["latency_ms"]) if row.get("latency_ms") else 0.0,
            psnr=float(row["psnr_set14_esr"]),
        )
        for row in sweep
        if row["scale"] == str(scale)
    ]


def fronts(reference: Sequence[Mapping[str, str]]) -> str:
    """A line a device and scale: the families along the front."""
    lines = []
    for device, scale, points in _everywhere(reference):
        found = front(points)
        groups = [(family, len(list(each))) for family, each in groupby(found, key=lambda point: point.family)]
        lines.append(
            (
                f"{DEVICES[device]} x{scale}",
                f"{found[0].fps:.4g} to {found[-1].fps:.3g}",
                f"{found[0].psnr:.2f} to {found[-1].psnr:.2f}",
                ", ".join(family if count == 1 else f"{count} {family}" for family, count in groups),
            )
        )
    columns = ("", "frames a second", "Set14", "from the fastest to the best")
    return table(columns, lines, align=("---", "--:", "--:", "---"))


def claims(reference: Sequence[Mapping[str, str]], sweep: Sequence[Mapping[str, str]]) -> str:
    """The paper's six conclusions beside figures."""
    pool = {(device, scale): points for device, scale, points in _everywhere(reference)}
    found = {where: front(points) for where, points in pool.items()}
    best = [points[-1].family for points in found.values()]
    middles = [point for points in found.values() for point in _middle(points)]
    mine = [ours(sweep, scale) for scale in SCALES]

    def one_layer(device: str) -> str:
        shares = (f"x{s} {_count(found[device, s], *_ONE_LAYER)} of {len(found[device, s])}" for s in SCALES)
        return f"{DEVICES[device]}, networks of one layer on the front: {', '.join(shares)}"

    def beaten(of: str, by: str) -> str:
        shares = [_beaten(points, of, by) for points in pool.values()]
        return f"{min(shares):.0%} to {max(shares):.0%}"

    def worse_with_more(family: str) -> str:
        theirs, own = (_worse_with_more(points, family) for points in ([pool["AGX", s] for s in SCALES], mine))
        return f"{family} {theirs:.0%}{'' if own is None else f' (ours {own:.0%})'}"

    rows = (
        ("edge-SR bridges classic and deep on an embedded GPU", one_layer("AGX")),
        ("so it does on a Raspberry Pi at x2 and x3; at x4 bicubic wins", one_layer("RPI")),
        ("ESPCN is the fastest of high quality", f"it is the best on {best.count('ESPCN')} of {len(best)} fronts"),
        (
            "eSR-CNN is no better than ESPCN, but faster",
            f"some ESPCN is faster and better than {beaten('eSR-CNN', 'ESPCN')} of the eSR-CNNs of a device and scale, "
            f"some eSR-CNN than {beaten('ESPCN', 'eSR-CNN')} of the ESPCNs",
        ),
        (
            "eSR-MAX is the fastest, and unsteady in quality",
            "of two of one scale and K the one of more candidates is worse: "
            + ", ".join(map(worse_with_more, _ONE_LAYER)),
        ),
        (
            "eSR-TM and eSR-TR are the best in the middle",
            f"of the {len(middles)} networks in the middle third of each front's quality "
            f"{_count(middles, *_ONE_LAYER[1:])} are theirs, {_count(middles, 'ESPCN')} ESPCN, "
            f"{_count(middles, 'eSR-CNN')} eSR-CNN, {_count(middles, 'eSR-MAX')} eSR-MAX",
        ),
    )
    return table(("the authors say", "their figures, and ours where there are any"), rows)


def _everywhere(reference: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, int, list[Point]]]:
    for device in DEVICES:
        for scale in SCALES:
            yield device, scale, published(reference, device, scale)


def _of(points: Iterable[Point], family: str) -> list[Point]:
    return [point for point in points if point.family == family]


def _count(points: Iterable[Point], *families: str) -> int:
    return sum(point.family in families for point in points)


def _beaten(points: Sequence[Point], of: str, by: str) -> float:
    """Share of a family's networks than which one of another family is faster and better."""
    rivals = front(_of(points, by))
    own = _of(points, of)
    return sum(any(r.fps > p.fps and r.psnr > p.psnr for r in rivals) for p in own) / len(own)


def _middle(points: Sequence[Point]) -> list[Point]:
    """The part of a front whose quality is in the middle third of its range."""
    low, high = points[0].psnr, points[-1].psnr
    third = (high - low) / 3
    return [point for point in points if low + third <= point.psnr <= high - third]


def _worse_with_more(everywhere: Iterable[Sequence[Point]], family: str) -> float | None:
    """Share of pairs of one scale and K in which the network of more candidates is the worse one."""
    pairs = [
        (fewer, more)
        for points in everywhere
        for fewer, more in combinations(sorted(_of(points, family), key=lambda point: point.size["C"]), 2)
        if fewer.size["K"] == more.size["K"]
    ]
    return sum(more.psnr < fewer.psnr for fewer, more in pairs) / len(pairs) if pairs else None
