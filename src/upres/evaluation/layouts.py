"""Where the two pictures of a pair lie in data sets for restoration, whose pictures of low quality keep the size.

Known are pairs of folders with pictures of one name, as most sets come, and files of one folder whose names differ in
one part, as SIDD and RealSR come. Whoever trains and whoever measures finds them here.

Reference: Abdelhamed et al., 2018 (SIDD); Plötz and Roth, 2017, arXiv:1707.01313 (DND); Cai et al., 2019,
arXiv:1904.00523 (RealSR); Wei et al., 2018, arXiv:1808.04560 (LOL); Bychkovsky et al., 2011 (FiveK).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from upres.errors import DataError
from upres.image.io import extensions

FOLDERS: Sequence[tuple[str, str]] = (
    ("noisy", "clean"),
    ("low", "high"),
    ("low", "normal"),  # LOL-v2, whose files are low00001 and normal00001
    ("input", "target"),
    ("input_crops", "target_crops"),  # SIDD, cut up by MIRNet-v2's and Restormer's programs
    ("input", "expertC"),  # FiveK: of its five experts the one that papers compare with
)
"""Folders beside each other, of low quality and of true pictures; capitals do not matter."""

_BESIDE: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"(.*)NOISY_SRGB(.*)"), r"\1GT_SRGB\2"),  # SIDD
    (re.compile(r"(.*)_LR[234]"), r"\1_HR"),  # RealSR
)
"""Names of pictures of low quality, and what the true ones in the same folder are called."""

_WITHOUT_TRUTH = ("info.mat", "images_srgb", "images_raw")
"""What DND's folder holds."""


@dataclass(frozen=True, kw_only=True)
class PairedFiles:
    """A data set whose pictures come in pairs of one size."""

    says: str
    """What they are, for messages: ``noisy/ and clean/``."""
    files: Mapping[str, tuple[Path, Path]]
    """Name -> the picture of low quality and the true one, sorted by name."""
    true_folder: Path | None = None
    """Where the true pictures lie, if nothing else lies there."""


def find_paired(folder: Path) -> PairedFiles | None:
    """The pairs of one size in a folder; ``None`` where it holds none.

    Raises:
        DataError: If pairs are incomplete, there are several data sets in the folder, or the data set has no truth.
    """
    if any((folder / name).exists() for name in _WITHOUT_TRUTH):
        raise DataError(
            f"{folder}: DND keeps its true pictures to itself, so that nothing can be trained or measured on it; "
            "restore its pictures and send them to its site"
        )
    both = _both(folder)
    if both is not None:
        return _of_folders(*both)
    inside = [child.name for child in _folders(folder) if _both(child)]
    if inside:
        raise DataError(f"{folder}: pairs of pictures lie in {', '.join(inside)}; name one of them")
    return _of_names(folder)


def named_pictures(folder: Path) -> list[Path]:
    """The pictures of a folder, sorted, each under a name of its own.

    Raises:
        DataError: If there is none, or two have one name.
    """
    files = pictures_of(folder.iterdir())
    if not files:
        raise DataError(f"{folder}: no picture in it; a data set is a folder of pictures, or one with HR/ in it")
    names = [file.stem for file in files]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{folder}: two pictures are named '{twice}'; keep one of them")
    return files


def pictures_of(paths: Iterator[Path]) -> list[Path]:
    """Those of the paths that are pictures, sorted."""
    known = extensions()
    return sorted(path for path in paths if path.suffix.lower() in known and path.is_file())


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _both(folder: Path) -> tuple[Path, Path] | None:
    """The folders of low quality and of true pictures, where there are both."""
    inside = {path.name.lower(): path for path in _folders(folder)}
    found = ((inside.get(low), inside.get(true.lower())) for low, true in FOLDERS)
    return next(((low, true) for low, true in found if low and true), None)


def _of_folders(low_folder: Path, true_folder: Path) -> PairedFiles:
    low, true = (_by_name(each) for each in (low_folder, true_folder))
    for name in sorted(low.keys() ^ true.keys()):
        there, lacking = (low[name], true_folder) if name in low else (true[name], low_folder)
        raise DataError(f"{lacking}: no {name} to go with {there}")
    return PairedFiles(
        says=f"{low_folder.name}/ and {true_folder.name}/",
        files={name: (low[name], file) for name, file in true.items()},
        true_folder=true_folder,
    )


def _by_name(folder: Path) -> dict[str, Path]:
    """The pictures by their names, without the folder's name where all begin with that."""
    files = named_pictures(folder)
    prefix = folder.name.lower()
    named = {file.stem: file for file in files}
    shared = all(stem.lower().startswith(prefix) and len(stem) > len(prefix) for stem in named)
    return {stem[len(prefix) :]: file for stem, file in named.items()} if shared else named


def _of_names(folder: Path) -> PairedFiles | None:
    files = pictures_of(folder.rglob("*")) if folder.is_dir() else []
    by_stem = {file.with_suffix(""): file for file in files}
    for pattern, true_name in _BESIDE:
        low = {stem: match for stem in by_stem if (match := pattern.fullmatch(stem.name))}
        if not low:
            continue
        _require_one_kind(folder, [stem.relative_to(folder) for stem in low])
        found = {}
        for stem, match in low.items():
            true = by_stem.get(stem.with_name(match.expand(true_name)))
            if true is None:
                raise DataError(f"{stem.parent}: no {match.expand(true_name)} to go with {by_stem[stem].name}")
            found[str(stem.relative_to(folder))] = (by_stem[stem], true)
        return PairedFiles(says=f"{by_stem[next(iter(low))].name} and the like", files=dict(sorted(found.items())))
    return None


def _require_one_kind(folder: Path, stems: Sequence[Path]) -> None:
    """Refuse what is RealSR's: several factors, and pictures to train on among those to measure on."""
    factors = {stem.name[-3:] for stem in stems if stem.name[-3:-1] == "LR"}
    parts = {part for stem in stems for part in stem.parts[:-1] if part in ("Train", "Test")}
    for several in (factors, parts):
        if len(several) > 1:
            names = ", ".join(sorted(several))
            raise DataError(f"{folder}: pictures of {names} lie below it; name the folder of one of them")
