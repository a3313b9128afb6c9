"""`upres.restore`, and enlarging with `restore`: as arrays and as files."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import upres
from upres.errors import ModelError, OutputExistsError
from upres.image.io import read
from upres.image.resize import imresize
from upres.upscaler import Upscaler

RNG = np.random.default_rng(0)


def restore(source: Any, **options: Any) -> Any:
    return upres.restore(source, engine="native", precision="f32", threads=1, **options)


def photograph(noise=0.0):
    """Something smooth with edges."""
    scene = imresize(np.random.default_rng(3).integers(30, 220, (24, 32, 3), np.uint8), scale=7)
    scene[40:90, 60:130] = (30, 90, 200)
    return (scene + RNG.normal(0, noise, scene.shape)).clip(0, 255).round().astype(np.uint8)


def save(path: Path, pixels: Any, **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def test_a_picture_without_faults_comes_back_as_it_is(tiny_restorers):
    pixels = photograph()
    restored = restore(pixels)
    np.testing.assert_array_equal(restored, pixels)
    assert restored is not pixels


def test_what_is_found_is_undone_and_what_is_asked_for_is_done(tiny_restorers):
    clean, noisy = photograph(), photograph(noise=8.0)
    assert np.abs(restore(noisy).astype(int) - noisy).mean() > 3  # the mean of nine
    brighter = np.abs(restore(clean, deblock=1).astype(int) - clean - 10)
    assert brighter.max() == 0
    np.testing.assert_array_equal(restore(clean, deblock=0.5), clean + 5)
    np.testing.assert_array_equal(restore(noisy, denoise=0), noisy)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_shape_and_type_are_kept_and_alpha_too(tiny_restorers, dtype, channels):
    shape = (9, 14) if channels is None else (9, 14, channels)
    pixels = RNG.integers(0, np.iinfo(dtype).max // 2, shape, dtype)
    restored = restore(pixels, deblock=1, alpha="separate")
    assert (restored.shape, restored.dtype) == (pixels.shape, pixels.dtype)
    colour, opacity = (restored[..., :-1], restored[..., -1:]) if channels in (2, 4) else (restored, restored[..., :0])
    given = pixels[..., :-1] if channels in (2, 4) else pixels
    step = 10 if dtype == np.uint8 else 2570
    assert np.abs(colour.astype(int) - given - step).max() <= 1
    np.testing.assert_array_equal(opacity, pixels[..., -1:] if channels in (2, 4) else pixels[..., :0])


def test_a_file_gets_another_beside_it(tiny_restorers, tmp_path):
    source = save(tmp_path / "scan.png", photograph(noise=8.0))
    made = restore(source)
    assert made == tmp_path / "scan_restored.png"
    np.testing.assert_array_equal(read(made).pixels, restore(read(source).pixels))
    with pytest.raises(OutputExistsError, match=r"scan_restored\.png exists"):
        restore(source)


def test_a_file_without_faults_is_copied_unless_another_is_asked_for(tiny_restorers, tmp_path):
    source = save(tmp_path / "a.jpg", photograph(), quality=97)
    assert restore(source).read_bytes() == source.read_bytes()
    again = restore(source, quality=80, output=tmp_path / "b.jpg")
    assert again.stat().st_size < source.stat().st_size
    png = restore(source, output=tmp_path / "c.png")
    np.testing.assert_array_equal(read(png).pixels, read(source).pixels)
    sized = upres.upscale(source, width=224, restore=True, output=tmp_path / "w.jpg")
    assert sized.read_bytes() != source.read_bytes()  # another page might have another width
    twice = upres.upscale(source, 1, output=tmp_path / "d.jpg")
    assert twice.read_bytes() != source.read_bytes()  # nobody asked for restoring: written anew, as ever


def test_frames_of_an_animation_get_what_the_first_needs(tiny_restorers, tmp_path):
    frames = [Image.fromarray(photograph(noise=8.0)) for _ in range(3)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
    made, given = read(restore(tmp_path / "a.webp")), read(tmp_path / "a.webp")
    assert [frame.duration_ms for frame in made.frames] == [50, 50, 50]
    for frame, before in zip(made.frames, given.frames, strict=True):
        np.testing.assert_array_equal(frame.pixels, restore(before.pixels))


def test_a_picture_grows_after_it_is_restored_by_the_clean_networks(tiny_restorers):
    upscaler = Upscaler(3, restore=True)
    picture = read(as_jpeg(photograph(), 30))
    choice = upscaler.choose(picture)
    assert (choice.name, choice.reason) == ("restore", "JPEG of quality 30")
    plan = upscaler.plan(picture.size, choice)
    assert (plan.model_name, plan.size) == ("tiny_deblock+tiny_x3", (504, 672))
    own = Upscaler(2, restore=True, model=tiny_restorers["denoise"].weights, strength=0.5)
    assert own.plan((8, 8)).model_name == "tiny_denoise at 0.5+tiny_x2"
    assert Upscaler(2, restore={"denoise": 1}, model="tiny_x4").plan((8, 8)).model_name == "tiny_denoise+tiny_x4"
    assert (upscaler.label, Upscaler(1, restore=True).label) == ("x3", "restored")


def as_jpeg(pixels, quality):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def test_outputs_depend_on_the_networks_that_may_be_taken_and_no_others(tiny_restorers, monkeypatch):
    def identity(scale=1, **options):
        return Upscaler(scale, **{"restore": True, **options}).model_identity()

    seen = [
        identity(), identity(restore={"denoise": 1}), identity(restore={"denoise": 0}), identity(strength=0.5),
        identity(fast=True), identity(2), identity(2, model="tiny_x4"),
    ]  # fmt: skip
    assert len(set(seen)) == len(seen)
    assert identity(model=tiny_restorers["denoise"].weights) == seen[1]  # which makes the same
    monkeypatch.setitem(upres.models.choices.CHOICES, ("upscale", "default", 2), "tiny_x3")
    assert identity() == seen[0]
    assert identity(2) != seen[5]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"real": True}, ValueError, "real and restore each undo faults: give one of them"),
        ({"model": "tiny_x2"}, ModelError, "tiny_x2: expected a network that restores, of scale 1"),
        ({"model": "bicubic"}, ModelError, "bicubic: expected a network that restores"),
        ({"model": "tiny_x2", "fast": True}, ValueError, "model and fast each choose the networks"),
    ],
)
def test_what_makes_no_sense_is_refused(tiny_restorers, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        restore(photograph(), **options)


def test_a_model_of_the_caller_s_excludes_tasks(tiny_restorers):
    with pytest.raises(ValueError, match=r"^model and tasks to restore each choose the networks"):
        restore(photograph(), model=tiny_restorers["denoise"].weights, deblock=1)
