"""Protocols against definitions written out here."""

import math

import numpy as np
import pytest

from upres.errors import DataError
from upres.metrics.protocol import PROTOCOLS, Views, find_protocol

RED, GREY = (255, 0, 0), (100, 100, 100)


def flat(colour, size=40):
    return np.broadcast_to(np.array(colour, np.uint8), (size, size, 3))


def enlarge(batch):
    return batch.repeat(2, axis=2).repeat(2, axis=3)


@pytest.mark.parametrize(
    ("name", "colour", "expected"),
    [
        ("paper", RED, 16 + 65.481),
        ("paper", GREY, 16 + 219 * 100 / 255),
        ("matlab-uint8", RED, 81),
        ("matlab-uint8", GREY, 102),
        ("ntire", RED, RED),
        ("luma-float", RED, 16 + 65.481),
        ("esr", RED, 16 + 219 * 0.114),
        ("esr", GREY, 16 + 219 * 100 / 255),
    ],
)
def test_measures_the_values_of_its_definition(name, colour, expected):
    assert np.allclose(PROTOCOLS[name].reference(flat(colour)).values, expected, atol=2e-4)


@pytest.mark.parametrize(
    ("name", "given"), [("luma-float", (16 + 65.481) / 255), ("esr", 0.114), ("paper", 0.299), ("ntire", 0.299)]
)
def test_gives_luma_networks_the_plane_of_its_definition(name, given):
    batches = []
    PROTOCOLS[name].estimate(
        lambda batch: batches.append(batch) or enlarge(batch), flat(RED), scale=2, color_mode="luma"
    )
    assert batches[0].shape == (1, 1, 40, 40)
    assert batches[0].dtype == np.float32
    assert np.allclose(batches[0], given, atol=1e-6)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_output_beyond_white_counts_as_white(name):
    rules = PROTOCOLS[name]
    white = {"luma-float": 255}.get(name, rules.reference(flat((255, 255, 255), 80)).values)
    sr = rules.estimate(lambda batch: enlarge(batch) + 1, flat(GREY), scale=2, color_mode="luma")
    assert np.allclose(sr.values, white, atol=1e-4)


@pytest.mark.parametrize(("name", "rounded"), [("paper", True), ("ntire", True), ("luma-float", False), ("esr", False)])
def test_only_the_8_bit_protocols_round_the_output(name, rounded):
    rules = PROTOCOLS[name]
    sr = rules.estimate(lambda batch: enlarge(batch) + 0.3 / 255, flat(GREY), scale=2, color_mode="luma")
    assert np.allclose(sr.values, rules.reference(flat(GREY, 80)).values, atol=1e-3) == rounded


@pytest.mark.parametrize(("name", "border"), [("paper", 3), ("ntire", 3), ("luma-float", 3), ("esr", 6)])
def test_ignores_the_border_of_its_definition(name, border):
    hr = PROTOCOLS[name].reference(flat(GREY)).values.astype(float)
    sr = hr.copy()
    sr[:border] += 9
    assert PROTOCOLS[name].score(Views(values=sr), Views(values=hr), scale=3) == {"psnr": math.inf, "ssim": 1.0}
    sr[border, border] += 9
    scores = PROTOCOLS[name].score(Views(values=sr), Views(values=hr), scale=3)
    assert scores["psnr"] < 70
    assert scores["ssim"] < 1


@pytest.mark.parametrize("name", PROTOCOLS)
def test_ignores_no_border_where_nothing_grows(name):
    hr = PROTOCOLS[name].reference(flat(GREY)).values.astype(float)
    sr = hr.copy()
    sr[0, 0] += 9
    assert PROTOCOLS[name].score(Views(values=sr), Views(values=hr), scale=1)["psnr"] < 70


def test_metrics_of_pictures_see_all_of_the_users_picture():
    rules = PROTOCOLS["paper"]
    grey = np.full((20, 20, 3), 100, np.uint8)
    hr = rules.reference(grey.repeat(2, axis=0).repeat(2, axis=1))
    edge = grey.copy()
    edge[0, 0] += 90
    sr = rules.estimate(enlarge, edge, scale=2, color_mode="rgb")
    assert sr.picture.dtype == np.uint8
    scores = rules.score(sr, hr, scale=2, metrics=["ssimulacra2", "psnr"])
    assert list(scores) == ["ssimulacra2", "psnr"]
    assert scores["psnr"] == math.inf  # what differs lies in the border
    assert scores["ssimulacra2"] < 97


@pytest.mark.parametrize("name", ["luma-float", "esr"])
def test_protocols_of_one_plane_refuse_metrics_of_pictures(name):
    with pytest.raises(DataError, match=rf"'{name}' compares one plane of luma, and niqe looks at RGB.*use 'paper'"):
        PROTOCOLS[name].check_metrics(["psnr", "niqe"])
    views = PROTOCOLS[name].reference(flat(GREY))
    with pytest.raises(DataError, match="one plane"):
        PROTOCOLS[name].score(views, views, scale=2, metrics=["niqe"])


def test_pictures_must_be_large_enough_for_every_metric():
    assert PROTOCOLS["paper"].least_side(["psnr"], scale=4) == 9
    assert PROTOCOLS["paper"].least_side(["psnr", "ssim"], scale=4) == 19
    assert PROTOCOLS["esr"].least_side(["ssim"], scale=4) == 27
    assert PROTOCOLS["paper"].least_side(["ssim", "niqe"], scale=4) == 192
    assert PROTOCOLS["paper"].least_side(["ssim"], scale=1) == 11


def test_refuses_rgb_networks_where_only_luma_is_defined():
    for name in ("luma-float", "esr"):
        with pytest.raises(DataError, match=f"'{name}' measures luma networks only.*'paper'"):
            PROTOCOLS[name].estimate(enlarge, flat(RED), scale=2, color_mode="rgb")


def test_unknown_protocol_suggests_the_nearest():
    with pytest.raises(DataError, match=r"Did you mean 'paper'.*ntire"):
        find_protocol("papper")
