"""The statistics of good photographs that `upres.metrics.niqe` compares with, and how they are made.

``python -m upres.metrics.pristine ../shared/data/train`` fits them anew to a folder of pictures and writes
``niqe.json`` beside this file.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError
from upres.image.io import extensions, read_pixels
from upres.metrics.scene_statistics import FEATURES, block_features

STATISTICS = Path(__file__).with_name("niqe.json")

SHARPEST = 0.75
"""Blocks with less than this share of the contrast of the picture's richest block say little and are left out."""

_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Pristine:
    """A multivariate Gaussian of block parameters, and on what it rests."""

    mean: NDArray[np.float64]
    """``(36,)``."""
    covariance: NDArray[np.float64]
    """``(36, 36)``."""
    facts: Mapping[str, Any]
    """Pictures, blocks, licences and collections."""

    def save(self, path: Path) -> None:
        """Write the statistics; of the covariance the upper triangle, row by row."""
        upper = self.covariance[np.triu_indices(FEATURES)]
        content = {**self.facts, "mean": _rounded(self.mean), "covariance": _rounded(upper)}
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
        path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


@cache
def load(path: Path = STATISTICS) -> Pristine:
    """The statistics that come with the package, or those of another file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    mean, upper = (np.array(content.pop(key)) for key in ("mean", "covariance"))
    covariance = np.empty((FEATURES, FEATURES))
    covariance[np.triu_indices(FEATURES)] = upper
    covariance.T[np.triu_indices(FEATURES)] = upper
    return Pristine(mean=mean, covariance=covariance, facts=content)


def fit(folder: str | Path) -> Pristine:
    """The statistics of the pictures in a folder, whose licences its ``SOURCES.csv`` tells.

    Raises:
        DataError: If the folder has no pictures, or no ``SOURCES.csv`` that names all of them.
        ImageError: If a picture cannot be read.
    """
    files = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in extensions())
    if not files:
        raise DataError(f"{folder}: no picture in it; expected a folder of photographs")
    chosen = []
    for file in files:
        features, contrast = block_features(read_pixels(file))
        textured = np.isfinite(features).all(axis=1) & (contrast > SHARPEST * contrast.max())
        chosen.append(features[textured])
    blocks = np.concatenate(chosen)
    facts = {
        "written_by": "python -m upres.metrics.pristine",
        "note": "means and covariances of block statistics; no picture can be made of them",
        "folder": Path(folder).resolve().name,
        "pictures": len(files),
        "blocks": len(blocks),
        **_sources(Path(folder), [file.name for file in files]),
    }
    return Pristine(mean=blocks.mean(axis=0), covariance=np.cov(blocks, rowvar=False), facts=facts)


def _sources(folder: Path, names: list[str]) -> dict[str, Any]:
    """How many pictures are under which licence."""
    sources = folder / "SOURCES.csv"
    if not sources.is_file():
        raise DataError(f"{sources}: no such file; expected the columns file and licence_as_stated, a row a picture")
    with sources.open(newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    missing = [name for name in names if name not in rows]
    if missing:
        raise DataError(f"{sources} does not name {missing[0]} ({len(missing)} pictures missing in all)")
    return {"licences": dict(sorted(Counter(rows[name]["licence_as_stated"] for name in names).items()))}


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.{_DIGITS}g}") for value in values]


if __name__ == "__main__":
    fit(sys.argv[1]).save(STATISTICS)
