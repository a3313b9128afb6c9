"""What stands still stays, and what moves is followed."""

import numpy as np
import pytest

from upres.image.io import Frame, Picture
from upres.image.stillness import held, same
from upres.upscaler import Upscaler


def frames(dtype=np.uint8, grey=False, alpha=False):
    """A frame of noise and one in which four pixels of it changed, enlarged by two in a way that moves everything."""
    chance = np.random.default_rng(0)
    before = chance.integers(0, 256, (40, 60, 3)).astype(dtype)
    before = before[..., 0].copy() if grey else before
    after = before.copy()
    after[20:22, 30:32] += dtype(1)
    cover = np.full((40, 60), 9, dtype) if alpha else None
    small = [Frame(pixels=pixels, alpha=cover, duration_ms=10.0) for pixels in (before, after)]
    large = []
    for frame in small:
        shape = (80, 120, *frame.pixels.shape[2:])
        pixels = chance.integers(0, 256, shape).astype(dtype)
        large.append(Frame(pixels=pixels, alpha=chance.integers(0, 256, shape[:2]).astype(dtype) if alpha else None))
    return small, large


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
def test_only_what_lies_near_a_change_is_new(dtype, grey, alpha):
    small, large = frames(dtype, grey, alpha)
    got = held(*small, *large)
    near = np.zeros((80, 120), bool)
    near[28:56, 48:76] = True
    assert (got.pixels[near] == large[1].pixels[near]).all()
    assert (got.pixels[~near] == large[0].pixels[~near]).all()
    assert got.pixels.dtype == dtype
    if alpha:
        assert (got.alpha == np.where(near, large[1].alpha, large[0].alpha)).all()


def test_a_change_of_opacity_or_kind_is_a_change():
    small, _ = frames(alpha=True)
    clear = Frame(pixels=small[0].pixels, alpha=np.zeros((40, 60), np.uint8))
    assert same(small[0], small[0])
    assert not same(small[0], small[1])
    assert not same(small[0], clear)
    assert not same(small[0], Frame(pixels=small[0].pixels))
    assert not same(Frame(pixels=small[0].pixels), Frame(pixels=small[0].pixels[..., 0].copy()))


def test_an_enlarged_animation_stands_still_where_the_small_one_does(monkeypatch):
    small, _ = frames()
    upscaler, made = Upscaler(2, model="bicubic"), []
    plain = upscaler._frame
    shaken = iter(range(9))

    def shaking(frame, choice, progress):
        made.append(frame)
        result = plain(frame, choice, progress)
        return Frame(pixels=result.pixels ^ np.uint8(next(shaken) & 1), duration_ms=frame.duration_ms)

    monkeypatch.setattr(upscaler, "_frame", shaking)
    picture = Picture(frames=(small[0], small[1], Frame(pixels=small[1].pixels.copy(), duration_ms=70.0)))
    got = upscaler.upscale_picture(picture).frames
    assert len(made) == 2, "a frame that shows the same is not made again"
    assert (got[2].pixels == got[1].pixels).all()
    assert [frame.duration_ms for frame in got] == [10, 10, 70]
    assert (got[0].pixels != got[1].pixels).any(axis=2).mean() < 0.1


def test_pages_of_a_document_are_each_made_by_themselves(monkeypatch):
    page = Frame(pixels=frames()[0][0].pixels)
    upscaler, made = Upscaler(2, model="bicubic"), []
    plain = upscaler._frame
    monkeypatch.setattr(upscaler, "_frame", lambda *args: made.append(1) or plain(*args))
    upscaler.upscale_picture(Picture(frames=(page, page)))
    assert len(made) == 2
