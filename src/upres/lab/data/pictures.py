"""Training pictures, decoded once: high-resolution images and their bicubic low-resolution partners in one file.

Data sets that bring both pictures of a pair, for scale 1, are kept the same way. Decoding and shrinking 495 tiles takes
about half a minute; the result is a flat array of bytes on disk that later runs map into memory at once and share
between processes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError, OutputError
from upres.evaluation.layouts import PairedFiles, find_paired
from upres.image.io import extensions, read_pixels
from upres.image.resize import crop_to_multiple, imresize
from upres.machine.atomic import atomic_file, write_text
from upres.machine.cache import cache_folder

Pixels = NDArray[np.uint8]
Progress = Callable[[int, int], None]
"""Called with (done, total) after each picture."""

REDUCTIONS = (1.0, 0.5, 0.25)
"""Sizes at which RGB networks see their pictures: reduced photographs are as sharp as the pictures that networks are
judged on."""

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class PicturePair:
    """One training picture: ``hr`` is ``(H * scale, W * scale, 3)``, ``lr`` is ``(H, W, 3)``."""

    name: str
    hr: Pixels
    lr: Pixels
    reduction: float = 1.0
    """Size of ``hr`` over the size of the picture as it was found."""


def load_pictures(
    folder: str | Path,
    scale: int,
    *,
    reduction: float = 1.0,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[PicturePair, ...]:
    """Every picture below ``folder`` as 8-bit RGB, cropped to a multiple of ``scale``, beside its bicubic partner.

    Of a data set whose pictures come in pairs (`upres.evaluation.layouts`), the pairs as they are.

    Args:
        folder: Searched recursively; sorted by relative path, so the order is the same everywhere.
        scale: Factor between the two; 1 gives the picture itself as its partner.
        reduction: Pictures are first made this much smaller: photographs are soft at full size, sharp when reduced.
        cache: Where decoded pictures are kept; the user's cache folder by default (``UPRES_CACHE`` changes it).
        progress: Told how far decoding is.

    Raises:
        DataError: If the folder is missing or holds no picture, or one of fewer pixels than the scale; or if it holds
            pairs, and these are not of one size, or another scale or size is asked for.
        ImageReadError: If a picture cannot be read.
        OutputError: If the cache cannot be written.
    """
    root, place = Path(folder), Path(cache) if cache else cache_folder()
    paired = find_paired(root)
    if paired is not None:
        return _load_paired(root, paired, scale, reduction, place, progress)
    files = _list_files(root)
    target = _cache_file(root, files, _shown_as(scale, reduction), place)
    if not _is_whole(target):
        _build(root, files, lambda path: _pair(_read_rgb(path), scale, reduction, path), target, progress)
    return _map(target, reduction)


def load_made(
    makes: Mapping[str, Callable[[], Pixels]],
    scale: int,
    *,
    kind: str,
    reduction: float = 1.0,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> tuple[PicturePair, ...]:
    """Pictures that a program makes, once, beside their bicubic partners.

    Args:
        makes: Name -> function that gives the picture; called by threads.
        scale: As for `load_pictures`, like the rest.
        kind: With the names, what the pictures depend on: other ones need another.
        reduction: Likewise.
        cache: Likewise.
        progress: Likewise.

    Raises:
        OutputError: If the cache cannot be written.
    """
    if not makes:
        return ()
    place, shown = Path(cache) if cache else cache_folder(), _shown_as(scale, reduction)
    digest = hashlib.sha256(f"{_FORMAT} {kind} {shown} {' '.join(makes)}".encode()).hexdigest()
    target = place / "pictures" / f"{shown}-{digest[:20]}.bin"
    if not _is_whole(target):
        _build(
            Path(),
            [Path(name) for name in makes],
            lambda name: _pair(makes[str(name)](), scale, reduction, name),
            target,
            progress,
        )
    return _map(target, reduction)


def _shown_as(scale: int, reduction: float) -> str:
    return f"x{scale}" if reduction == 1 else f"x{scale}-of-{reduction:g}"


def _load_paired(
    root: Path, paired: PairedFiles, scale: int, reduction: float, cache: Path, progress: Progress | None
) -> tuple[PicturePair, ...]:
    if scale != 1 or reduction != 1:
        raise DataError(
            f"{root}: {paired.says} are pairs of one size, for scale 1 and reductions=[1]; asked for are scale {scale} "
            f"and a reduction to {reduction:g}"
        )
    partners = {true: low for low, true in paired.files.values()}
    target = _cache_file(root, [*partners, *partners.values()], "pairs", cache)
    if not _is_whole(target):
        _build(root, list(partners), lambda true: _decode_pair(true, partners[true]), target, progress)
    return _map(target, 1.0)


def _list_files(root: Path) -> list[Path]:
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected a folder of pictures")
    known = extensions()
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() in known and path.is_file())
    if not files:
        raise DataError(f"{root}: no picture in it")
    return files


def _cache_file(root: Path, files: Sequence[Path], kind: str, cache: Path) -> Path:
    digest = hashlib.sha256(f"{_FORMAT} {kind}".encode())
    for path in files:
        stat = path.stat()
        digest.update(f"{path.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return cache / "pictures" / f"{kind}-{digest.hexdigest()[:20]}.bin"


def _build(
    root: Path,
    files: Sequence[Path],
    decode: Callable[[Path], tuple[Pixels, Pixels]],
    target: Path,
    progress: Progress | None,
) -> None:
    """Write pixels to ``target`` and, last of all, the index beside it: an index means that the pixels are whole."""
    index: list[dict[str, object]] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(target) as out, ThreadPoolExecutor() as pool:
            for done, (path, (hr, lr)) in enumerate(zip(files, pool.map(decode, files), strict=True)):
                index.append(
                    {"name": str(path.relative_to(root)), "offset": out.tell(), "hr": hr.shape, "lr": lr.shape}
                )
                out.write(hr.tobytes())
                out.write(lr.tobytes())
                if progress is not None:
                    progress(done + 1, len(files))
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})") from error
    write_text(target.with_suffix(".json"), json.dumps(index))


def _is_whole(target: Path) -> bool:
    """Whether the index is there, can be read, and speaks of no more bytes than there are: disks lose ends of files."""
    try:
        entries = json.loads(target.with_suffix(".json").read_text())
        ends = [entry["offset"] + sum(int(np.prod(entry[part])) for part in ("hr", "lr")) for entry in entries]
        return bool(ends) and all(entry["name"] for entry in entries) and max(ends) <= target.stat().st_size
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _decode_pair(true: Path, low: Path) -> tuple[Pixels, Pixels]:
    hr, lr = _read_rgb(true), _read_rgb(low)
    if hr.shape != lr.shape:
        sizes = " and ".join(f"{each.shape[1]}x{each.shape[0]}" for each in (lr, hr))
        raise DataError(f"{low}: a pair must be of one size, and this picture and {true.name} have {sizes} pixels")
    return hr, lr


def _read_rgb(path: Path) -> Pixels:
    pixels = read_pixels(path)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _pair(pixels: Pixels, scale: int, reduction: float, path: Path) -> tuple[Pixels, Pixels]:
    if reduction != 1:
        pixels = imresize(pixels, scale=reduction)
    if min(pixels.shape[:2]) < scale:
        raise DataError(f"{path}: {pixels.shape[1]}x{pixels.shape[0]} pixels are too few for scale {scale}")
    hr = np.ascontiguousarray(crop_to_multiple(pixels, scale))
    return hr, hr if scale == 1 else imresize(hr, scale=1 / scale)


def _map(target: Path, reduction: float) -> tuple[PicturePair, ...]:
    data = np.memmap(target, dtype=np.uint8, mode="r")
    return tuple(
        PicturePair(
            name=entry["name"], hr=hr, lr=_view(data, entry["offset"] + hr.size, entry["lr"]), reduction=reduction
        )
        for entry in json.loads(target.with_suffix(".json").read_text())
        for hr in (_view(data, entry["offset"], entry["hr"]),)
    )


def _view(data: Pixels, offset: int, shape: Sequence[int]) -> Pixels:
    return data[offset : offset + int(np.prod(shape))].reshape(tuple(shape))
