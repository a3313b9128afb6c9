"""Every figure by name: what is computed of a network and a picture, and the two files that come of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from upres.errors import DataError, Hint, OutputError, OutputExistsError, UnsupportedModelError, near_miss
from upres.image.color import luma
from upres.image.convert import to_batch, to_float
from upres.image.io import read_pixels
from upres.lab.complexity import receptive_field
from upres.lab.compress.fold import fold, foldable_layers
from upres.lab.inspect.choice import BANDS, SURE, choice, power_of_bands
from upres.lab.inspect.drawings import draw_attribution, draw_pairs, draw_spectra
from upres.lab.inspect.drawings_of_filters import draw_bands, draw_choice, draw_kernels
from upres.lab.inspect.kernels import kernels, strongest
from upres.lab.inspect.page import page
from upres.lab.inspect.receptive import attribution, diffusion_index, extent
from upres.lab.inspect.similarity import similarities
from upres.lab.inspect.spectra import spectra
from upres.lab.subject import Subject
from upres.machine.atomic import atomic_file, write_text

_EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "chelsea.png"
"""A photograph that a checkout has."""
_PAGE = "index.html"


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
    kernels: int = 8
    """Of each group, the strongest, that the figure of filters shows."""


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


def _filters(subject: Subject, batch: Tensor, settings: Settings) -> tuple[dict[str, Any], bytes]:
    del batch  # filters are the same for every picture
    found = kernels(subject.network)
    if not found:
        raise UnsupportedModelError(f"{subject.card.name} begins and ends with no convolution of the picture's planes")
    drawn = draw_kernels(strongest(found, settings.kernels))
    return {"kernels": [kernel.facts() for kernel in found]}, drawn


def _choice(subject: Subject, batch: Tensor, settings: Settings) -> tuple[dict[str, Any], bytes]:
    del settings  # all candidates are shown
    found = choice(subject.network, batch)
    winners, entropy = found.winners, found.entropy()
    facts = {
        "candidates": [
            {"number": number, "weight": float(weights.mean()), "wins": float((winners == number).float().mean())}
            for number, weights in enumerate(found.weights)
        ],
        "doubt_bits": float(entropy.mean()),
        "sure": float((found.weights.amax(0) >= SURE).float().mean()),
    }
    made = (found.values * found.weights).sum(0).clamp(0, 1)
    return facts, draw_choice(made.numpy(), found)


def _bands(subject: Subject, batch: Tensor, settings: Settings) -> tuple[dict[str, Any], bytes]:
    del settings  # all candidates are shown
    found = choice(subject.network, batch)
    usual = interpolate(batch, scale_factor=subject.card.scale, mode="bicubic")[0]
    shares = [
        power / power.sum(1, keepdim=True).clamp_min(1e-30) for power in map(power_of_bands, (found.values, usual))
    ]
    decibels = 10 * torch.log10(shares[0].clamp_min(1e-12) / shares[1].clamp_min(1e-12))
    rings = [(band + 1) / (2 * BANDS) for band in range(BANDS)]
    facts = {"up_to": rings, "candidates": [{"number": n, "decibels": row.tolist()} for n, row in enumerate(decibels)]}
    return facts, draw_bands([f"{number}" for number in range(len(decibels))], decibels.numpy())


Figure = Callable[[Subject, Tensor, Settings], tuple[dict[str, Any], bytes]]
"""Gives what the JSON holds, and the PNG."""

FIGURES: Mapping[str, tuple[str, Figure]] = {
    "similarity": ("channels that resemble a shifted other channel of their layer", _similarity),
    "receptive": ("which input pixels an output depends on, and how strongly", _receptive),
    "spectrum": ("high frequencies of features, shifted features and their differences", _spectrum),
    "filters": ("filters of the picture and upscaling kernels, and what they do to frequencies", _filters),
    "choice": ("which candidate an edge-SR network believes where, and how sure it is", _choice),
    "bands": ("which frequencies each candidate of an edge-SR network has more of than bicubic", _bands),
}
"""Name -> its line in the help, and how it is made."""


def inspect(
    subject: Subject,
    picture: str | Path | None,
    folder: str | Path,
    *,
    figures: Sequence[str] | None = None,
    settings: Settings | None = None,
    overwrite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Look into a network and write ``NAME.json`` and ``NAME.png`` of every figure, and a page that shows them all.

    The page, ``index.html``, holds the pictures itself. Convolutions with branches are folded first, which computes the
    same.

    Args:
        subject: The network.
        picture: What it gets to see, as it would in use; ``None``: the example of a checkout.
        folder: Made where it is missing.
        figures: Names of `FIGURES`; ``None``: those that the network has something to show for.
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
    asked = tuple(dict.fromkeys(FIGURES if figures is None else figures))
    for name in asked:
        if name not in FIGURES:
            raise DataError(f"no figure '{name}'.{near_miss(name, FIGURES)} Known: {', '.join(FIGURES)}")
    if not overwrite:
        _require_free(folder, asked)
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
    made: dict[str, tuple[dict[str, Any], bytes]] = {}
    for name in asked:
        try:
            made[name] = FIGURES[name][1](folded, batch, settings)
        except UnsupportedModelError:
            if figures is not None:
                raise
    for name, (found, drawn) in made.items():
        _write(folder / name, {**facts, **found}, drawn)
    says = {name: FIGURES[name][0] for name in made}
    write_text(folder / _PAGE, page(facts, {says[name]: each for name, each in made.items()}))
    return {name: {**facts, **found} for name, (found, _) in made.items()}


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
    for name in (_PAGE, *(f"{name}.{suffix}" for name in figures for suffix in ("json", "png"))):
        if (folder / name).exists():
            raise OutputExistsError(f"{folder / name} is there already", hint=Hint.OVERWRITE)


def _write(stem: Path, report: Mapping[str, Any], png: bytes) -> None:
    write_text(stem.with_suffix(".json"), json.dumps(report, indent=1) + "\n")
    path = stem.with_suffix(".png")
    try:
        with atomic_file(path) as stream:
            stream.write(png)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
