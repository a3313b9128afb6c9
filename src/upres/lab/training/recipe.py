"""A training run as plain data: what is trained, on what, how long and how.

Recipes are made by functions in `recipes`, changed by ``--set``, saved as JSON with every result and read back.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import accumulate, pairwise
from typing import Any, Literal

from upres.errors import RecipeError, near_miss
from upres.lab.checkpoint import spec_of
from upres.lab.compress.operations import require_operation
from upres.lab.compress.prune.choice import Choice, Which
from upres.lab.compress.prune.importance import Importance
from upres.lab.data.degradations import BICUBIC, Degradation
from upres.lab.data.mixing import UNMIXED, MixUp
from upres.lab.data.patches import Growth
from upres.lab.losses.adversarial import UNOPPOSED, Adversary
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.reading import built
from upres.models.card import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """Adam, AdamW or SOAP (`upres.lab.training.optimizers`)."""

    name: Literal["adam", "adamw", "soap"] = "adam"
    learning_rate: float = 1e-3
    betas: tuple[float, ...] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    """Gradients longer than this are shortened to it; 0 leaves them alone."""
    per_mode: bool = False
    """``soap``: bases of outputs, inputs and taps apart, cheap where filters are wide."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How the learning rate goes within a stage."""

    name: Literal["constant", "cosine", "step", "cyclic"] = "cosine"
    warmup_steps: int = 0
    """Steps of linear growth from zero."""
    final_ratio: float = 1e-3
    """``cosine``, ``cyclic``: the last learning rate as a share of the first."""
    milestones: tuple[float, ...] = (0.5, 0.75, 0.9)
    """``step``: shares of the stage at which the rate is multiplied by ``gamma``."""
    gamma: float = 0.5
    cycles: int = 4
    """``cyclic``: cosines of equal length, each beginning again at the full rate."""


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """Weights to begin with instead of fresh ones."""

    model: str = ""
    """A run beside this one, a shipped model or a checkpoint file; empty for none."""
    fresh: tuple[str, ...] = ()
    """Beginnings of the tensor names that stay fresh even where the shapes agree."""
    narrow: bool = False
    """Whether a wider network's strongest channels are taken, rather than none of a tensor whose shape differs."""
    wide: bool = False
    """Whether a narrower network's channels are copied, so that the run begins with the same function; not with
    ``narrow``."""


@dataclass(frozen=True, kw_only=True)
class Shrink:
    """Channels that fade in a stage, under a penalty that grows, and are cut out when the next one begins."""

    kind: Which = "inner"
    """This and what follows, to ``seed``, as in `upres.lab.compress.prune.choice.Choice`."""
    share: float = 0.0
    width: int = 0
    """Channels that stay of each group that has more; where ``share`` is 0, too, nothing fades."""
    multiple_of: int = 1
    importance: Importance = "random"
    keep: tuple[str, ...] = ()
    seed: int = 0
    growth: float = 1e-3
    """What the factor of the penalty grows by."""
    growth_every: int = 10
    """Steps after which the factor grows."""
    ceiling: float = 0.5
    """The largest factor; the steps of the stage that are left then hold it."""

    @property
    def asked(self) -> bool:
        """Whether anything fades."""
        return self.share != 0 or self.width != 0

    def choice(self) -> Choice:
        """The channels that go.

        Raises:
            ValueError: If it is out of range.
        """
        return Choice(
            kind=self.kind,
            share=self.share,
            width=self.width,
            multiple_of=self.multiple_of,
            importance=self.importance,
            keep=self.keep,
            seed=self.seed,
        )

    def factor(self, step: int) -> float:
        """The factor of the penalty at a step of the stage (from 0)."""
        return min(self.growth * (step // self.growth_every + 1), self.ceiling)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of training under one objective.

    The first stage starts from the recipe's ``start``; each later one goes on with the network of the one before, or,
    where ``scale`` or ``arguments`` make it another network, begins with all of its running mean that fits.
    """

    steps: int
    batch_size: int = 16
    patch_size: int = 48
    """Side of a low-resolution crop in pixels."""
    growth: tuple[Growth, ...] = ()
    """Crops that take the place of these in the course of the stage, in order."""
    mix_up: MixUp = UNMIXED
    """How crops are blended with others of their batch; the default is not at all."""
    losses: tuple[LossTerm, ...] = (LossTerm(name="l1"),)
    adversary: Adversary = UNOPPOSED
    """A discriminator that the network is trained against; the default is none."""
    optim: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    scale: int = 0
    """Train the network for this scale instead; 0 for the model's own."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the network of this stage has otherwise than the model."""
    start: WarmStart = WarmStart()
    """Weights that are loaded when the stage begins; ``fresh`` alone begins those tensors anew."""
    frozen: tuple[str, ...] = ()
    """Beginnings of the names of tensors that this stage does not change."""
    degradation: Degradation = BICUBIC
    """How low-resolution crops are made; the default is the papers' bicubic reduction."""
    clamp: bool = False
    """Whether losses see the network's output clamped to 0 to 1, as it is shown, instead of as it is."""
    shrink: Shrink = Shrink()
    """What is pruned when the stage ends, and fades in it; the default is nothing."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole run. The same recipe, data and seed give the same weights."""

    name: str
    model: str
    """A name of ``lab.zoo.MODELS``."""
    stages: tuple[Stage, ...]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What the network has otherwise than the model of that name."""
    start: WarmStart = WarmStart()
    seed: int = 0
    precision: Literal["f32", "bf16"] = "f32"
    channels_last: bool = True
    ema_decay: float = 0.999
    """Share of the running mean of the weights kept at each step; 0 keeps none."""
    share_orbits: bool = False
    """Whether a one-layer network's symmetric sub-positions share their filters while training."""
    slow_means: bool = False
    """Whether the means of filters are learned more slowly than their shapes."""
    compress: tuple[Mapping[str, Any], ...] = ()
    """What is done to the network after its weights were loaded and before the first step, in order: for each operation
    of `upres.lab.compress.operations` its ``name`` and its options, such as ``{"name": "ghost", "share": 0.5}``."""
    quantized: tuple[str, ...] = ()
    """Convolutions that compute with 8-bit inputs and weights; calibrated before the first step where they are not."""
    studio_fraction: float = 0.0
    """Share of luma crops given in studio range, so that video planes suit the network too."""
    reductions: tuple[float, ...] = (1.0,)
    """Sizes at which training pictures are shown, each as often; 0.5 shows them half as large and twice as sharp."""
    rendered: int = 0
    """Tiles of drawings and screens, made by `upres.lab.data.rendered`, trained on beside the pictures given."""
    validate_every: int = 2000
    validate_metrics: tuple[str, ...] = ()
    """Metrics that validation notes besides PSNR, names of `upres.metrics.table.METRICS`; each costs its time."""
    save_every: int = 1000

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> int:
        """The index of the stage that is going on after so many steps; a stage ends where the next begins."""
        ends = accumulate(stage.steps for stage in self.stages)
        return next((index for index, end in enumerate(ends) if step <= end), len(self.stages) - 1)

    def shrinks(self, index: int) -> bool:
        """Whether the network becomes smaller after the stage of that index has begun."""
        return any(stage.shrink.asked for stage in self.stages[index:])

    def spec(self, stage: Stage | None = None) -> ModelSpec:
        """The network that is trained, or the one of a stage.

        Raises:
            UnknownModelError: If the zoo has no such model.
        """
        model = spec_of(self.model)
        arguments = {**model.arguments, **self.arguments, **(stage.arguments if stage else {})}
        transforms = model.transforms
        if self.quantized:
            transforms += ({"name": "quantize", "layers": list(self.quantized)},)
        scale = (stage.scale if stage else 0) or model.scale
        return replace(model, scale=scale, arguments=arguments, transforms=transforms)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data that `from_dict` reads back."""
        data = asdict(self)
        for stage, own in zip(data["stages"], self.stages, strict=True):
            stage["degradation"] = own.degradation.settings()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Recipe":
        """The recipe that `to_dict` described.

        Raises:
            RecipeError: If a key is unknown or missing, or a value is of the wrong kind.
        """
        read = built(cls, data)
        assert isinstance(read, Recipe)
        return read


def require_runnable(recipe: Recipe, *, devices: int, other_scales: bool) -> None:
    """Refuse a recipe that no run can follow to its end.

    Args:
        recipe: Looked at.
        devices: Processes that share each batch.
        other_scales: Whether there are pictures for stages at another scale.

    Raises:
        RecipeError: If it is one.
    """
    spec = recipe.spec()
    if not recipe.stages or recipe.spec(recipe.stages[-1]) != spec:
        raise RecipeError(f"{recipe.name}: the last stage must train the recipe's own network, {recipe.model}")
    for options in recipe.compress:
        require_operation(options)
    if (recipe.compress or recipe.shrinks(0)) and recipe.quantized:
        raise RecipeError(
            f"{recipe.name}: 8-bit layers cannot be compressed; train with them in a run that starts later"
        )
    if recipe.stages[-1].shrink.asked:
        raise RecipeError(f"{recipe.name}: what fades in the last stage would stay; add one that trains on without it")
    for index, stage in enumerate(recipe.stages):
        _require_numbers(stage, f"stages.{index}")
        if stage.shrink.asked:
            _require_shrinking(stage.shrink, f"stages.{index}.shrink")
        _require_growing(stage.growth, f"stages.{index}.growth")
        for size in (stage.batch_size, *(each.batch_size for each in stage.growth)):
            if size % devices:
                raise RecipeError(f"stages.{index}.batch_size={size} cannot be shared by {devices} devices")
        if recipe.spec(stage).scale != spec.scale and not other_scales:
            raise RecipeError(f"stages.{index} trains at scale {stage.scale}; pass `other_scale` to give its pictures")


def _require_numbers(stage: Stage, where: str) -> None:
    for name in ("steps", "batch_size", "patch_size"):
        if getattr(stage, name) < 1:
            raise RecipeError(f"{where}.{name}={getattr(stage, name)}: expected 1 or more")


def _require_shrinking(shrink: Shrink, where: str) -> None:
    try:
        shrink.choice()
    except ValueError as error:
        raise RecipeError(f"{where}: {error}") from error
    if shrink.growth_every < 1 or shrink.growth <= 0:
        raise RecipeError(
            f"{where}: a penalty grows by more than 0 and after 1 step or more, got growth {shrink.growth} and "
            f"growth_every {shrink.growth_every}"
        )


def _require_growing(growth: Iterable[Growth], where: str) -> None:
    points = [0.0, *(each.after for each in growth), 1.0]
    if any(later <= earlier for earlier, later in pairwise(points)):
        raise RecipeError(f"{where}: expected shares above 0 and below 1 that rise, got {points[1:-1]}")


def override(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """The recipe with ``key=value`` settings applied; a setting of `Stage` without an index goes to every stage.

    What recipe and stage both have (``start``, ``arguments``) is the recipe's unless a stage is named.

    Example:
        >>> override(recipe, ["seed=1", "optim.learning_rate=2e-4", "stages.0.steps=500"])  # doctest: +SKIP

    Raises:
        RecipeError: If a key is unknown (the nearest is named) or a value does not fit.
    """
    data = json.loads(json.dumps(recipe.to_dict()))
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise RecipeError(f"expected a setting as key=value, got '{assignment}'")
        path = key.strip().split(".")
        stage_keys = {f.name for f in fields(Stage)} - data.keys()
        targets = data["stages"] if path[0] in stage_keys else [data]
        for target in targets:
            _assign(target, path, _parse(text.strip()), key)
    return Recipe.from_dict(data)


def difference(ours: Recipe, theirs: Recipe) -> list[str]:
    """The keys in which two recipes differ, as ``key: ours, theirs``."""
    left, right = _flat(ours.to_dict()), _flat(theirs.to_dict())
    return [
        f"{key}: {left.get(key)}, {right.get(key)}" for key in sorted(left | right) if left.get(key) != right.get(key)
    ]


def _assign(node: Any, path: list[str], value: Any, key: str) -> None:
    for part in path[:-1]:
        node = _step_into(node, part, key)
    if isinstance(node, list):
        _step_into(node, path[-1], key)
        node[int(path[-1])] = value
    elif isinstance(node, dict) and path[-1] in node:
        node[path[-1]] = value
    else:
        _step_into(node, path[-1], key)


def _step_into(node: Any, part: str, key: str) -> Any:
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    if isinstance(node, dict) and part in node:
        return node[part]
    known = (
        [str(i) for i in range(len(node))] if isinstance(node, list) else list(node) if isinstance(node, dict) else []
    )
    if node and known and "steps" not in known and "stages" in known:
        known += [f.name for f in fields(Stage)]
    raise RecipeError(
        f"no setting '{key}': '{part}' is none of {', '.join(known) or 'nothing below'}.{near_miss(part, known)}"
    )


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _flat(data: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(data, Mapping):
        items: Iterable[tuple[Any, Any]] = data.items()
    elif isinstance(data, list | tuple):
        items = enumerate(data)
    else:
        return {prefix: data}
    return {k: v for key, value in items for k, v in _flat(value, f"{prefix}.{key}".lstrip(".")).items()}
