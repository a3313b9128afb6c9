"""Crops: aligned, decided by seed and step, fairly drawn."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from upres.errors import DataError, RecipeError
from upres.image.resize import imresize
from upres.lab.data.degradations import PHOTOGRAPH, Degradation
from upres.lab.data.degradations.blur import Blur
from upres.lab.data.degradations.noise import Noise
from upres.lab.data.mixing import MixUp
from upres.lab.data.patches import GrowingCrops, PatchSampler, Prefetch
from upres.lab.data.pictures import PicturePair


def _pair(height: int = 20, width: int = 30, scale: int = 2, seed: int = 0) -> PicturePair:
    """A picture whose low-resolution partner is its every ``scale``-th pixel, so that alignment can be checked."""
    hr = np.random.default_rng(seed).integers(256, size=(height * scale, width * scale, 3), dtype=np.uint8)
    return PicturePair(name=str(seed), hr=hr, lr=np.ascontiguousarray(hr[::scale, ::scale]))


def _sampler(**changes: object) -> PatchSampler:
    settings: dict[str, object] = {
        "scale": 2, "patch_size": 8, "batch_size": 6, "color_mode": "rgb", "seed": 3,
    }  # fmt: skip
    return PatchSampler([_pair(seed=0), _pair(seed=1)], **{**settings, **changes})  # type: ignore[arg-type]


def test_crops_are_aligned_under_every_symmetry() -> None:
    sampler = _sampler(batch_size=64)
    lr, hr = sampler.batch(0)
    assert lr.shape == (64, 3, 8, 8)
    assert hr.shape == (64, 3, 16, 16)
    corners = [hr[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)]
    for index in range(64):  # the kept pixel moves to another corner of its 2x2 cell when the crop is turned
        assert any(torch.equal(lr[index], corner[index]) for corner in corners)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    one, other = _sampler(), _sampler()
    other.batch(5)
    assert torch.equal(one.batch(7)[0], other.batch(7)[0])
    assert not torch.equal(one.batch(7)[0], one.batch(8)[0])
    assert not torch.equal(one.batch(7)[0], _sampler(seed=4).batch(7)[0])


def test_processes_share_a_batch_without_overlap() -> None:
    sampler = _sampler()
    whole = sampler.batch(2)[1]
    parts = [sampler.batch(2, rank=rank, world_size=2)[1] for rank in (0, 1)]
    assert torch.equal(whole[0::2], parts[0])
    assert torch.equal(whole[1::2], parts[1])


def test_luma_is_full_range_and_studio_range_by_share() -> None:
    rgb, full = _sampler().batch(0)[1], _sampler(color_mode="luma").batch(0)[1]
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close(full, (rgb * weights).sum(1, keepdim=True))
    studio = _sampler(color_mode="luma", studio_fraction=1.0).batch(0)[1]
    torch.testing.assert_close(studio, (16 + 219 * full) / 255)


def test_larger_pictures_are_drawn_more_often() -> None:
    sampler = PatchSampler(
        [_pair(8, 8, seed=0), _pair(40, 40, seed=1)],
        scale=2, patch_size=8, batch_size=500, color_mode="rgb",
    )  # fmt: skip
    whole = torch.from_numpy(sampler.pictures[0].lr.transpose(2, 0, 1).copy()).float() / 255
    sums = sampler.batch(0)[0].sum((1, 2, 3))
    assert int(torch.isclose(sums, whole.sum()).sum()) < 20, "one position of 1090 belongs to the small picture"


def test_every_reduction_is_drawn_as_often() -> None:
    large, small = _pair(40, 40, seed=0), replace(_pair(12, 12, seed=1), reduction=0.5)
    sampler = PatchSampler([large, small], scale=2, patch_size=8, batch_size=1, color_mode="rgb")
    assert sampler._share.tolist() == [0.5, 1.0]


def test_a_reduction_without_a_picture_large_enough_is_said() -> None:
    pictures = [_pair(40, 40), replace(_pair(6, 6), reduction=0.25)]
    with pytest.warns(UserWarning, match=r"reduced to 0\.25 are smaller than a patch"):
        PatchSampler(pictures, scale=2, patch_size=8, batch_size=1, color_mode="rgb")


def test_small_pictures_are_left_out_and_none_is_an_error() -> None:
    assert (
        len(PatchSampler([_pair(), _pair(4, 4)], scale=2, patch_size=8, batch_size=1, color_mode="rgb").pictures) == 1
    )
    with pytest.raises(DataError, match="patch of 64 low-resolution pixels"):
        _sampler(patch_size=64)


@pytest.mark.parametrize("ahead", [1, 4, 50])
def test_prefetch_keeps_the_order(ahead: int) -> None:
    sampler = _sampler()
    with Prefetch(sampler, range(3, 12), ahead=ahead) as batches:
        got = [lr for lr, _ in batches]
    assert len(got) == 9
    assert all(torch.equal(lr, sampler.batch(step)[0]) for step, lr in enumerate(got, start=3))


def test_prefetch_hands_errors_over_and_stops_early(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = _sampler()
    with Prefetch(sampler, range(1000)) as batches:
        next(iter(batches))
    monkeypatch.setattr(sampler, "_crop", lambda *_: (_ for _ in ()).throw(OSError("disk gone")))
    with pytest.raises(OSError, match="disk gone"), Prefetch(sampler, range(3)) as batches:
        next(iter(batches))


def test_prefetch_tells_how_long_it_was_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, ready = _sampler(), _sampler()
    prepare = slow.batch
    monkeypatch.setattr(slow, "batch", lambda *args, **more: (time.sleep(0.05), prepare(*args, **more))[1])
    with Prefetch(slow, range(4)) as batches:
        list(batches)
    assert batches.waited_seconds > 0.15
    with Prefetch(ready, range(4)) as batches:
        time.sleep(0.2)
        list(batches)
    assert batches.waited_seconds < 0.05


def test_crops_left_undegraded_are_the_papers_bicubic() -> None:
    pair = _pair(40, 50)
    pair = replace(pair, lr=imresize(pair.hr, scale=0.5))
    settings: dict[str, object] = {"scale": 2, "patch_size": 8, "batch_size": 32, "color_mode": "rgb"}
    plain = PatchSampler([pair], **settings)  # type: ignore[arg-type]
    rare = PatchSampler([pair], **settings, degradation=replace(PHOTOGRAPH, share=1e-9))  # type: ignore[arg-type]
    for ours, theirs in zip(rare.batch(1), plain.batch(1), strict=True):
        assert torch.equal(ours, theirs)


def test_degraded_crops_keep_their_place_and_depend_on_seed_step_and_index_alone() -> None:
    heavy = Degradation(steps=(Blur(sigma=(0.5, 1.0)), Noise(sigma=(1.0, 10.0))))
    one, other = _sampler(degradation=heavy), _sampler(degradation=heavy)
    other.batch(5)
    lr, hr = one.batch(7)
    assert torch.equal(lr, other.batch(7)[0])
    assert torch.equal(hr, _sampler().batch(7)[1])
    assert not torch.equal(lr, _sampler().batch(7)[0])
    assert torch.equal(one.batch(7, rank=1, world_size=2)[0], lr[1::2])
    smooth = _smooth_pair()
    lr, hr = PatchSampler([smooth], scale=2, patch_size=8, batch_size=16, color_mode="rgb", degradation=heavy).batch(0)
    averaged = torch.nn.functional.avg_pool2d(hr, 2)
    inside = (slice(None), slice(None), slice(2, -2), slice(2, -2))
    assert float((lr - averaged)[inside].abs().mean()) < 0.04, "a shift by a pixel would be 0.05 and more"


def test_noisy_and_clean_crops_of_one_size() -> None:
    pair = replace(_pair(40, 50, scale=1), lr=_pair(40, 50, scale=1).hr)
    noise = Degradation(share=0.5).changed(correlated_noise_sigma=(10.0, 50.0))
    settings: dict[str, object] = {"scale": 1, "patch_size": 8, "batch_size": 64, "color_mode": "rgb"}
    lr, hr = PatchSampler([pair], **settings, degradation=noise).batch(0)  # type: ignore[arg-type]
    assert lr.shape == hr.shape == (64, 3, 8, 8)
    assert torch.equal(hr, PatchSampler([pair], **settings).batch(0)[0])  # type: ignore[arg-type]
    clean = int((lr == hr).flatten(1).all(1).sum())
    assert 16 < clean < 48


def _smooth_pair() -> PicturePair:
    y, x = np.mgrid[0:80, 0:100]
    hr = np.stack([127 + 120 * np.sin(x / 4.0 + p) * np.cos(y / 5.0) for p in range(3)], axis=2).astype(np.uint8)
    return PicturePair(name="smooth", hr=hr, lr=imresize(hr, scale=0.5))


def test_crops_are_blended_with_others_of_the_batch_and_their_truth_alike() -> None:
    plain, mixed = _sampler(), _sampler(mix_up=MixUp(alpha=1.2))
    blend = MixUp(alpha=1.2).drawn((3, 2), 6, progress=0)
    assert blend is not None
    weights = torch.from_numpy(blend.weights).view(6, 1, 1, 1)
    assert sorted(blend.partners.tolist()) == list(range(6))
    for before, after in zip(plain.batch(2), mixed.batch(2), strict=True):
        torch.testing.assert_close(after, weights * before + (1 - weights) * before[blend.partners])
        assert not torch.allclose(after, before)


def test_processes_share_a_blended_batch() -> None:
    sampler = _sampler(mix_up=MixUp(alpha=1.2))
    whole = sampler.batch(2)
    for rank in (0, 1):
        for part, all_of_it in zip(sampler.batch(2, rank=rank, world_size=2), whole, strict=True):
            assert torch.equal(part, all_of_it[rank::2])


def test_blends_begin_after_their_share_of_the_steps_and_shift_nothing() -> None:
    plain, mixed = _sampler(), _sampler(mix_up=MixUp(alpha=1.2, after=0.25), steps=40)
    same = [torch.equal(plain.batch(step)[0], mixed.batch(step)[0]) for step in (0, 9, 10, 39)]
    assert same == [True, True, False, False]


def test_a_share_of_the_batches_is_blended_by_beta_weights() -> None:
    mix_up = MixUp(alpha=1.2, share=0.5)
    blends = [each for step in range(400) if (each := mix_up.drawn((0, step), 8, progress=1)) is not None]
    assert 160 < len(blends) < 240
    weights = np.concatenate([each.weights for each in blends])
    assert abs(weights.mean() - 0.5) < 0.03
    assert abs(weights.var() - 1 / (4 * (2 * 1.2 + 1))) < 0.006


@pytest.mark.parametrize("wrong", [{"alpha": -1.0}, {"after": 1.5}, {"share": 2.0}])
def test_a_blend_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="mix_up: expected an alpha of 0 or more, and after and share from 0 to 1"):
        MixUp(**wrong)


def test_crops_grow_in_the_course_of_a_stage() -> None:
    small, large = _sampler(), _sampler(patch_size=12, batch_size=2)
    growing = GrowingCrops({0: small, 5: large})
    for step, sampler in ((0, small), (4, small), (5, large), (99, large)):
        assert torch.equal(growing.batch(step)[1], sampler.batch(step)[1])
    assert growing.batch(7, rank=1, world_size=2)[0].shape == (1, 3, 12, 12)
