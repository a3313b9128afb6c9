"""How fast networks train and run here, under the conditions of the moment."""

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from upres.lab.checkpoint import build, load
from upres.lab.data.pictures import PicturePair, load_pictures
from upres.lab.losses.adversarial import UNOPPOSED
from upres.lab.losses.criterion import criterion
from upres.lab.training.loop import train
from upres.lab.training.optimizers import optimizer
from upres.lab.training.recipe import Recipe, WarmStart
from upres.lab.training.validation import Validator

_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class SpeedComparison:
    """Training steps a second of the loop and of the shortest program that trains the same network."""

    recipe: str
    loop_steps_per_s: float
    plain_steps_per_s: float
    waiting_share: float
    """Share of the loop's time that went by waiting for batches."""


def compare_speeds(
    recipes: Iterable[Recipe], data: str | Path, *, cache: str | Path | None = None
) -> list[SpeedComparison]:
    """`compare_speed` for each recipe, on the pictures of a folder; the loop's files are thrown away.

    Args:
        recipes: What to train.
        data: Folder of high-resolution pictures.
        cache: See `load_pictures`.

    Raises:
        DataError: If the folder is missing or holds no picture.
    """
    with tempfile.TemporaryDirectory() as folder:
        return [
            compare_speed(recipe, load_pictures(data, recipe.spec().scale, cache=cache), folder=folder)
            for recipe in recipes
        ]


def compare_speed(
    recipe: Recipe, pictures: Sequence[PicturePair], *, folder: str | Path, steps: int = 30
) -> SpeedComparison:
    """Train the recipe's last stage with the loop and with a plain PyTorch program, in turns; medians of three.

    The plain program crops each batch when it needs it, keeps no running mean, notes nothing and does not look whether
    a step is finite. Neither has an adversary. The allocator is tuned for both, as the loop does that for the whole
    process.

    Args:
        recipe: What to train.
        pictures: Pairs for its scale.
        folder: For the loop's files.
        steps: Of each turn.
    """
    stage = replace(recipe.stages[-1], steps=steps, adversary=UNOPPOSED)
    short = replace(recipe, stages=(stage,), start=WarmStart(), validate_every=steps, save_every=steps)
    color_mode: Any = build(recipe.spec()).color_mode
    validator = Validator(pictures[:1], scale=recipe.spec().scale, color_mode=color_mode, name="speed")
    loop, plain, waiting = [], [], []
    for turn in range(_ROUNDS):
        result = train(short, pictures, out=Path(folder) / str(turn), validator=validator, restart=True)
        loop.append(result.steps_per_s)
        waiting.append(result.waiting_share)
        plain.append(_plain_steps_per_s(short, pictures))
    return SpeedComparison(
        recipe=recipe.name,
        loop_steps_per_s=median(loop),
        plain_steps_per_s=median(plain),
        waiting_share=median(waiting),
    )


def latency_ms(files: Mapping[str, Path], *, height: int = 180, width: int = 320, rounds: int = 5) -> dict[str, float]:
    """Milliseconds that each checkpoint's network takes for one picture in eager PyTorch, driven in turns; medians.

    A network that takes multiples of some number alone gets the next larger picture, as it would from a user's.
    """
    networks = {name: load(path)[0] for name, path in files.items()}
    times: dict[str, list[float]] = {name: [] for name in networks}
    with torch.inference_mode():
        for turn in range(rounds + 1):
            for name, network in networks.items():
                planes = 1 if network.color_mode == "luma" else 3
                multiple = getattr(network, "multiple_of", 1)
                picture = torch.rand(1, planes, *(-(-side // multiple) * multiple for side in (height, width)))
                started = time.perf_counter()
                network(picture)
                if turn:  # the first one warms up
                    times[name].append(1000 * (time.perf_counter() - started))
    return {name: median(values) for name, values in times.items()}


def _plain_steps_per_s(recipe: Recipe, pictures: Sequence[PicturePair]) -> float:
    stage, spec = recipe.stages[0], recipe.spec()
    network = build(spec).train()
    optim = optimizer(stage.optim, network.parameters())
    loss_of = criterion(stage.losses)
    rng = np.random.default_rng(recipe.seed)
    started = time.monotonic()
    for _ in range(stage.steps):
        lr, hr = _crops(pictures, spec.scale, stage.patch_size, stage.batch_size, rng, network)
        optim.zero_grad()
        loss_of(network(lr), hr, lr).backward()  # type: ignore[no-untyped-call]
        optim.step()
    return stage.steps / (time.monotonic() - started)


def _crops(
    pictures: Sequence[PicturePair], scale: int, size: int, count: int, rng: np.random.Generator, network: nn.Module
) -> tuple[Tensor, Tensor]:
    """A batch as people make it: crop, turn into tensors, divide by 255."""
    lrs, hrs = [], []
    for _ in range(count):
        pair = pictures[int(rng.integers(len(pictures)))]
        y, x = (int(rng.integers(side - size + 1)) for side in pair.lr.shape[:2])
        lrs.append(torch.from_numpy(pair.lr[y : y + size, x : x + size].copy()))
        area = pair.hr[y * scale : (y + size) * scale, x * scale : (x + size) * scale]
        hrs.append(torch.from_numpy(area.copy()))
    lr, hr = (torch.stack(crops).permute(0, 3, 1, 2).float() / 255 for crops in (lrs, hrs))
    return (lr[:, :1], hr[:, :1]) if network.color_mode == "luma" else (lr, hr)
