"""Every figure by name: what is computed of a network and a picture, and the two files that come of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from upres.errors import DataError, Hint, OutputError, OutputExistsError, UnsupportedModelError, near_miss
from upres.image.color import luma
from upres.image.convert import to_batch, to_float
from upres.image.io import read_pixels
from upres.lab.complexity import receptive_field
from upres.lab.compress.fold import fold, foldable_layers
from upres.lab.inspect.drawings import draw_attribution, draw_pairs, draw_spectra
from upres.lab.inspect.receptive import attribution, diffusion_index, extent
from upres.lab.inspect.similarity import similarities
from upres.lab.inspect.spectra import spectra
from upres.lab.subject import Subject
from upres.machine.atomic import atomic_file, write_text

_EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "chelsea.png"
"""A photograph that a checkout has."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How networks are looked into."""

    side: int = 128
    """Of the square in the middle of the picture that is looked at, in pixels; less where the picture is smaller."""
    max_offset: int = 1
    """Pixels by which a partner may be shifted, each way."""
    tolerance: float = 0.1
    """Error up to which a channel counts as explained by its partner."""
    pairs: int = 6
    """Rows of the figure of similar features, each of another layer."""


def _similarity(subject: Subject, batch: Tensor, settings: Settings) -> tuple[dict[str, Any], bytes]:
    layers, pairs = similarities(subject.network, batch, max_offset=settings.max_offset, tolerance=settings.tolerance)
    shown = sorted(pairs, key=lambda pair: pair.likeness.error)[: settings.pairs]
    facts = {"max_offset": settings.max_offset, "tolerance": settings.tolerance}
    return {**facts, "layers": [layer.to_dict() for layer in layers]}, draw_pairs(shown)


def _receptive(subject: Subject, batch: Tensor, settings: Settings) -> tuple[dict[str, Any], bytes]:
    del settings  # one kind of attribution, as the paper has it
    strength = attribution(subject.network, batch)
    index, side = diffusion_index(strength), extent(strength)
    planes = np.moveaxis(batch[0].numpy(), 0, -1)
    picture = planes[..., 0] if planes.shape[-1] == 1 else planes
    reach = receptive_field(subject.network)
    facts = {"diffusion_index": index, "extent": side, "receptive_field": reach}
    return facts, draw_attribution(picture, strength.numpy(), extent=side, index=index)


def _spectrum(subject: Subject, batch: Tensor, settings: Settings) -> tuple[dict[str, Any], bytes]:
    del settings  # shifts by one pixel, as the ghosts of the paper
    layers = spectra(subject.network, batch)
    if not layers:
        raise UnsupportedModelError(f"{subject.card.name} has no convolution with several channels")
    return {"layers": [asdict(layer) for layer in layers]}, draw_spectra(layers)


Figure = Callable[[Subject, Tensor, Settings], tuple[dict[str, Any], bytes]]
"""Gives what the JSON holds, and the PNG."""

FIGURES: Mapping[str, tuple[str, Figure]] = {
    "similarity": ("channels that resemble a shifted other channel of their layer", _similarity),
    "receptive": ("which input pixels an output depends on, and how strongly", _receptive),
    "spectrum": ("high frequencies of features, shifted features and their differences", _spectrum),
}
"""Name -> its line in the help, and how it is made."""


def inspect(
    subject: Subject,
    picture: str | Path | None,
    folder: str | Path,
    *,
    figures: Sequence[str] = tuple(FIGURES),
    settings: Settings | None = None,
    overwrite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Look into a network and write ``NAME.json`` and ``NAME.png`` of every figure asked for.

    Convolutions with branches are folded first, which computes the same.

    Args:
        subject: The network.
        picture: What it gets to see, as it would in use; ``None``: the example of a checkout.
        folder: Made where it is missing.
        figures: Names of `FIGURES`.
        settings: The defaults where there are none.
        overwrite: Whether files that are there may be replaced.

    Returns:
        Name -> what its JSON holds.

    Raises:
        DataError: If there is no such figure, or no picture, or the picture is too small.
        OutputError: If a file cannot be written, or is there already.
        UnsupportedModelError: If the network has nothing to show.
    """
    settings, folder = settings or Settings(), Path(folder)
    for name in figures:
        if name not in FIGURES:
            raise DataError(f"no figure '{name}'.{near_miss(name, FIGURES)} Known: {', '.join(FIGURES)}")
    if not overwrite:
        _require_free(folder, figures)
    if picture is None and not _EXAMPLE.is_file():
        raise DataError("this installation has no example picture; name one")
    path = Path(picture or _EXAMPLE)
    folded = subject
    if foldable_layers(subject.network):
        folded = Subject(network=fold(subject.network)[0], card=subject.card, trained=subject.trained)
    batch = example_batch(subject, path, side=settings.side)
    card = subject.card
    facts = {
        "model": card.name,
        "architecture": card.architecture,
        "transforms": list(card.spec.transforms),
        "picture": path.name,
        "input": f"{batch.shape[-1]}x{batch.shape[-2]}",
    }
    reports = {}
    for name in dict.fromkeys(figures):
        found, png = FIGURES[name][1](folded, batch, settings)
        reports[name] = {**facts, **found}
        _write(folder / name, reports[name], png)
    return reports


def example_batch(subject: Subject, picture: Path, *, side: int) -> Tensor:
    """The middle of a picture as the network gets it, ``(1, C, H, W)``.

    Raises:
        DataError: If it is smaller than what the network takes.
        ImageError: If it cannot be read.
    """
    pixels = to_float(read_pixels(picture))
    multiple, least = subject.card.multiple_of, max(subject.card.min_size, 16)
    height, width = (min(side, size) // multiple * multiple for size in pixels.shape[:2])
    if min(height, width) < least:
        raise DataError(f"{picture}: {subject.card.name} is looked into with {least}x{least} pixels or more")
    top, left = ((whole - part) // 2 for whole, part in zip(pixels.shape[:2], (height, width), strict=True))
    cut = pixels[top : top + height, left : left + width]
    if subject.card.color_mode == "luma":
        cut = cut if cut.ndim == 2 else luma(cut, studio=False)
    elif cut.ndim == 2:
        cut = np.repeat(cut[..., None], 3, axis=2)
    return torch.from_numpy(to_batch(np.ascontiguousarray(cut)))


def _require_free(folder: Path, figures: Sequence[str]) -> None:
    for name in figures:
        for path in (folder / f"{name}.json", folder / f"{name}.png"):
            if path.exists():
                raise OutputExistsError(f"{path} is there already", hint=Hint.OVERWRITE)


def _write(stem: Path, report: Mapping[str, Any], png: bytes) -> None:
    write_text(stem.with_suffix(".json"), json.dumps(report, indent=1) + "\n")
    path = stem.with_suffix(".png")
    try:
        with atomic_file(path) as stream:
            stream.write(png)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
