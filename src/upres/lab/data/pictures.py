"""Training pictures, decoded once: high-resolution images and their bicubic low-resolution partners in one file.

Decoding and shrinking 495 tiles takes about half a minute; the result is a flat array of bytes on disk that later
runs map into memory at once and share between processes.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError, OutputError
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

    Args:
        folder: Searched recursively; sorted by relative path, so the order is the same everywhere.
        scale: Factor between the two; 1 gives the picture itself as its partner.
        reduction: Pictures are first made this much smaller: photographs are soft at full size, sharp when reduced.
        cache: Where decoded pictures are kept; the user's cache folder by default (``UPRES_CACHE`` changes it).
        progress: Told how far decoding is.

    Raises:
        DataError: If the folder is missing or holds no picture.
        ImageReadError: If a picture cannot be read.
        OutputError: If the cache cannot be written.
    """
    root = Path(folder)
    files = _list_files(root)
    kind = f"x{scale}" if reduction == 1 else f"x{scale}-of-{reduction:g}"
    target = _cache_file(root, files, kind, Path(cache) if cache else cache_folder())
    if not _is_whole(target):
        _build(root, files, lambda path: _decode(path, scale, reduction), target, progress)
    return _map(target, reduction)


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


def _decode(path: Path, scale: int, reduction: float) -> tuple[Pixels, Pixels]:
    pixels = read_pixels(path)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if reduction != 1:
        pixels = imresize(pixels, scale=reduction)
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
