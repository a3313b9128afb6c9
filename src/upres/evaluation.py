"""Quality of any upscaler on any data set by any protocol.

A data set is a folder. Low-resolution pictures are taken from it where it has them and made by MATLAB-exact bicubic
reduction where it has not, always of the high-resolution picture cropped to a multiple of the scale.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError
from upres.image.convert import ColorMode, Network, to_dtype, to_float
from upres.image.io import read_pixels
from upres.image.resize import crop_to_multiple, imresize
from upres.metrics.protocol import Picture8, Protocol, find_protocol
from upres.metrics.ssim import WINDOW

SUFFIXES = frozenset({".png", ".webp", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
"""What counts as a picture in a data set's folder."""

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all pictures: once before the first, then after each."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One picture of a data set, on disk."""

    name: str
    hr: Path
    lr: Path | None = None
    """The data set's own low-resolution file; ``None`` where it is made from ``hr``."""


@dataclass(frozen=True, kw_only=True)
class LoadedPair:
    """One picture of a data set, in memory: RGB also where the file is grey."""

    name: str
    hr: Picture8
    """``(scale * H, scale * W, 3)``."""
    lr: Picture8
    """``(H, W, 3)``."""


@dataclass(frozen=True, kw_only=True)
class LoadedPairs:
    """A data set in memory, for those who evaluate on it again and again."""

    dataset: str
    scale: int
    pairs: tuple[LoadedPair, ...]


@dataclass(frozen=True, kw_only=True)
class ImageQuality:
    """How well one picture was upscaled."""

    name: str
    psnr_db: float
    ssim: float


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """How well a model did on a data set; the figures are means over its pictures."""

    model: str
    scale: int
    dataset: str
    protocol: str
    images: tuple[ImageQuality, ...]

    @property
    def psnr_db(self) -> float:
        """Mean PSNR over the pictures, in dB."""
        return math.fsum(image.psnr_db for image in self.images) / len(self.images)

    @property
    def ssim(self) -> float:
        """Mean SSIM over the pictures."""
        return math.fsum(image.ssim for image in self.images) / len(self.images)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data; an infinite PSNR, which JSON cannot hold, is ``None``."""
        return {
            "model": self.model,
            "scale": self.scale,
            "dataset": self.dataset,
            "protocol": self.protocol,
            "psnr_db": _finite(self.psnr_db),
            "ssim": self.ssim,
            "images": [
                {"name": image.name, "psnr_db": _finite(image.psnr_db), "ssim": image.ssim} for image in self.images
            ],
        }


def evaluate(
    network: Network,
    data: str | Path | LoadedPairs,
    *,
    scale: int,
    color_mode: ColorMode,
    protocol: str = "paper",
    model: str = "network",
    progress: Progress | None = None,
) -> QualityReport:
    """PSNR and SSIM of a network on every picture of a data set.

    Args:
        network: Callable from a float32 batch ``(1, C, H, W)`` in [0, 1] to ``(1, C, scale * H, scale * W)``;
            C is 1 for ``luma`` and 3 for ``rgb``. `bicubic_network` gives the usual baseline.
        data: A folder as `find_pairs` understands it, or what `load_pairs` made of one.
        scale: The network's factor.
        color_mode: ``luma`` or ``rgb``.
        protocol: A name of `upres.metrics.protocol.PROTOCOLS`.
        model: Name for the report.
        progress: Called before the first and after each picture.

    Raises:
        DataError: If the data set, the protocol or the scale do not fit each other or the network.

    Example:
        >>> from upres.evaluation import bicubic_network, evaluate
        >>> report = evaluate(bicubic_network(2), "Set5", scale=2, color_mode="rgb")  # doctest: +SKIP
        >>> round(report.psnr_db, 2)  # doctest: +SKIP
        33.68
    """
    rules = find_protocol(protocol)
    rules.check(color_mode)
    if isinstance(data, LoadedPairs):
        if data.scale != scale:
            raise DataError(f"these pairs were loaded for scale {data.scale}, the network upscales by {scale}")
        dataset, count, pairs = data.dataset, len(data.pairs), iter(data.pairs)
    else:
        found = find_pairs(data, scale)
        dataset, count, pairs = dataset_name(data), len(found), _load(found, scale)
    images: list[ImageQuality] = []
    if progress:
        progress(0, count)
    for pair in pairs:
        images.append(_measure(network, pair, rules, scale, color_mode))
        if progress:
            progress(len(images), count)
    return QualityReport(model=model, scale=scale, dataset=dataset, protocol=protocol, images=tuple(images))


def find_pairs(folder: str | Path, scale: int) -> list[Pair]:
    """The pictures of a data set, sorted by name.

    Understood are ``Set5/HR/baby.png`` with ``Set5/LR_bicubic/X2/babyx2.png`` (also with a prefix before ``HR`` and
    ``LR_bicubic``, as in DIV2K, and given as ``Set5/HR`` itself), and a plain folder of high-resolution pictures.

    Raises:
        DataError: If there is no such folder, no picture in it, or its low-resolution part is incomplete.
    """
    root = _hr_folder(Path(folder))
    files = _pictures(root)
    if not files:
        raise DataError(f"{root}: no pictures to evaluate on; looked for {', '.join(sorted(SUFFIXES))}")
    names = [file.stem for file in files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{root}: two pictures are named '{twice}'; keep one")
    lr_folder = root.with_name(root.name.removesuffix("HR") + "LR_bicubic") / f"X{scale}"
    if not (root.name.endswith("HR") and lr_folder.is_dir()):
        return [Pair(name=file.stem, hr=file) for file in files]
    low = {file.stem: file for file in _pictures(lr_folder)}
    return [Pair(name=file.stem, hr=file, lr=_lr_of(file, low, lr_folder, scale)) for file in files]


def load_pairs(folder: str | Path, scale: int) -> LoadedPairs:
    """A data set in memory, so that `evaluate` need not read and reduce it each time.

    Raises:
        DataError: As `find_pairs`; or if the two pictures of a pair do not fit each other.
    """
    pairs = tuple(_load(find_pairs(folder, scale), scale))
    return LoadedPairs(dataset=dataset_name(folder), scale=scale, pairs=pairs)


def dataset_name(folder: str | Path) -> str:
    """``Set5`` for ``.../Set5`` and for ``.../Set5/HR``."""
    path = Path(folder).resolve()
    return path.parent.name if path.name == "HR" else path.name


def bicubic_network(scale: int, *, eight_bit: bool = True) -> Network:
    """MATLAB's ``imresize`` as a network of any number of planes: the baseline of every paper.

    Args:
        scale: The factor.
        eight_bit: Resize values rounded to 8 bits and round again after each dimension, as the papers' scripts do
            with 8-bit pictures; otherwise resize the float values, neither rounded nor clamped.
    """

    def network(batch: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.stack([_enlarge(image, scale, eight_bit) for image in batch])

    return network


def _enlarge(planes: NDArray[np.float32], scale: int, eight_bit: bool) -> NDArray[np.float32]:
    image = planes.transpose(1, 2, 0)
    if eight_bit:
        image = to_float(imresize(to_dtype(image, np.uint8), scale=scale))
    else:
        image = imresize(image, scale=scale)
    return np.ascontiguousarray(image.transpose(2, 0, 1))


def _measure(network: Network, pair: LoadedPair, rules: Protocol, scale: int, color_mode: ColorMode) -> ImageQuality:
    sr = rules.estimate(network, pair.lr, scale=scale, color_mode=color_mode)
    hr = rules.reference(pair.hr)
    if sr.shape != hr.shape:
        raise DataError(
            f"{pair.name}: the network made {sr.shape[1]}x{sr.shape[0]} pixels where scale {scale} "
            f"asks for {hr.shape[1]}x{hr.shape[0]}"
        )
    least = WINDOW + 2 * rules.border_scales * scale
    if min(hr.shape[:2]) < least:
        raise DataError(
            f"{pair.name}: {hr.shape[1]}x{hr.shape[0]} pixels are too few for protocol '{rules.name}' "
            f"at scale {scale}, which needs {least}x{least}"
        )
    psnr_db, similarity = rules.score(sr, hr, scale=scale)
    return ImageQuality(name=pair.name, psnr_db=psnr_db, ssim=similarity)


def _load(pairs: Sequence[Pair], scale: int) -> Iterator[LoadedPair]:
    for pair in pairs:
        whole = _read_rgb(pair.hr)
        if min(whole.shape[:2]) < scale:
            raise DataError(f"{pair.hr}: {whole.shape[1]}x{whole.shape[0]} pixels are too few for scale {scale}")
        hr = crop_to_multiple(whole, scale)
        lr = imresize(hr, scale=Fraction(1, scale)) if pair.lr is None else _read_rgb(pair.lr)
        expected = (hr.shape[0] // scale, hr.shape[1] // scale)
        if lr.shape[:2] != expected:
            raise DataError(
                f"{pair.lr}: {lr.shape[1]}x{lr.shape[0]} pixels where {pair.hr.name} at scale {scale} "
                f"asks for {expected[1]}x{expected[0]}"
            )
        yield LoadedPair(name=pair.name, hr=hr, lr=lr)


def _read_rgb(path: Path) -> Picture8:
    pixels = read_pixels(path)
    if pixels.dtype != np.uint8:
        pixels = to_dtype(to_float(pixels), np.uint8)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return pixels


def _hr_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; a data set is a folder of pictures, or one with HR/ in it")
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.endswith("HR"))
    if len(inside) > 1:
        raise DataError(f"{folder}: several data sets ({', '.join(path.name for path in inside)}); name one of them")
    return inside[0] if inside else folder


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _lr_of(hr: Path, low: dict[str, Path], folder: Path, scale: int) -> Path:
    found = low.get(f"{hr.stem}x{scale}", low.get(hr.stem))
    if found is None:
        raise DataError(f"{folder}: no {hr.stem}x{scale}{hr.suffix} to go with {hr.name}")
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
