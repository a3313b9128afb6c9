"""Quality of a model on a set: the report, and its agreement with simple computations."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from upres.errors import DataError
from upres.evaluation import (
    ImageQuality,
    LoadedPair,
    LoadedPairs,
    QualityReport,
    bicubic_network,
    evaluate,
    evaluate_protocols,
    load_pairs,
    unchanged,
)
from upres.image.convert import run_network
from upres.image.resize import imresize

EIGHT_BIT = ["paper", "ntire", "matlab-uint8"]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(3)
    for name in ("a", "b"):
        smooth = imresize(rng.integers(0, 256, (8, 9, 3), np.uint8), size=(49, 57))
        Image.fromarray(smooth).save(tmp_path / f"{name}.png")
    return tmp_path


def test_report_is_the_json_contract(folder):
    report = evaluate(bicubic_network(2), folder, scale=2, color_mode="rgb", model="bicubic")
    content = json.loads(json.dumps(report.to_dict()))
    assert list(content) == ["model", "scale", "dataset", "protocol", "psnr_db", "ssim", "metrics", "images"]
    assert content["model"] == "bicubic"
    assert content["scale"] == 2
    assert content["dataset"] == folder.name
    assert content["protocol"] == "paper"
    assert [list(image) for image in content["images"]] == [["name", "psnr_db", "ssim", "metrics"]] * 2
    assert content["psnr_db"] == pytest.approx(np.mean([image["psnr_db"] for image in content["images"]]))
    assert content["ssim"] == pytest.approx(np.mean([image["ssim"] for image in content["images"]]))


def test_folder_and_loaded_pairs_give_the_same(folder):
    network = bicubic_network(3)
    from_folder = evaluate(network, folder, scale=3, color_mode="rgb")
    assert evaluate(network, load_pairs(folder, 3), scale=3, color_mode="rgb") == from_folder


def test_several_protocols_give_what_each_gives_alone_from_one_run_of_the_network(folder):
    runs = []

    def network(batch):
        runs.append(batch)
        return bicubic_network(2)(batch)

    together = evaluate_protocols(network, folder, scale=2, color_mode="rgb", protocols=EIGHT_BIT)
    assert len(runs) == 2  # one for each of the pictures
    alone = [evaluate(network, folder, scale=2, color_mode="rgb", protocol=name) for name in EIGHT_BIT]
    assert together == alone
    assert len({report.psnr_db for report in alone}) == 3


def test_perfect_network_has_no_finite_psnr_and_json_says_null():
    black = np.zeros((40, 40, 3), np.uint8)
    data = LoadedPairs(dataset="night", scale=2, pairs=(LoadedPair(name="sky", hr=black, lr=black[::2, ::2]),))
    report = evaluate(bicubic_network(2), data, scale=2, color_mode="rgb")
    assert report.psnr_db == math.inf
    assert report.ssim == 1
    assert report.to_dict()["psnr_db"] is None
    assert report.to_dict()["images"][0]["psnr_db"] is None


def test_means_are_over_images():
    images = tuple(ImageQuality(name=str(value), scores={"psnr": value, "ssim": value / 100}) for value in (20.0, 40.0))
    report = QualityReport(model="m", scale=2, dataset="d", protocol="paper", images=images)
    assert (report.psnr_db, report.ssim) == pytest.approx((30, 0.3))


def test_progress_counts_pictures(folder):
    calls = []
    evaluate(
        bicubic_network(2), folder, scale=2, color_mode="rgb", progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(0, 2), (1, 2), (2, 2)]


def test_bicubic_of_8_bits_equals_imresize_of_the_picture():
    picture = np.random.default_rng(5).integers(0, 256, (13, 11, 3), np.uint8)
    assert np.array_equal(
        run_network(picture, bicubic_network(3), scale=3, color_mode="rgb"), imresize(picture, scale=3)
    )


def test_bicubic_of_floats_is_neither_rounded_nor_clamped():
    step = np.zeros((2, 1, 8, 8), np.float32)
    step[..., 4:] = 1
    enlarged = bicubic_network(2, eight_bit=False)(step)
    assert enlarged.shape == (2, 1, 16, 16)
    assert np.array_equal(enlarged[1, 0], imresize(step[1, 0], scale=2))
    assert enlarged.min() < 0 < 1 < enlarged.max()


def test_refuses_pairs_of_another_scale(folder):
    with pytest.raises(DataError, match="loaded for scale 2, and the network upscales by 3"):
        evaluate(bicubic_network(3), load_pairs(folder, 2), scale=3, color_mode="rgb")


def test_refuses_pictures_without_room_for_the_window(tmp_path):
    Image.fromarray(np.zeros((18, 60, 3), np.uint8)).save(tmp_path / "strip.png")
    with pytest.raises(DataError, match=r"strip: 60x16 pixels are too few.*'paper' at scale 4, which needs 19x19"):
        evaluate(bicubic_network(4), tmp_path, scale=4, color_mode="rgb")


def test_refuses_luma_protocols_for_rgb_networks_before_reading_anything(tmp_path):
    with pytest.raises(DataError, match="luma networks only"):
        evaluate(bicubic_network(2), tmp_path / "nowhere", scale=2, color_mode="rgb", protocol="esr")


@pytest.mark.parametrize("protocol", ["paper", "luma-float"])
def test_network_of_another_scale_is_a_programming_mistake(folder, protocol):
    with pytest.raises(ValueError, match=r"expected the network to return|one shape"):
        evaluate(bicubic_network(3, eight_bit=False), folder, scale=2, color_mode="luma", protocol=protocol)


def noisy_pair(size=200):
    rng = np.random.default_rng(4)
    clean = imresize(rng.integers(60, 200, (9, 9, 3), np.uint8), size=(size, size))
    noisy = (clean + rng.integers(-15, 16, clean.shape)).astype(np.uint8)
    return LoadedPairs(dataset="noise", scale=1, pairs=(LoadedPair(name="a", hr=clean, lr=noisy),))


@pytest.mark.parametrize("color_mode", ["rgb", "luma"])
def test_restoration_is_measured_at_scale_one_with_any_callable(color_mode):
    data = noisy_pair()
    (pair,) = data.pairs
    as_it_is = evaluate(unchanged, data, scale=1, color_mode=color_mode, protocol="ntire")
    error = np.mean((pair.lr.astype(float) - pair.hr) ** 2)
    assert as_it_is.psnr_db == pytest.approx(10 * math.log10(255**2 / error))  # of every pixel: no border

    def smooth(batch):
        return (batch + sum(np.roll(batch, shift, axis) for shift in (1, -1) for axis in (2, 3))) / 5

    assert evaluate(smooth, data, scale=1, color_mode=color_mode, protocol="ntire").psnr_db > as_it_is.psnr_db + 0.5


def test_metrics_are_measured_by_name():
    data = noisy_pair()
    report = evaluate(unchanged, data, scale=1, color_mode="rgb", metrics=["psnr", "ssimulacra2", "niqe"])
    assert list(report.scores) == ["psnr", "ssimulacra2", "niqe"]
    content = json.loads(json.dumps(report.to_dict()))
    assert content["metrics"] == {name: pytest.approx(value, abs=1e-6) for name, value in report.scores.items()}
    assert content["images"][0]["metrics"].keys() == content["metrics"].keys()
    assert content["psnr_db"] == content["metrics"]["psnr"]
    assert "ssim" not in content


def test_means_of_metrics_are_over_images():
    images = tuple(ImageQuality(name=str(value), scores={"niqe": value}) for value in (3.0, 5.0))
    report = QualityReport(model="m", scale=2, dataset="d", protocol="paper", images=images)
    assert report.scores == {"niqe": 4.0}


def test_refuses_pictures_that_are_too_small_for_a_metric(folder):
    with pytest.raises(DataError, match=r"56x48 pixels are too few for psnr, niqe by protocol 'paper'.*192x192"):
        evaluate(bicubic_network(2), folder, scale=2, color_mode="rgb", metrics=["psnr", "niqe"])


def test_refuses_metrics_before_reading_anything(tmp_path):
    nowhere, settings = tmp_path / "nowhere", {"scale": 2, "color_mode": "luma"}
    with pytest.raises(DataError, match="Did you mean 'ssim'"):
        evaluate(bicubic_network(2), nowhere, metrics=["sim"], **settings)
    with pytest.raises(DataError, match="'esr' compares one plane of luma, and ssimulacra2 looks at RGB pictures"):
        evaluate(bicubic_network(2), nowhere, protocol="esr", metrics=["ssimulacra2"], **settings)


def test_pictures_made_worse_are_counted_at_scale_one():
    (pair,) = noisy_pair().pairs
    black = LoadedPair(name="b", hr=pair.hr, lr=np.maximum(pair.lr, 1))
    data = LoadedPairs(dataset="set", scale=1, pairs=(pair, black))

    def network(batch):  # gives the first picture back, and the second black
        return batch if batch.min() * 255 < 1 else np.zeros_like(batch)

    pair.lr[0, 0, 0] = 0
    report = evaluate(network, data, scale=1, color_mode="rgb", protocol="ntire", metrics=["ssim"])
    assert [image.worse for image in report.images] == [False, True]
    assert list(report.to_dict()) == ["model", "scale", "dataset", "protocol", "ssim", "metrics", "worse", "images"]
    assert report.to_dict()["worse"] == 1
    assert evaluate(unchanged, data, scale=1, color_mode="rgb").worse == 0
