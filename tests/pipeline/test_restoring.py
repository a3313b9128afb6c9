"""What is undone in a picture at its own size: which networks, in what order, how far, and window by window."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from upres.engines.engine import Session, SessionFacts
from upres.errors import UnknownModelError
from upres.image.picture import Frame
from upres.image.resize import imresize
from upres.models.choices import CHOICES
from upres.pipeline.budget import Budget, network_bytes_per_pixel
from upres.pipeline.judge import Judgement
from upres.pipeline.plan import Wish, plan
from upres.pipeline.restoring import Restorers
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.steps import NetworkStep
from upres.pipeline.still import make_frame

NOISE, JPEG = {"noise": 5.0, "fineness": 0.3}, {"jpeg_quality": 30.0}


def restorers(wanted=True, *, model=None, strength=None, fast=False, exposure=None):
    return Restorers.of(wanted, model=model, strength=strength, fast=fast, exposure=exposure)


def picture(shape, dtype=np.uint8):
    """Values far enough from black and white for nothing to be clipped."""
    largest = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(largest // 8, largest // 8 * 6, shape, dtype)


def made(frame, *steps, scale=1, first=None, working_bytes=10**9):
    frame = frame if isinstance(frame, Frame) else Frame(pixels=frame)
    wish = Wish(request=SizeRequest(scale=scale), restorers=steps, first=first or {})
    settings, budget = (
        Settings(engine="native", precision="f32", threads=1),
        Budget(cores=1, working_bytes=working_bytes),
    )
    planned = plan(frame.pixels.shape[:2], wish, max_pixels=10**7)
    return make_frame(frame, planned, sessions=Sessions(), settings=settings, budget=budget)


def mean_of_nine(pixels):
    """In float, the picture reflected at its edges."""
    padded = np.pad(pixels.astype(float), [(1, 1), (1, 1), *[(0, 0)] * (pixels.ndim - 2)], mode="symmetric")
    height, width = pixels.shape[:2]
    return sum(padded[top : top + height, left : left + width] for top in range(3) for left in range(3)) / 9


@pytest.mark.parametrize(
    ("judged", "tasks", "reasons"),
    [
        ({}, [], []),
        ({"blur": 3.0}, [], []),
        ({"noise": 2.4, "fineness": 1.0, "jpeg_quality": 91.0}, [], []),
        (NOISE, ["denoise"], ["noise of 5 levels"]),
        (JPEG, ["deblock"], ["JPEG of quality 30"]),
        ({**NOISE, **JPEG}, ["deblock", "denoise"], ["JPEG of quality 30", "noise of 5 levels"]),
        ({**NOISE, "jpeg_quality": 70.0}, ["denoise"], ["JPEG of quality 70 and noise of 5 levels"]),
        ({"blocks": 20.0, "block_side": 10.0}, ["deblock"], ["blocks of an earlier JPEG"]),
        ({"noise": 9.0, "fineness": 1.0, "edges": 0.4}, [], []),
    ],
    ids=["clean", "blur", "little", "noise", "jpeg", "both", "covered", "resized", "dithered drawing"],
)
def test_what_is_found_is_undone_the_last_fault_first(tiny_restorers, judged, tasks, reasons):
    restoring = restorers().by(Judgement(**judged))
    assert [(step.task, step.strength) for step in restoring.steps] == [(task, 1.0) for task in tasks]
    assert list(restoring.reasons) == reasons
    assert restoring.left == ()


def test_what_no_network_undoes_is_told_unless_it_is_off(tiny_restorers, monkeypatch):
    monkeypatch.delitem(CHOICES, ("denoise", "default", 1))
    restoring = restorers().by(Judgement(noise=5.0, fineness=1.0, jpeg_quality=70.0))
    assert [step.task for step in restoring.steps] == ["deblock"]
    assert restoring.left == ("noise of 5 levels stays: this installation has no network for denoise",)
    assert restorers({"denoise": 0}).by(Judgement(noise=5.0, fineness=1.0)).left == ()


def test_tasks_that_are_named_are_done_whatever_is_found(tiny_restorers):
    asked = restorers({"denoise": 0.5, "deblock": 1}).asked
    assert [(step.task, step.strength) for step in asked] == [("deblock", 1), ("denoise", 0.5)]
    assert restorers({"denoise": 0.5, "deblock": 0}).asked == (NetworkStep(tiny_restorers["denoise"], 0.5),)
    assert restorers(model=tiny_restorers["deblock"], strength=0.25).asked[0].strength == 0.25
    assert restorers(model=tiny_restorers["deblock"], strength=0).asked == ()


def test_a_task_that_is_off_stays_undone_and_a_strength_is_of_what_is_found(tiny_restorers):
    judged = Judgement(**NOISE, **JPEG)
    assert [step.task for step in restorers({"denoise": 0}).by(judged).steps] == ["deblock"]
    assert [step.strength for step in restorers(strength=0.3).by(judged).steps] == [0.3, 0.3]
    assert restorers(strength=0).by(judged).steps == ()


def test_every_wish_has_a_name_of_its_own(tiny_restorers):
    wishes = [
        restorers(), restorers(strength=0.5), restorers({"denoise": 0}), restorers({"denoise": 1}),
        restorers({"denoise": 0.5}), restorers({"denoise": 1, "deblock": 1}),
        restorers(model=tiny_restorers["denoise"], strength=0.2),
        restorers({"enhance": 1}), restorers({"enhance": 0.5}), restorers({"enhance": 0}), restorers(exposure=1),
        restorers(exposure=2), restorers({"denoise": 1}, exposure=2),
    ]  # fmt: skip
    assert len({wish.name for wish in wishes}) == len(wishes)


def test_a_small_network_is_taken_where_there_is_one(tiny_restorers, monkeypatch):
    monkeypatch.setitem(CHOICES, ("denoise", "fast", 1), str(tiny_restorers["deblock"].weights))
    assert restorers(fast=True).networks["denoise"] == tiny_restorers["deblock"]
    assert restorers(fast=True).networks["deblock"] == tiny_restorers["deblock"]
    assert restorers().networks["denoise"] == tiny_restorers["denoise"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wanted": {"enhance": 0}, "exposure": 1.0}, "exposure and enhance 0 contradict each other"),
        ({"exposure": 7.0}, "exposure: expected 0 to 6 stops, got 7"),
        ({"wanted": {"sharpen": 1.0}}, "restore: no task 'sharpen', expected one of deblock, denoise, enhance"),
        ({"wanted": {"denoise": 1.5}}, "denoise: expected a strength from 0 to 1, got 1.5"),
        ({"wanted": {"denoise": 1}, "strength": 0.5}, "strength is of what the picture decides"),
        ({"strength": -1}, "strength: expected 0 to 1, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(tiny_restorers, arguments, message):
    with pytest.raises((ValueError, UnknownModelError), match=f"^{message}"):
        restorers(**arguments)


def test_an_installation_without_networks_says_so(tiny_restorers, monkeypatch):
    for task in tiny_restorers:
        monkeypatch.delitem(CHOICES, (task, "default", 1))
    with pytest.raises(UnknownModelError, match=r"^this installation has no network that restores$"):
        restorers()


@pytest.mark.parametrize("shape", [(61, 40, 3), (61, 40), (1, 1, 3), (2, 1), (3, 90, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_a_share_is_of_the_float_result_rounded_once(tiny_restorers, shape, dtype, strength):
    pixels = picture(shape, dtype)
    expected = pixels + strength * (mean_of_nine(pixels) - pixels)
    restored = made(pixels, NetworkStep(tiny_restorers["denoise"], strength)).pixels
    assert restored.dtype == dtype
    assert np.abs(restored - expected).max() <= (0.501 if dtype == np.uint8 else 0.6)


@pytest.mark.parametrize("strength", [1.0, 0.4])
@pytest.mark.parametrize("scale", [1, 2, 1.5])
def test_windows_give_the_whole_picture(tiny_restorers, tiny_models, strength, scale, monkeypatch):
    monkeypatch.setattr("upres.pipeline.budget.LEAST_WORKING_BYTES", 2**16)
    pixels = picture((190, 300, 3))
    steps = [NetworkStep(tiny_restorers[task], strength) for task in ("deblock", "denoise")]
    whole, cut = (
        made(pixels, *steps, scale=scale, first=tiny_models, working_bytes=size).pixels for size in (10**9, 1)
    )
    np.testing.assert_array_equal(cut, whole)


def test_restoring_and_growing_is_one_plan_with_one_rounding(tiny_restorers, tiny_models):
    pixels = picture((40, 30, 3))
    restored = mean_of_nine(pixels.astype(np.uint16) * np.uint16(257))
    at_once = made(pixels, NetworkStep(tiny_restorers["denoise"]), scale=2, first=tiny_models).pixels
    wide = made(np.rint(restored).astype(np.uint16), scale=2, first=tiny_models).pixels
    assert np.abs(at_once - wide / 257).max() <= 0.51
    one_after_the_other = made(made(pixels, NetworkStep(tiny_restorers["denoise"])), scale=2, first=tiny_models).pixels
    assert (at_once != one_after_the_other).any()  # what a second rounding would have done


def test_grey_stays_grey_and_alpha_stays_as_it_is(tiny_restorers):
    grey, opacity = picture((30, 20)), np.random.default_rng(1).integers(0, 256, (30, 20), np.uint8)
    frame = Frame(pixels=np.repeat(grey[..., None], 3, axis=2), alpha=opacity)
    restored = made(frame, NetworkStep(tiny_restorers["denoise"], 0.7))
    assert (restored.pixels == restored.pixels[..., :1]).all()
    np.testing.assert_array_equal(restored.alpha, opacity)
    np.testing.assert_array_equal(
        made(frame.pixels, NetworkStep(tiny_restorers["denoise"])).pixels[..., 0],
        made(grey, NetworkStep(tiny_restorers["denoise"])).pixels,
    )


def test_reduced_pictures_are_restored_first(tiny_restorers):
    pixels = picture((40, 30, 3))
    reduced = made(pixels, NetworkStep(tiny_restorers["denoise"]), scale=0.5).pixels
    expected = imresize(np.rint(mean_of_nine(pixels.astype(np.uint16) * np.uint16(257))).astype(np.uint16), scale=0.5)
    assert np.abs(reduced - expected / 257).max() <= 0.51


def test_a_plan_tells_its_steps(tiny_restorers, tiny_models):
    steps = NetworkStep(tiny_restorers["deblock"]), NetworkStep(tiny_restorers["denoise"], 0.5)
    request = SizeRequest(scale=2)
    robust = {"first": tiny_models, "robust": tiny_models, "strength": 0.25}
    mixed = plan((8, 8), Wish(request=request, restorers=steps), max_pixels=10**6)
    assert mixed.model_name == "tiny_deblock+tiny_denoise at 0.5"
    assert mixed.described() == (
        {"task": "deblock", "model": "tiny_deblock", "strength": 1.0},
        {"task": "denoise", "model": "tiny_denoise", "strength": 0.5},
    )
    assert plan((8, 8), Wish(request=request, **robust), max_pixels=10**6).described()[0]["strength"] == 0.75


def test_a_network_that_enlarges_does_so_wholly(tiny_models):
    with pytest.raises(ValueError, match=r"^tiny_x2 enlarges: expected strength 1, got 0.5$"):
        NetworkStep(tiny_models[2], 0.5)


class Unknown(Session):
    """Of an engine that does not know its memory before it runs."""

    facts = SessionFacts(engine="openvino", precision="f32")

    def __call__(self, batch):
        raise NotImplementedError


def test_a_network_on_squares_of_pixels_has_maps_of_a_quarter_of_the_size(tmp_path, tiny_restorers):
    def each(head, tail):
        layers = {"head": (48, head, 3, 3), "body": (48, 48, 3, 3), "tail": (tail, 48, 3, 3)}
        path = tmp_path / f"{head}.safetensors"
        weights = {name: np.zeros(shape, np.float32) for name, shape in layers.items()}
        save_file(weights, path, metadata=tiny_restorers["denoise"].card.to_header())
        return network_bytes_per_pixel(path, Unknown())

    maps = 6 * 48 * 4
    assert each(3, 3) - each(12, 12) == maps - maps // 4 - 24  # in and out lie there as squares too
