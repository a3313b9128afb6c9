"""The one training loop: stages in order, a running mean of the weights, validation, and a state to resume from."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from upres.errors import RecipeError, TrainingError
from upres.lab.checkpoint import build, save
from upres.lab.data.patches import PatchSampler, prefetch
from upres.lab.data.pictures import PicturePair
from upres.lab.losses.criterion import criterion
from upres.lab.training.allocator import keep_freed_memory
from upres.lab.training.form import plain, share_orbits, slow_means
from upres.lab.training.log import RunLog
from upres.lab.training.recipe import Recipe, Stage, difference
from upres.lab.training.schedule import learning_rate
from upres.lab.training.state import MovingAverage, Progress, load_state, save_state, saved_progress, saved_recipe
from upres.lab.training.validation import Validator
from upres.lab.training.warm_start import warm_start
from upres.lab.zoo import MODELS
from upres.models.card import ModelCard

_LOG_EVERY = 100


class Listener:
    """What is told how a run goes; this one keeps silent."""

    def on_start(self, progress: Progress) -> None:
        """The run begins, or goes on from ``progress``."""

    def on_step(self, step: int, loss: float, rate: float) -> None:
        """A few hundred times a run: the mean loss since the last call."""

    def on_validation(self, step: int, psnr_db: float) -> None:
        """After each validation."""

    def on_warning(self, message: str) -> None:
        """Something that the person at the terminal should know."""


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """How a finished run went."""

    recipe: str
    steps: int
    best_psnr_db: float
    best_step: int
    seconds: float
    best: Path
    last: Path


def train(
    recipe: Recipe,
    pictures: Sequence[PicturePair],
    *,
    out: str | Path,
    validator: Validator,
    data_facts: dict[str, Any] | None = None,
    devices: int = 1,
    restart: bool = False,
    listener: Listener | None = None,
) -> TrainingResult:
    """Train by ``recipe`` into the folder ``out``, going on where an earlier call with the same recipe stopped.

    ``out`` receives ``recipe.json``, ``log.jsonl``, TensorBoard events, ``state.safetensors`` (to resume),
    ``last.safetensors`` and ``best.safetensors`` (the running mean of the weights, with a model card).

    Args:
        recipe: What to do.
        pictures: Training pairs for the model's scale.
        out: Folder of the run; created.
        validator: Measures PSNR on pictures that are not trained on.
        data_facts: What the model card says about the training pictures.
        devices: Processes that share each batch.
        restart: Begin anew even where a state exists.
        listener: Told how it goes.

    Raises:
        RecipeError: If ``out`` holds a run by another recipe.
        TrainingError: If the loss stops being finite for good, or the state is damaged.
    """
    run = _Run(recipe, pictures, Path(out), validator, data_facts or {}, devices, listener or Listener())
    run.open(restart=restart)
    return run.go()


class _Run:
    """Everything that a run holds while it goes."""

    def __init__(
        self,
        recipe: Recipe,
        pictures: Sequence[PicturePair],
        out: Path,
        validator: Validator,
        data_facts: dict[str, Any],
        devices: int,
        listener: Listener,
    ) -> None:
        self.recipe, self.pictures, self.out = recipe, pictures, out
        self.validator, self.data_facts, self.listener = validator, data_facts, listener
        keep_freed_memory()
        precision: Any = {"f32": "32-true", "bf16": "bf16-mixed"}[recipe.precision]
        self.fabric = Fabric(accelerator="auto", devices=devices, precision=precision)
        self.fabric.launch()
        torch.manual_seed(recipe.seed)
        self.spec = MODELS[recipe.model]
        network = build(self.spec)
        if recipe.start.model and not (out / "state.safetensors").is_file():
            warm_start(network, recipe.start, beside=out.parent)
        network = self._training_form(network).train()
        if recipe.channels_last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network
        self.module = self.fabric.setup_module(network)
        self.average = MovingAverage(network, recipe.ema_decay)
        self.progress = Progress()
        self.optimizer = self._new_optimizer(recipe.stages[0])
        self.log: RunLog | None = None

    def open(self, *, restart: bool) -> None:
        """Make the folder, or pick up the run that is in it."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = self.out / "state.safetensors"
        if state.is_file() and not restart:
            saved = Recipe.from_dict(saved_recipe(state))
            if saved != self.recipe:
                changed = "; ".join(difference(self.recipe, saved))
                raise RecipeError(
                    f"{self.out} holds a run by another recipe (now, then: {changed}). Use another --out, or --restart."
                )
            self.optimizer = self._new_optimizer(self.recipe.stages[self._stage_at(saved_progress(state).step)])
            self.progress = load_state(
                state, network=self.network, average=self.average, optimizer=self.optimizer.optimizer
            )
        elif self.fabric.is_global_zero:
            for name in ("best.safetensors", "last.safetensors", "state.safetensors"):
                (self.out / name).unlink(missing_ok=True)
            (self.out / "recipe.json").write_text(json.dumps(self.recipe.to_dict(), indent=2) + "\n")
        if self.fabric.is_global_zero:
            self.log = RunLog(self.out, first_step=self.progress.step)

    def go(self) -> TrainingResult:
        """All stages to the end."""
        self.listener.on_start(self.progress)
        first = 0
        for index, stage in enumerate(self.recipe.stages):
            if self.progress.step < first + stage.steps:
                if index and self.progress.step == first:
                    self.optimizer = self._new_optimizer(stage)
                self._stage(index, stage, first)
            first += stage.steps
        if self.log is not None:
            self.log.close()
        return TrainingResult(
            recipe=self.recipe.name,
            steps=self.progress.step,
            best_psnr_db=self.progress.best_psnr_db,
            best_step=self.progress.best_step,
            seconds=self.progress.seconds,
            best=self.out / "best.safetensors",
            last=self.out / "last.safetensors",
        )

    def _training_form(self, network: nn.Module) -> nn.Module:
        if self.recipe.share_orbits:
            share_orbits(network, num_channels=self.spec.arguments["num_channels"])
        return slow_means(network) if self.recipe.slow_means else network

    def _stage(self, index: int, stage: Stage, first: int) -> None:
        sampler = PatchSampler(
            self.pictures,
            scale=self.spec.scale,
            patch_size=stage.patch_size,
            batch_size=stage.batch_size,
            color_mode=self.network.color_mode,
            studio_fraction=self.recipe.studio_fraction,
            seed=self.recipe.seed + index,
        )
        loss_of = criterion(stage.losses)
        done, end = self.progress.step, first + stage.steps
        world = {"rank": self.fabric.global_rank, "world_size": self.fabric.world_size}
        started, losses = time.monotonic(), torch.zeros(())
        with prefetch(sampler, range(done - first, stage.steps), **world) as batches:
            for step, (lr, hr) in enumerate(batches, start=done):
                for group in self.optimizer.param_groups:
                    group["lr"] = learning_rate(stage, step - first)
                losses += self._step(stage, loss_of, lr, hr)
                self.progress.step = step + 1
                if self._due(_LOG_EVERY, end):
                    now = time.monotonic()
                    self.progress.seconds += now - started
                    self._record(stage, step - first, losses / _LOG_EVERY)
                    started, losses = now, torch.zeros(())
                if self._due(self.recipe.validate_every, end):
                    self._validate()
                if self._due(self.recipe.save_every, end):
                    self._save()

    def _new_optimizer(self, stage: Stage) -> Any:
        optim = stage.optim
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[optim.name]
        return self.fabric.setup_optimizers(
            kind(
                self.network.parameters(),
                lr=optim.learning_rate,
                betas=(optim.betas[0], optim.betas[1]),
                weight_decay=optim.weight_decay,
                fused=True,
            )
        )

    def _stage_at(self, step: int) -> int:
        ends = accumulate(stage.steps for stage in self.recipe.stages)
        return next((index for index, end in enumerate(ends) if step <= end), len(self.recipe.stages) - 1)

    def _due(self, every: int, end: int) -> bool:
        return self.progress.step % every == 0 or self.progress.step == end

    def _step(self, stage: Stage, loss_of: Any, lr: Tensor, hr: Tensor) -> Tensor:
        """One update; the loss, or zero where the step was left out because something was not finite."""
        if self.recipe.channels_last:
            lr = lr.contiguous(memory_format=torch.channels_last)
        self.optimizer.zero_grad(set_to_none=True)
        loss: Tensor = loss_of(self.module(self.fabric.to_device(lr)), self.fabric.to_device(hr))
        self.fabric.backward(loss)
        norm = nn.utils.get_total_norm([p.grad for p in self.network.parameters() if p.grad is not None])
        if not bool(torch.isfinite(loss) & torch.isfinite(norm)):
            return self._skip()
        if stage.optim.clip_norm:
            nn.utils.clip_grads_with_norm_(self.network.parameters(), stage.optim.clip_norm, norm)
        self.optimizer.step()
        self.average.update(self.network, self.progress.step)
        return loss.detach().cpu()

    def _skip(self) -> Tensor:
        self.progress.skipped_steps += 1
        step, skipped = self.progress.step, self.progress.skipped_steps
        self.listener.on_warning(f"step {step}: loss or gradient not finite, step left out ({skipped} so far)")
        if skipped > 100 and skipped > step // 10:
            raise TrainingError(
                f"{skipped} of {step} steps were not finite; lower optim.learning_rate or warm up longer"
            )
        return torch.zeros(())

    def _record(self, stage: Stage, step: int, loss: Tensor) -> None:
        if self.log is not None:
            rate, mean = learning_rate(stage, step), float(loss)
            self.listener.on_step(self.progress.step, mean, rate)
            self.log.write(self.progress.step, loss=mean, learning_rate=rate)

    def _validate(self) -> None:
        if self.log is None:
            return
        averaged = self._training_form(build(self.spec))
        averaged.load_state_dict(self.average.tensors)
        network = plain(averaged, self.spec)
        psnr_db = self.validator.psnr_db(network)
        if psnr_db > self.progress.best_psnr_db:
            self.progress.best_psnr_db, self.progress.best_step = psnr_db, self.progress.step
            save(self.out / "best.safetensors", network, self._card(psnr_db))
        save(self.out / "last.safetensors", network, self._card(psnr_db))
        self.listener.on_validation(self.progress.step, psnr_db)
        self.log.write(self.progress.step, psnr_db=psnr_db)

    def _card(self, psnr_db: float) -> ModelCard:
        training = {
            "recipe": self.recipe.to_dict(),
            "steps": self.progress.step,
            "validation": {**self.validator.facts, "psnr_db": round(psnr_db, 4)},
            "data": self.data_facts,
        }
        return ModelCard(
            name=self.recipe.model,
            spec=self.spec,
            color_mode=self.network.color_mode,
            parameters=0,
            licence="Apache-2.0",
            training=training,
        )

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            save_state(
                self.out / "state.safetensors",
                network=self.network,
                average=self.average,
                optimizer=self.optimizer.optimizer,
                progress=self.progress,
                recipe=self.recipe.to_dict(),
            )
