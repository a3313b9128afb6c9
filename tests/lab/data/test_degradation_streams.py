"""Recipes that ship give the crops that they gave, to the bit, and a new step shifts nothing."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from upres.image.resize import imresize
from upres.lab.data.degradations import BICUBIC, Degradation, degrade, degraded_pairs, table
from upres.lab.data.degradations.correlated_noise import CorrelatedNoise
from upres.lab.data.degradations.step import Crop, Range, Step
from upres.lab.data.patches import PatchSampler
from upres.lab.data.pictures import PicturePair, Pixels

GOLDEN = json.loads((Path(__file__).parent / "golden_crops.json").read_text())
"""Recorded with the code as it was before steps had streams of their own."""

RANGES: dict[str, Mapping[str, object]] = {
    "photograph": {
        "share": 0.9,
        "blur_sigma": (0.0, 0.6),
        "resize_ratio": (0.7, 1.5),
        "noise_sigma": (0.0, 8.0),
        "jpeg_quality": (40.0, 100.0),
    },
    "blur": {"blur_sigma": (0.5, 2.0)},
    "resize": {"resize_ratio": (0.5, 2.0)},
    "noise": {"share": 0.5, "noise_sigma": (0.0, 50.0)},
    "jpeg": {"jpeg_quality": (10.0, 100.0)},
    "all": {
        "blur_sigma": (1.0, 3.0),
        "resize_ratio": (0.3, 0.9),
        "noise_sigma": (5.0, 20.0),
        "jpeg_quality": (5.0, 30.0),
    },
}


@dataclass(frozen=True, kw_only=True)
class Fog(Step):
    """A step that draws from its own stream."""

    name: ClassVar[str] = "fog"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"density": (0, 1)}
    density: Range = (0.0, 0.0)

    def apply(self, picture: Pixels, crop: Crop) -> Pixels:
        density = crop.stream(self.name).uniform(*self.density)
        return (picture * (1 - density) + 255 * density).astype(np.uint8)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("position", [None, 0, 3, 6], ids=["table", "first", "middle", "last"])
def test_crops_are_what_they_were(name: str, scale: int, position: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a step that is off has joined the table, wherever it stands."""
    if position is not None:
        monkeypatch.setattr(table, "STEPS", (*table.STEPS[:position], Fog, *table.STEPS[position:]))
    degradation = Degradation().changed(**RANGES[name])  # type: ignore[arg-type]
    hr = _picture(scale)
    pair = PicturePair(name="a", hr=hr, lr=imresize(hr, scale=1 / scale))
    seeds = [(seed, step, index) for seed in (0, 7) for step in (0, 1, 60_000) for index in (0, 1, 5)]
    pairs = [each for seed in (0, 2) for each in degraded_pairs([pair] * 3, scale, degradation, seed=seed)]
    assert _digest(degrade(hr, scale, degradation, seed) for seed in seeds) == GOLDEN[f"crops {name} x{scale}"]
    assert _digest(each.lr for each in pairs) == GOLDEN[f"pairs {name} x{scale}"]
    if position is None:
        sampler = PatchSampler(
            [pair], scale=scale, patch_size=24, batch_size=4, color_mode="rgb", degradation=degradation, seed=3
        )
        batches = (tensor.numpy() for step in (0, 9) for tensor in sampler.batch(step))
        assert _digest(batches) == GOLDEN[f"batches {name} x{scale}"]


def test_a_step_that_joins_changes_no_other_steps_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "STEPS", (*table.STEPS, Fog))
    hr = _picture(1)
    noisy = Degradation(steps=(CorrelatedNoise(sigma=(5.0, 30.0)),))
    foggy = noisy.changed(fog_density=(0.25, 0.25))
    for index in range(4):
        clear = degrade(hr, 1, noisy, (0, 0, index))
        expected = (clear * 0.75 + 255 * 0.25).astype(np.uint8)
        assert np.array_equal(degrade(hr, 1, foggy, (0, 0, index)), expected)


def test_streams_differ_by_step_and_by_crop() -> None:
    first = [Crop(2, (0, 1, 2)).stream("fog"), Crop(2, (0, 1, 3)).stream("fog"), Crop(2, (0, 1, 2)).stream("haze")]
    assert len({rng.random() for rng in first}) == 3
    assert Crop(2, (0, 1, 2)).stream("fog").random() == Crop(4, (0, 1, 2)).stream("fog").random()


def test_names_of_settings_are_unique_and_one_step_reduces() -> None:
    names = [kind.name for kind in table.STEPS]
    assert len(set(names)) == len(names)
    assert len(BICUBIC.settings()) == 1 + sum(1 + len(kind.limits) for kind in table.STEPS)
    assert [kind.name for kind in table.STEPS if kind.reduces] == ["resize"]
    assert all(step.is_off for step in BICUBIC.steps)


def _picture(scale: int) -> Pixels:
    y, x = np.mgrid[0 : 60 * scale, 0 : 72 * scale]
    rough = (x * 7919 + y * 104729 + x * y * 31) % 61
    return np.stack([(x * 3 + y * k + rough) % 256 for k in (1, 2, 5)], axis=2).astype(np.uint8)


def _digest(arrays: Iterable[np.ndarray]) -> str:
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:16]
