"""The one training loop: stages in order, a running mean of the weights, validation, and a state to resume from."""

import gc
import json
import warnings
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from upres.errors import Hint, RecipeError, TrainingError
from upres.lab.checkpoint import build
from upres.lab.compress.ghost.layer import advance
from upres.lab.compress.operations import compress
from upres.lab.compress.quantize.calibration import calibrate, calibration_batches
from upres.lab.data.patches import Batches, Prefetch
from upres.lab.data.pictures import PicturePair
from upres.lab.losses.criterion import Criterion, criterion
from upres.lab.training.critic import Critic
from upres.lab.training.fading import Fading
from upres.lab.training.form import deployable, plain, training_form
from upres.lab.training.interrupt import Interrupt
from upres.lab.training.listener import Listener, Silence
from upres.lab.training.log import RunLog
from upres.lab.training.material import Material, OtherScale
from upres.lab.training.optimizers import optimizer
from upres.lab.training.outcome import Outcome, TrainingResult
from upres.lab.training.pace import Pace
from upres.lab.training.recipe import Recipe, Stage, difference, require_runnable
from upres.lab.training.schedule import learning_rate
from upres.lab.training.state import (
    MovingAverage,
    RunPosition,
    load_state,
    save_state,
    saved_fading,
    saved_progress,
    saved_recipe,
    saved_transforms,
)
from upres.lab.training.teachers import with_teachers
from upres.lab.training.validation import Validator
from upres.lab.training.warm_start import adopt, compressed_by, warm_start
from upres.machine.allocator import keep_freed_memory
from upres.machine.atomic import write_text
from upres.metrics.table import METRICS
from upres.models.card import ModelSpec

_LOG_EVERY = 100


def train(
    recipe: Recipe,
    pictures: Sequence[PicturePair],
    *,
    out: str | Path,
    validator: Validator,
    other_scale: OtherScale | None = None,
    data_facts: dict[str, Any] | None = None,
    devices: int = 1,
    restart: bool = False,
    listener: Listener | None = None,
) -> TrainingResult:
    """Train by ``recipe`` into the folder ``out``, going on where an earlier call with the same recipe stopped.

    ``out`` receives ``recipe.json``, ``log.jsonl``, TensorBoard events, ``state.safetensors`` (to resume),
    ``last.safetensors`` and ``best.safetensors`` (the running mean of the weights, with a model card). Ctrl-C lets the
    step end and saves the state before `KeyboardInterrupt` is raised; a second one ends at once.

    Args:
        recipe: What to do.
        pictures: Training pairs for the model's scale.
        out: Folder of the run; created.
        validator: Measures PSNR on pictures that are not trained on.
        other_scale: Asked for the pictures of stages at another scale.
        data_facts: What the model card says about the training pictures.
        devices: Processes that share each batch.
        restart: Begin anew even where a state exists.
        listener: Told how it goes, by the first process.

    Raises:
        RecipeError: If ``out`` holds a run by another recipe, or the recipe cannot be run like this.
        TrainingError: If the loss stops being finite for good, or the state is damaged.
    """
    require_runnable(recipe, devices=devices, other_scales=other_scale is not None)
    keep_freed_memory()
    precision: Any = {"f32": "32-true", "bf16": "bf16-mixed"}[recipe.precision]
    fabric = Fabric(accelerator="auto", devices=devices, precision=precision)
    fabric.launch()
    if devices > 1:  # one-channel filters have two sets of strides in channels-last; the values are the same
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides", UserWarning)
    outcome = Outcome(Path(out), recipe, validation=validator.facts, data=data_facts or {})
    material = Material(recipe.spec().scale, (pictures, validator), other_scale)
    run = _Run(recipe, fabric, material, outcome, (listener if fabric.is_global_zero else None) or Silence())
    run.open(restart=restart)
    with run.interrupt.awaited():
        return run.go()


class _Run:
    """Everything that a run holds while it goes; the network and what belongs to it change with the stage."""

    spec: ModelSpec
    network: nn.Module
    module: Any
    average: MovingAverage
    optimizer: Any
    _trained: Set[str] | None
    """Names of the tensors that ``module`` is made to train."""

    def __init__(
        self, recipe: Recipe, fabric: Fabric, material: Material, outcome: Outcome, listener: Listener
    ) -> None:
        self.recipe, self.fabric, self.material, self.outcome = recipe, fabric, material, outcome
        self.out, self.listener = outcome.folder, listener
        self.progress = RunPosition()
        self.pace = Pace(self.progress)
        self.transforms: tuple[Mapping[str, Any], ...] = ()
        """Steps by which the network was compressed when the run began."""
        self.log: RunLog | None = None
        self.fading: Fading | None = None
        self.critic: Critic | None = None
        self.interrupt, self._stopping = Interrupt(), False

    def open(self, *, restart: bool) -> None:
        """Make the folder and begin, or pick up the run that is in it."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = self.out / "state.safetensors"
        resumes = state.is_file() and not restart
        self.fabric.barrier()  # all have looked before anybody removes it
        if resumes:
            self._resume(state)
        else:
            if self.fabric.is_global_zero:
                state.unlink(missing_ok=True)
                self.outcome.clear()
                write_text(self.out / "recipe.json", json.dumps(self.recipe.to_dict(), indent=2) + "\n")
            self._begin(0)
        if self.fabric.is_global_zero:
            self.log = RunLog(self.out, first_step=self.progress.step, warn=self.listener.on_warning)

    def go(self) -> TrainingResult:
        """All stages to the end."""
        self.listener.on_start(self.progress)
        self.pace = Pace(self.progress)
        first = 0
        for index, stage in enumerate(self.recipe.stages):
            if self.progress.step < first + stage.steps:
                if index and self.progress.step == first:
                    self._begin(index)
                self._stage(index, stage, first)
            first += stage.steps
        if self.log is not None:
            self.log.close()
        return self.outcome.result(self.progress)

    def _resume(self, state: Path) -> None:
        saved = Recipe.from_dict(saved_recipe(state))
        if saved != self.recipe:
            changed = "; ".join(difference(self.recipe, saved))
            raise RecipeError(
                f"{self.out} holds a run by another recipe (now, then: {changed})", hint=Hint.OTHER_FOLDER_OR_RESTART
            )
        stage = self.recipe.stages[self.recipe.stage_at(saved_progress(state).step)]
        self.transforms = saved_transforms(state)
        network = build(self._spec(stage))
        self.fading = Fading.resumed(network, stage.shrink, saved_fading(state))
        self._install(network, stage)
        self.progress = load_state(
            state, network=self.network, average=self.average, optimizer=self.optimizer.optimizer, critic=self.critic
        )

    def _begin(self, index: int) -> None:
        """Network, running mean and optimiser for a stage that starts."""
        stage = self.recipe.stages[index]
        pruned = self._pruned()
        torch.manual_seed(self.recipe.seed + index)
        if not index:
            self.transforms = compressed_by(self.recipe.start, beside=self.out.parent)
        start, spec = stage.start, self._spec(stage)
        changed = not index or spec != self.spec
        if not changed and not start.model and not start.fresh:
            self._keep(stage)
            return
        network = build(spec)
        if index:
            adopt(network, pruned or self._averaged(), replace(start, narrow=True), source=f"stage {index}")
        elif self.recipe.start.model:
            warm_start(network, self.recipe.start, beside=self.out.parent)
        if start.model:
            warm_start(network, start, beside=self.out.parent)
        if not index:
            network = self._compressed(network)
        if self.recipe.quantized:
            calibrate(network, calibration_batches(self._batches(index, spec.scale, network)))
        if changed:
            self.progress.best_psnr_db, self.progress.best_step = float("-inf"), 0
        self._install(network, stage)

    def _install(self, network: nn.Module, stage: Stage) -> None:
        """Train this network from now on."""
        self.spec = self._spec(stage)
        network = training_form(network, self.recipe, self.spec).train()
        if self.recipe.channels_last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network, self._trained = network, None
        self._keep(stage)
        self.average = MovingAverage(network, self.recipe.ema_decay)

    def _keep(self, stage: Stage) -> None:
        """Train the network that is there by another stage's rules."""
        trained = {
            name: parameter
            for name, parameter in self.network.named_parameters()
            if not name.startswith(stage.frozen or ("\0",))
        }
        if not trained:
            raise RecipeError(f"{self.recipe.name}: a stage freezes every tensor ({', '.join(stage.frozen)})")
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name in trained)
        if trained.keys() != self._trained:
            self._trained, self.module = trained.keys(), None
            gc.collect()  # several processes: what an earlier wrapper hung on the tensors goes with it
            self.module = self.fabric.setup_module(self.network)
        self.optimizer = self.fabric.setup_optimizers(optimizer(stage.optim, trained.values()))
        self.critic = Critic.of(stage, self.critic, self.network, seed=self.recipe.seed, fabric=self.fabric)

    def _spec(self, stage: Stage | None = None) -> ModelSpec:
        """The network of a stage, or the one that is trained in the end, compressed as the run began."""
        spec = self.recipe.spec(stage)
        return replace(spec, transforms=(*self.transforms, *spec.transforms))

    def _compressed(self, network: nn.Module) -> nn.Module:
        """The network after all that the recipe does to it before the first step."""
        for options in self.recipe.compress:
            sampler = self._batches(0, self._spec(self.recipe.stages[0]).scale, network)
            network, step = compress(network, options, pairs=map(sampler.batch, count()))
            self.transforms += (step,)
        return network

    def _pruned(self) -> nn.Module | None:
        """The running mean without what faded in the stage that ended, if anything did."""
        if self.fading is None:
            return None
        network, step = self.fading.cut(self._averaged())
        self.transforms, self.fading = (*self.transforms, step), None
        return network

    def _batches(self, index: int, scale: int, network: nn.Module) -> Batches:
        color_mode: Any = network.color_mode
        return self.material.batches(self.recipe, index, scale=scale, color_mode=color_mode)

    def _stage(self, index: int, stage: Stage, first: int) -> None:
        sampler = self._batches(index, self.spec.scale, self.network)
        average = partial(self.average.output, self.network, precision=self.fabric.autocast)
        loss_of = criterion(with_teachers(stage.losses, beside=self.out.parent, average=average))
        done, end = self.progress.step, first + stage.steps
        if stage.shrink.asked and self.fading is None:
            self.fading = Fading.chosen(self._averaged(), stage.shrink, map(sampler.batch, count()))
        rank, world_size = self.fabric.global_rank, self.fabric.world_size
        with Prefetch(sampler, range(done - first, stage.steps), rank=rank, world_size=world_size) as batches:
            for step, (lr, hr) in enumerate(batches, start=done):
                for group in self.optimizer.param_groups:
                    group["lr"] = learning_rate(stage, step - first)
                self.pace.step(self._step(stage, step - first, loss_of, lr, hr))
                self.progress.step = step + 1
                if self._due(_LOG_EVERY, end):
                    self._record(learning_rate(stage, step - first), batches.waited_seconds)
                with self.pace.aside():
                    if self._due(self.recipe.validate_every, end):
                        self._validate(index)
                    if self._due(self.recipe.save_every, end) or self._stopping:
                        self._save()
                if self._stopping:
                    self._give_up()
        self.pace = Pace(self.progress)

    def _due(self, every: int, end: int) -> bool:
        return self.progress.step % every == 0 or self.progress.step == end

    def _step(self, stage: Stage, step: int, loss_of: Criterion, lr: Tensor, hr: Tensor) -> Tensor:
        """One update, the stage's ``step`` (from 0); the loss, or zero where it was left out, being not finite."""
        if self.recipe.channels_last:
            lr = lr.contiguous(memory_format=torch.channels_last)
        lr, hr = self.fabric.to_device((lr, hr))
        advance(self.network, step=self.progress.step, steps=self.recipe.steps, seed=self.recipe.seed)
        self.optimizer.zero_grad(set_to_none=True)
        sr = self.module(lr)
        sr = sr.clamp(0, 1) if stage.clamp else sr
        loss: Tensor = loss_of(sr, hr, lr)
        if self.critic is not None:
            loss = self.critic.opposed(loss, sr, hr, step)
        self.fabric.backward(loss)
        loss = self._agree(loss.detach().cpu())
        norm = nn.utils.get_total_norm([p.grad for p in self.network.parameters() if p.grad is not None])
        known = norm if self.critic is None else norm + self.critic.learn(sr, hr, step)
        if not bool(torch.isfinite(loss) & torch.isfinite(known)):
            return self._skip()
        if stage.optim.clip_norm:
            nn.utils.clip_grads_with_norm_(self.network.parameters(), stage.optim.clip_norm, norm)
        if self.fading is not None:
            self.fading.press(self.network, step)
        self.optimizer.step()
        if self.critic is not None:
            self.critic.update(step)
        self.average.update(self.network, self.progress.step)
        return loss

    def _agree(self, loss: Tensor) -> Tensor:
        """The mean loss of all processes, which also learn here whether one of them was interrupted."""
        if self.fabric.world_size == 1:
            self._stopping = self.interrupt.noted
            return loss
        shared = torch.stack([loss, torch.tensor(float(self.interrupt.noted))])
        mean: Any = self.fabric.all_reduce(shared, reduce_op="mean")
        self._stopping = bool(mean[1] > 0)
        return torch.as_tensor(mean[0])

    def _skip(self) -> Tensor:
        self.progress.skipped_steps += 1
        step, skipped = self.progress.step, self.progress.skipped_steps
        self.listener.on_warning(f"step {step}: loss or gradient not finite, step left out ({skipped} so far)")
        if skipped > 100 and skipped > step // 10:
            raise TrainingError(
                f"{skipped} of {step} steps were not finite; lower optim.learning_rate or warm up longer"
            )
        return torch.zeros(())

    def _record(self, rate: float, waited_seconds: float) -> None:
        window = self.pace.window(waited_seconds)
        if self.log is not None:
            self.listener.on_step(self.progress.step, window.loss, rate)
            self.log.write(
                self.progress.step,
                loss=window.loss,
                learning_rate=rate,
                steps_per_s=window.steps_per_s,
                waiting_share=window.waiting_share,
                **(self.critic.figures() if self.critic else {}),
            )

    def _averaged(self) -> nn.Module:
        """The running mean of the weights as an ordinary network."""
        averaged = training_form(build(self.spec), self.recipe, self.spec)
        averaged.load_state_dict(self.average.tensors)
        return plain(averaged, self.spec)

    def _validate(self, index: int) -> None:
        if self.log is None:
            return
        network = self._averaged()
        scores = self.material.at(self.spec.scale)[1].scores(deployable(network, self.spec)[0])
        psnr_db = scores["psnr"]
        own = None if self.spec == self._spec() and not self.recipe.shrinks(index) else index
        step = self.progress.step
        if psnr_db > self.progress.best_psnr_db:
            self.progress.best_psnr_db, self.progress.best_step = psnr_db, step
            self.outcome.write(self.outcome.path("best", own), network, self.spec, step=step, scores=scores)
        self.outcome.write(self.outcome.path("last", own), network, self.spec, step=step, scores=scores)
        self.listener.on_validation(step, psnr_db)
        self.log.write(step, **{METRICS[name].key or name: value for name, value in scores.items()})

    def _save(self) -> None:
        if self.fabric.is_global_zero:
            save_state(
                self.out / "state.safetensors",
                network=self.network,
                average=self.average,
                optimizer=self.optimizer.optimizer,
                critic=self.critic,
                progress=self.progress,
                recipe=self.recipe.to_dict(),
                transforms=self.transforms,
                fading=self.fading.classes if self.fading else (),
            )

    def _give_up(self) -> None:
        if self.log is not None:
            self.log.close()
        self.listener.on_warning(f"stopped; the state at step {self.progress.step} is saved, the same command goes on")
        self.fabric.barrier()  # nobody leaves, which ends all of them, before the state is whole
        if not self.fabric.is_global_zero:
            raise SystemExit(0)  # with another code Fabric would kill the process at the terminal
        raise KeyboardInterrupt
