"""Textures: colour and alpha that are enlarged each by itself, and pictures that are only copied."""

import numpy as np
import pytest

from upres.apps.cli.main import main
from upres.image.io import Frame, Picture, read, write
from upres.upscaler import Upscaler, upscale


def texture():
    """Colour that goes on under an alpha of zeros and full, as games keep data in it."""
    y, x = np.mgrid[:32, :40]
    color = np.stack([x * 6, y * 7, (x + y) * 3], -1).astype(np.uint8)
    alpha = np.where((x // 8 + y // 8) % 2, 255, 0).astype(np.uint8)
    return np.dstack([color, alpha])


@pytest.mark.parametrize("scale", [2, 3, 0.5])
def test_separate_is_what_colour_and_alpha_give_alone(scale):
    pixels = texture()
    made = Upscaler(scale, model="bicubic", alpha="separate")(pixels)
    alone = Upscaler(scale, model="bicubic")
    assert np.array_equal(made[..., :3], alone(pixels[..., :3]))
    assert np.array_equal(made[..., 3], alone(pixels[..., 3]))
    assert not np.array_equal(alone(pixels)[..., :3], made[..., :3])


@pytest.mark.parametrize("mode", ["bleed", "separate"])
def test_at_scale_1_a_picture_is_a_copy(mode):
    pixels = texture()
    made = Upscaler(1, alpha=mode)(pixels)
    assert np.array_equal(made, pixels)
    assert not np.shares_memory(made, pixels)


def test_there_are_two_modes():
    with pytest.raises(ValueError, match="alpha must be one of bleed, separate, got both"):
        Upscaler(alpha="both")


def saved(path, pixels):
    write(Picture(frames=(Frame.of(pixels),)), path)
    return path


def test_at_the_terminal(tmp_path, capsys):
    source = saved(tmp_path / "a.png", texture())
    target = tmp_path / "b.png"
    assert main(["upscale", str(source), "-o", str(target), "--model", "bicubic", "--alpha", "separate"]) == 0
    assert np.array_equal(read(target).pixels, Upscaler(2, model="bicubic")(texture()[..., :3]))
    assert main(["upscale", str(source), "-o", str(target), "--model", "bicubic"]) == 1
    assert "(alpha separate, now default)" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".jxl", ".png", ".tif"])
def test_lossless_at_the_terminal(tmp_path, suffix):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
    source, target = saved(tmp_path / "a.png", pixels), tmp_path / f"b{suffix}"
    assert main(["upscale", str(source), "-o", str(target), "--scale", "1", "--lossless"]) == 0
    assert np.array_equal(read(target).pixels, pixels)
    made = upscale(source, 1, output=tmp_path / f"c{suffix}", lossless=True)
    assert made.read_bytes() == target.read_bytes()


def test_formats_that_always_lose_say_so_before_the_work(tmp_path, capsys):
    source = saved(tmp_path / "a.png", texture()[..., :3])
    assert main(["upscale", str(source), "-o", str(tmp_path / "b.jpg"), "--lossless", "--model", "bicubic"]) == 1
    assert "JPEG cannot be written lossless; write PNG, WebP or TIFF" in capsys.readouterr().err
    assert not (tmp_path / "b.jpg").exists()
