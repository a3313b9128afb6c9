"""Data sets: folders of true pictures, and the pictures of lower quality that go with them.

For scales above 1 these are smaller: the data set's own low-resolution pictures where it has them; otherwise
MATLAB-exact bicubic reduction makes them. The high-resolution picture is always cropped to a multiple of the scale
first. For scale 1, restoration, they are the data set's own, of the same size, noisy and clean; or a `Fault` makes
them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from upres.errors import DataError, Hint
from upres.evaluation.faults import Fault
from upres.evaluation.layouts import FOLDERS, PairedFiles, find_paired, named_pictures, pictures_of
from upres.image.convert import to_dtype, to_float
from upres.image.io import read_pixels
from upres.image.resize import crop_to_multiple, imresize
from upres.metrics.protocol import Picture8


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One picture of a data set, on disk."""

    name: str
    hr: Path
    """The true picture."""
    lr: Path | None = None
    """The data set's own file of lower resolution, or at scale 1 of lower quality; ``None`` where it is made from
    ``hr``."""


@dataclass(frozen=True, kw_only=True)
class LoadedPair:
    """One picture of a data set, in memory: RGB also where the file is grey."""

    name: str
    hr: Picture8
    """The true picture, ``(scale * H, scale * W, 3)``."""
    lr: Picture8
    """What the network is given, ``(H, W, 3)``."""


@dataclass(frozen=True, kw_only=True)
class LoadedPairs:
    """A data set in memory, for those who evaluate on it again and again."""

    dataset: str
    scale: int
    pairs: tuple[LoadedPair, ...]
    fault: Fault | None = None
    """What befell the true pictures, where the data set has no others."""


def find_pairs(folder: str | Path, scale: int, fault: Fault | None = None) -> list[Pair]:
    """The pictures of a data set, sorted by name.

    Understood are ``Set5/HR/baby.png`` with ``Set5/LR_bicubic/X2/babyx2.png`` (also with a prefix before ``HR`` and
    ``LR_bicubic``, as in DIV2K, and given as ``Set5/HR`` itself), and a plain folder of high-resolution pictures. At
    scale 1 ``PolyU50/noisy/plug.jpg`` with ``PolyU50/clean/plug.jpg`` and the other layouts of `find_paired`.

    With a fault, which makes the pictures of lower quality, a data set of true pictures is one for scale 1.

    Raises:
        DataError: If there is no such folder, no picture in it, the pictures of lower quality are incomplete, or the
            data set is for another scale; or if a fault is asked for where the pictures have their own, or above
            scale 1.
    """
    paired = find_paired(Path(folder))
    if fault is not None:
        _require_true_pictures(folder, scale, fault, paired)
        return [Pair(name=file.stem, hr=file) for file in named_pictures(_hr_folder(Path(folder)))]
    if paired is not None:
        return _paired(Path(folder), paired, scale)
    root = _hr_folder(Path(folder))
    files = named_pictures(root)
    lr_folder = root.with_name(root.name.removesuffix("HR") + "LR_bicubic") / f"X{scale}"
    if not (root.name.endswith("HR") and lr_folder.is_dir()):
        if scale == 1:
            folders = ", or ".join(f"{low}/ and {true}/" for low, true in FOLDERS[:2])
            raise DataError(
                f"{folder}: nothing to restore in it; at scale 1 a data set is a folder with {folders}, or as SIDD, "
                "RealSR, LOL or FiveK come",
                hint=Hint.MAKE_FAULTS,
            )
        return [Pair(name=file.stem, hr=file) for file in files]
    low = {file.stem: file for file in pictures_of(lr_folder.iterdir())}
    return [Pair(name=file.stem, hr=file, lr=_lr_of(file, low, lr_folder, scale)) for file in files]


def load_pairs(folder: str | Path, scale: int, fault: Fault | None = None) -> LoadedPairs:
    """A data set in memory, so that `evaluate` need not read and reduce it each time.

    Raises:
        DataError: As `find_pairs`; or if the two pictures of a pair do not fit each other.
        ImageError: If a picture cannot be read.
    """
    pairs = tuple(load_each(find_pairs(folder, scale, fault), scale, fault))
    return LoadedPairs(dataset=dataset_name(folder), scale=scale, pairs=pairs, fault=fault)


def load_each(pairs: Sequence[Pair], scale: int, fault: Fault | None = None) -> Iterator[LoadedPair]:
    """The pictures one at a time, each read when its turn comes."""
    for pair in pairs:
        whole = _read_rgb(pair.hr)
        if min(whole.shape[:2]) < scale:
            raise DataError(f"{pair.hr}: {whole.shape[1]}x{whole.shape[0]} pixels are too few for scale {scale}")
        hr = crop_to_multiple(whole, scale)
        if pair.lr is not None:
            lr = _read_rgb(pair.lr)
        else:
            lr = fault.befall(hr, pair.name) if fault else imresize(hr, scale=Fraction(1, scale))
        height, width = (length // scale for length in hr.shape[:2])
        if lr.shape[:2] != (height, width):
            raise DataError(
                f"{pair.lr}: {lr.shape[1]}x{lr.shape[0]} pixels, and {pair.hr.name} at scale {scale} "
                f"asks for {width}x{height}"
            )
        yield LoadedPair(name=pair.name, hr=hr, lr=lr)


def dataset_name(folder: str | Path) -> str:
    """``Set5`` for ``.../Set5`` and for ``.../Set5/HR``."""
    path = Path(folder).resolve()
    return path.parent.name if path.name == "HR" else path.name


def _require_true_pictures(folder: str | Path, scale: int, fault: Fault, paired: PairedFiles | None) -> None:
    if scale != 1:
        raise DataError(f"{fault}: made of true pictures for scale 1, and the scale asked for is {scale}; leave it out")
    if paired is not None:
        raise DataError(
            f"{folder}: {fault} was asked for, and its pictures of low quality are its own ({paired.says}); leave the "
            f"fault out, or name {paired.true_folder or 'a folder of the true pictures alone'}"
        )


def _read_rgb(path: Path) -> Picture8:
    pixels = read_pixels(path)
    if pixels.dtype != np.uint8:
        pixels = to_dtype(to_float(pixels), np.uint8)
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels


def _hr_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; a data set is a folder of pictures, or one with HR/ in it")
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.endswith("HR"))
    if len(inside) > 1:
        raise DataError(f"{folder}: several data sets ({', '.join(path.name for path in inside)}); name one of them")
    return inside[0] if inside else folder


def _paired(folder: Path, found: PairedFiles, scale: int) -> list[Pair]:
    if scale != 1:
        instead = f"; name {found.true_folder} to reduce and enlarge its pictures" if found.true_folder else ""
        raise DataError(
            f"{folder}: {found.says} are of one size, for scale 1, and the scale asked for is {scale}{instead}"
        )
    return [Pair(name=name, hr=true, lr=low) for name, (low, true) in found.files.items()]


def _lr_of(hr: Path, low: dict[str, Path], folder: Path, scale: int) -> Path:
    found = low.get(f"{hr.stem}x{scale}", low.get(hr.stem))
    if found is None:
        raise DataError(f"{folder}: no {hr.stem}x{scale}{hr.suffix} to go with {hr.name}")
    return found
