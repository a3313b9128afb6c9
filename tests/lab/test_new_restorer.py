"""A new network that restores is a class and a line of the zoo: every room takes it at scale 1, whatever it needs."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from upres.bench.speed import contenders
from upres.engines import select
from upres.errors import CheckpointError, ModelError
from upres.evaluation.contenders import Running, find_contenders, measure
from upres.evaluation.results import Results
from upres.image.convert import run_network
from upres.image.picture import Frame
from upres.lab.checkpoint import build, describe, load, save, spec_of
from upres.lab.complexity import receptive_field
from upres.lab.data.degradations import Degradation
from upres.lab.data.degradations.noise import Noise
from upres.lab.export.ship import ship
from upres.lab.foreign.nearest import nearest
from upres.lab.training.recipe import Recipe, Stage
from upres.lab.training.recipes import rgb
from upres.lab.training.run import run_recipe
from upres.lab.zoo import ARCHITECTURES, MODELS
from upres.models.card import ModelSpec
from upres.models.catalog import find
from upres.pipeline.budget import Budget
from upres.pipeline.plan import Wish, plan
from upres.pipeline.sessions import Sessions, Settings
from upres.pipeline.sizes import SizeRequest
from upres.pipeline.steps import NetworkStep
from upres.pipeline.still import make_frame
from upres.upscaler import Upscaler

ENGINES = ("openvino", "onnxruntime", "torch")


class ToyUNet(nn.Module):
    """Halves the maps five times, so that 32 divides neither most pictures nor the sizes that the lab tries."""

    color_mode, task = "rgb", "deblock"
    min_size, multiple_of, halo = 40, 32, 33

    def __init__(self, *, scale, num_channels=4):
        super().__init__()
        if scale != 1:
            raise ValueError("it keeps the size: scale 1")
        self.scale = scale
        self.head = nn.Conv2d(3, num_channels, 3, padding=1)
        self.down = nn.Sequential(*(nn.Conv2d(num_channels, num_channels, 2, stride=2) for _ in range(5)))
        self.up = nn.Sequential(*(nn.ConvTranspose2d(num_channels, num_channels, 2, stride=2) for _ in range(5)))
        self.tail = nn.Conv2d(num_channels, 3, 3, padding=1)

    def forward(self, x):
        features = self.head(x)
        return x + self.tail(features + self.up(self.down(features)))


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """The class and its line."""
    module = ModuleType("toy_arch")
    vars(module)["ToyUNet"] = ToyUNet
    monkeypatch.setitem(sys.modules, "toy_arch", module)
    monkeypatch.setitem(ARCHITECTURES, "toy_unet", "toy_arch:ToyUNet")
    monkeypatch.setitem(MODELS, "toy_unet_n4", ModelSpec(architecture="toy_unet", scale=1, arguments={}))


@pytest.fixture
def model(tmp_path):
    """A network with its card and its graph, as it would lie in the package."""
    torch.manual_seed(0)
    network = build(spec_of("toy_unet_n4")).eval()
    path = tmp_path / "toy_unet_n4.safetensors"
    save(path, network, describe(network, spec_of("toy_unet_n4"), name="toy_unet_n4"))
    ship(path, tmp_path)
    return find(path)


def picture(height, width):
    return np.random.default_rng(height).integers(256, size=(height, width, 3), dtype=np.uint8)


def reflected(model, pixels, *, margin=0):
    """What the network makes of a picture, reflected by hand to what the network takes, or by a margin at least."""
    height, width, _ = pixels.shape
    before = [max(margin, max(0, 41 - side) // 2) for side in (height, width)]
    after = [edge + -(side + 2 * edge) % 32 for side, edge in zip((height, width), before, strict=True)]
    padded = np.pad(pixels, [*zip(before, after, strict=True), (0, 0)], mode="symmetric")
    network, _ = load(model.weights)
    with torch.no_grad():
        whole = run_network(padded, lambda batch: network(torch.from_numpy(batch)).numpy(), scale=1, color_mode="rgb")
    return whole[before[0] : before[0] + height, before[1] : before[1] + width]


def test_its_card_says_what_it_does_and_needs(model):
    card = model.card
    assert (card.task, card.scale, card.min_size, card.multiple_of, card.halo) == ("deblock", 1, 40, 32, 33)
    assert model.graph is not None
    assert receptive_field(load(model.weights)[0]) == 66  # a pixel at an edge is seen by both squares, and one beyond


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [(61, 83), (5, 70)])
def test_it_is_a_step_of_a_plan_on_every_engine(model, engine, size):
    if reason := select.unavailable(engine):
        pytest.skip(reason)
    pixels = picture(*size)
    steps = plan(size, Wish(request=SizeRequest(scale=1), restorers=(NetworkStep(model),)), max_pixels=10**6)
    made = make_frame(
        Frame(pixels=pixels),
        steps,
        sessions=Sessions(),
        settings=Settings(engine=engine, precision="f32"),
        budget=Budget(working_bytes=10**9, cores=1),
    )
    assert np.abs(made.pixels.astype(int) - reflected(model, pixels, margin=8)).max() <= 1


@pytest.mark.parametrize("size", [(61, 83), (11, 70)])
def test_it_is_evaluated_on_pictures_of_any_size(model, tmp_path, size):
    clean, noisy = picture(*size), picture(*size) // 2
    for folder, pixels in (("clean", clean), ("noisy", noisy)):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "pairs" / folder / "a.png")
    running = Running(engine="torch")
    (contender,) = find_contenders([str(model.weights)], ["ntire"], scale=None, running=running, tell=print)
    (record,) = measure(contender, tmp_path / "pairs", {"ntire": ("psnr",)}, Results(None))
    error = np.mean((reflected(model, noisy).astype(float) - clean) ** 2)
    assert record["metrics"]["psnr"] == pytest.approx(10 * np.log10(255**2 / error), abs=0.02)


def test_it_is_trained_on_degraded_pictures(tmp_path):
    (tmp_path / "train").mkdir()
    for index in range(3):
        Image.fromarray(picture(72 + index, 96)).save(tmp_path / "train" / f"{index}.png")
    noise = Degradation(steps=(Noise(sigma=(10.0, 20.0)),))
    stage = Stage(steps=2, batch_size=2, patch_size=64, degradation=noise)
    recipe = Recipe(name="toy", model="toy_unet_n4", stages=(stage,))
    result = run_recipe(recipe, data=tmp_path / "train", out=tmp_path / "run", cache=tmp_path / "cache")
    _, card = load(result.best)
    assert (card.name, card.task, card.multiple_of) == ("toy", "deblock", 32)


def test_its_recipe_starts_from_scratch(monkeypatch):
    monkeypatch.setitem(rgb.SETTINGS, "toy_unet", rgb.Settings(learning_rate=1e-4))
    assert rgb.general("toy_unet_n4").start.model == ""


def test_it_is_timed_at_sizes_that_it_takes(model):
    (timed,) = contenders([str(model.weights)], ["torch"], [(203, 121)], threads=1, precision="f32")
    assert (timed.width, timed.height) == (192, 96)


def test_a_file_that_is_almost_its_own_is_told_so():
    state = build(spec_of("toy_unet_n4")).state_dict()
    del state["tail.bias"]
    assert nearest(state) == (
        "Nearest architecture: toy_unet (as toy_unet_n4, 23 of 23 tensor names known); in our names: "
        "tail.bias [3] is missing"
    )


def test_nothing_grows_by_it(model):
    with pytest.raises(ModelError, match=r"expected a network that enlarges.*keeps the size \(task 'deblock'\)"):
        Upscaler(2, model=model.weights)
    with pytest.raises(CheckpointError, match="toy_unet cannot be built at scale 2"):
        build(ModelSpec(architecture="toy_unet", scale=2))
