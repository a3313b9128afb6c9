"""What is measured on data sets: models and baselines by the protocols that fit each, going on from a results file."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from upres.engines.select import open_session
from upres.engines.self_ensemble import SelfEnsemble
from upres.errors import DataError, Hint, ModelError
from upres.evaluation.faults import Fault
from upres.evaluation.pairs import dataset_name, find_pairs
from upres.evaluation.quality import Progress, QualityReport, bicubic_network, evaluate_protocols, unchanged
from upres.evaluation.results import Record, Results, only
from upres.image.convert import Network, fitted
from upres.metrics.protocol import PROTOCOLS, ColorMode, default_protocol, find_protocol
from upres.metrics.table import METRICS, from_figures, metric_names
from upres.models.card import weights_digest
from upres.models.catalog import WEIGHTS_DIR, Model, find_all, list_models
from upres.models.choices import of_task

BASELINES = ("bicubic", "input")
"""What may stand among the models without being one: enlarging above scale 1, and the picture as it is at scale 1."""

Plan = Mapping[str, Sequence[str]]
"""Protocol -> the metrics to measure by it."""
Tell = Callable[[str], object]
"""Called with a sentence on what is left out."""


class Measure(Protocol):
    """Measures a contender on every picture of a data set, here or elsewhere."""

    def __call__(
        self,
        contender: "Contender",
        folder: str | Path,
        protocols: Sequence[str],
        metrics: Sequence[str],
        /,
        *,
        fault: Fault | None,
        progress: Progress | None,
    ) -> tuple[list[QualityReport], str, str]:
        """A report a protocol, the engine's name and the arithmetic that was used; raises what `measure` does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Running:
    """How models are run, as `upres.engines.select.open_session` takes it."""

    engine: str = "auto"
    precision: str = "f32"
    device: str = "cpu"
    threads: int | None = None
    self_ensemble: bool = False
    """Whether networks work on each picture's mirror image as well, and the mean of both counts."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One model as it is measured: by which protocols, and how to make it ready."""

    name: str
    argument: str
    """What `find_contenders` finds it by, on another machine too."""
    scale: int
    color_mode: ColorMode
    parameters: int
    weights_sha256: str
    protocols: tuple[str, ...]
    running: Running
    open: Callable[[], tuple[Network, str, str]]
    """Gives the network, its engine's name and the arithmetic that is used."""


def protocols_of(names: Iterable[str]) -> tuple[str, ...]:
    """The protocols of these names, each once; ``all`` stands for every one.

    Raises:
        DataError: If there is no such protocol.
    """
    expanded = [each for name in names for each in (PROTOCOLS if name == "all" else [find_protocol(name).name])]
    return tuple(dict.fromkeys(expanded))


def metrics_of(names: Collection[str]) -> tuple[str, ...]:
    """The metrics of these names, in the table's order; ``all`` stands for every one.

    Raises:
        DataError: If there is no such metric.
    """
    return metric_names(METRICS if "all" in names else names)


def plan_of(protocols: Sequence[str], metrics: Sequence[str], *, tell: Tell) -> Plan:
    """Of each protocol the metrics that it has pictures for.

    Raises:
        DataError: If nothing is left.
    """
    shown = {name: tuple(each for each in metrics if PROTOCOLS[name].shows(METRICS[each])) for name in protocols}
    plan = {name: names for name, names in shown.items() if names}
    if not plan:
        PROTOCOLS[protocols[0]].check_metrics(metrics)
    for name, names in shown.items():
        if len(names) < len(metrics):
            left_out = ", ".join(each for each in metrics if each not in names)
            tell(f"{name}: {left_out} left out, for RGB pictures only")
    return plan


def find_contenders(
    models: Sequence[str], protocols: Sequence[str], *, scale: int | None, running: Running, tell: Tell
) -> list[Contender]:
    """The baselines, then the models in the order of their names, each with the protocols that fit it.

    Args:
        models: Shipped names or families, tasks such as ``denoise`` for the network that is taken for each,
            ``.safetensors`` files, names of `BASELINES`, or ``all`` that ships and enlarges, at scale 1 restores.
        protocols: Names of `PROTOCOLS`; none: that of each model's scale, by `default_protocol`.
        scale: Only models of this scale; ``None``: of every scale.
        running: How to run them.
        tell: Told which protocols are left out for which model.

    Raises:
        DataError: If no protocol fits a model, and nothing else is to be measured.
        ModelError: If there is no such model, or none of that scale.
    """
    groups = {name: _models(name, scale) for name in dict.fromkeys(models) if name not in BASELINES}
    found = [model for group in groups.values() for model in group]
    names = [model.card.name for model in found]
    contenders = [
        each
        for factor in _baseline_scales(models, scale, {model.card.scale for model in found})
        for each in _baseline(factor, protocols, running)
    ]
    for argument, group in groups.items():
        for model in group:
            alone = names.count(model.card.name) == 1
            contenders.append(_contender(model, model.card.name if alone else argument, protocols, running))
    fit = [each for each in contenders if each.protocols]
    for each in contenders:
        left_out = sorted(set(protocols) - set(each.protocols))
        if each.name not in BASELINES and left_out and fit:
            tell(f"{each.name}: {', '.join(left_out)} left out, for luma networks only")
    if not fit:
        raise DataError(
            f"{', '.join(protocols)}: for luma networks only, and {', '.join(names)} works on RGB; "
            "use paper, ntire or matlab-uint8"
        )
    return fit


def measure_here(
    contender: Contender,
    folder: str | Path,
    protocols: Sequence[str],
    metrics: Sequence[str],
    /,
    *,
    fault: Fault | None,
    progress: Progress | None,
) -> tuple[list[QualityReport], str, str]:
    """As `Measure` says, in this process."""
    network, engine, precision = contender.open()
    reports = evaluate_protocols(
        network,
        folder,
        scale=contender.scale,
        color_mode=contender.color_mode,
        protocols=protocols,
        metrics=metrics,
        model=contender.name,
        fault=fault,
        progress=progress,
    )
    return reports, engine, precision


def measure(
    contender: Contender,
    folder: str | Path,
    plan: Plan,
    results: Results,
    *,
    fault: Fault | None = None,
    progress: Progress | None = None,
    by: Measure = measure_here,
) -> list[dict[str, Any]]:
    """A record a protocol: those that ``results`` holds, and the missing ones measured and added to it.

    Args:
        contender: One of `find_contenders`.
        folder: With a data set, see `find_pairs`.
        plan: Metrics of each of the contender's protocols.
        results: Asked first, and given what is measured.
        fault: What is put into the true pictures of the folder.
        progress: Called while something is measured.
        by: What measures.

    Raises:
        DataError: If the folder holds no data set for this scale.
        ImageError: If a picture cannot be read.
        EngineError: If no engine runs the contender.
        OutputError: If the results cannot be written.
    """
    asked = {"engine": contender.running.engine, "precision": contender.running.precision}
    if contender.running.device != "cpu":  # results files from before devices go on
        asked["device"] = contender.running.device
    if contender.running.self_ensemble:
        asked["self_ensemble"] = "mirror"
    wanted: dict[str, Any] = {
        "model": contender.name,
        "scale": contender.scale,
        "dataset": dataset_name(folder),
        **({"fault": fault.to_dict()} if fault else {}),
        "images": [pair.name for pair in find_pairs(folder, contender.scale, fault)],
        "run": {"weights_sha256": contender.weights_sha256, "asked": asked},
    }
    records: dict[str, Record] = {}
    missing: dict[tuple[str, ...], list[str]] = {}
    for name in contender.protocols:
        question = {**wanted, "protocol": name}
        held = results.find({**question, "metrics": plan[name]})
        if held is not None:
            records[name] = held
        else:  # the other metrics of a record that lacks some are measured anew, and not lost
            others = from_figures(results.find(question) or {})
            missing.setdefault(metric_names([*plan[name], *others]), []).append(name)
    for metrics, protocols in missing.items():
        reports, engine, precision = by(contender, folder, protocols, metrics, fault=fault, progress=progress)
        run = {"parameters": contender.parameters, "engine": engine, "precision": precision, **wanted["run"]}
        measured = {report.protocol: {**report.to_dict(), "run": run} for report in reports}
        results.add(measured.values())
        records.update(measured)
    return [only(records[name], plan[name]) for name in contender.protocols]


def _models(name: str, scale: int | None) -> Sequence[Model]:
    if name == "all":  # no data set fits models that enlarge and models that restore
        found: Sequence[Model] = [model for model in list_models() if model.card.scale > 1 or scale == 1]
    else:
        found = of_task(name) or find_all(name)
    fit = [model for model in found if scale in (None, model.card.scale)]
    if not fit:
        scales = " or ".join(map(str, sorted({model.card.scale for model in found})))
        if name == "all":
            raise ModelError(f"no model in the package has scale {scale}; there are {scales}")
        raise ModelError(f"{name} upscales by {scales}, and {scale} was asked for", hint=Hint.OWN_SCALE)
    return fit


def _baseline_scales(models: Collection[str], scale: int | None, scales: Collection[int]) -> list[int]:
    """The scales at which the baselines among the models are to be measured: ``input`` at 1, ``bicubic`` at others."""
    wanted = []
    if "input" in models:
        if scale not in (None, 1):
            raise ModelError(f"input is the picture as it is, for scale 1, and {scale} was asked for: use bicubic")
        wanted.append(1)
    if "bicubic" in models:
        if not (scale or scales):
            raise ModelError("bicubic has no scale of its own: ask for one")
        larger = sorted(({scale} if scale else set(scales)) - {1})
        if not larger:
            raise ModelError("bicubic enlarges, and the scale is 1: use input, the picture as it is")
        wanted += larger
    return wanted


def _contender(model: Model, name: str, protocols: Sequence[str], running: Running) -> Contender:
    def ready() -> tuple[Network, str, str]:
        session = open_session(
            model,
            engine=running.engine,
            threads=running.threads,
            precision=running.precision,
            device=running.device,
        )
        whole = SelfEnsemble(session) if running.self_ensemble else session
        network = fitted(whole, scale=card.scale, min_size=card.min_size, multiple_of=card.multiple_of)
        return network, session.facts.engine, session.facts.precision

    card = model.card
    return Contender(
        name=f"{name}+" if running.self_ensemble else name,
        argument=card.name if model.weights.parent == WEIGHTS_DIR else str(model.weights),
        scale=card.scale,
        color_mode=card.color_mode,
        parameters=card.parameters,
        weights_sha256=weights_digest(model.weights),
        protocols=tuple(
            each
            for each in protocols or [default_protocol(card.scale)]
            if card.color_mode == "luma" or not PROTOCOLS[each].luma_only
        ),
        running=running,
        open=cache(ready),
    )


def _baseline(scale: int, protocols: Sequence[str], running: Running) -> list[Contender]:
    """Bicubic, on 8-bit RGB as the papers make it and on float luma where the protocol measures that; or the input."""

    def baseline(color_mode: ColorMode) -> Contender:
        luma, name = color_mode == "luma", "bicubic" if scale > 1 else "input"
        network = bicubic_network(scale, eight_bit=not luma) if scale > 1 else unchanged
        return Contender(
            name=name,
            argument=name,
            scale=scale,
            color_mode=color_mode,
            parameters=0,
            weights_sha256="",
            protocols=tuple(
                each for each in protocols or [default_protocol(scale)] if PROTOCOLS[each].luma_only == luma
            ),
            running=running,
            open=lambda: (network, "numpy", "f32" if luma else "uint8"),
        )

    return [baseline("rgb"), baseline("luma")]
