"""A challenge on the machine at hand: gate, five metrics, ranking; picked up where it was cut off."""

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from upres.bench.workers import SETTLE_SECONDS, Timing, Worker
from upres.errors import DataError, Hint, OutputError, OutputExistsError, near_miss
from upres.evaluation.pairs import dataset_name
from upres.lab.challenge.contender import ChallengeRunner, Contender
from upres.lab.challenge.rank import Ranking, Rules, rank
from upres.lab.challenge.table import METRICS, Entry
from upres.lab.complexity import Convention
from upres.machine.atomic import write_text
from upres.machine.digest import digest
from upres.machine.environment import environment
from upres.metrics.table import DEFAULT
from upres.models.catalog import find

GATE_DB = 0.18
"""How far below its baseline the 2022 table still ranked: 28.95 dB beside IMDN's 29.13."""

RESULTS = "results.json"

Progress = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Result:
    """A contender's figures."""

    entry: str
    passed: bool
    """The gate."""
    psnr_db: float
    ssim: float
    latency_ms: float
    """Mean over the pictures of each one's median latency."""
    latency_ms_min: float
    """The same of each one's fastest."""
    spread: float
    """Distance between the quartiles of a round's mean latency, as a fraction of the median."""
    parameters_m: float
    flops_g: float
    """By the run's convention, on a 256x256 input; so are activations and convolutions."""
    flops_exact_g: float
    activations_m: float
    num_convs: int
    peak_mib: float
    receptive_field: int | None
    architecture: str
    precision: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Every figure of quality by the name of its metric; empty in runs that are older than it."""


@dataclass(frozen=True, kw_only=True)
class ChallengeReport:
    """A finished run."""

    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    counting: Convention
    baseline: str
    floor_db: float
    """Smallest PSNR that passed."""
    rounds: int
    results: tuple[Result, ...]
    ranking: Ranking

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Ranked contenders, main track first: rank, scores and figures; then those below the gate, without ranks."""
        figures = {result.entry: asdict(result) for result in self.results}
        ranked = [row | figures[row["entry"]] for row in self.ranking.rows()]
        empty = dict.fromkeys(self.ranking.rows()[0])
        return ranked + [empty | figures[name] for name in self.ranking.not_ranked]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        return {
            "rules": self.ranking.rules.year,
            "source": self.ranking.rules.source,
            "settings": dict(self.settings),
            "counting": self.counting,
            "baseline": self.baseline,
            "floor_db": self.floor_db,
            "rounds": self.rounds,
            "rows": self.rows,
            "not_ranked": list(self.ranking.not_ranked),
            "environment": dict(self.environment),
        }


def contenders_of(models: Iterable[str], **settings: Any) -> list[Contender]:
    """One contender a model, named as shipped or by its file.

    Args:
        models: Shipped names and paths of checkpoints.
        settings: Fields of `Contender` other than name and source.

    Raises:
        DataError: If two have the same name, or a model's scale or task is not the run's.
    """
    contenders: list[Contender] = []
    for source in models:
        card = find(source).card
        name = Path(source).stem if Path(source).suffix else source
        if card.scale != settings["scale"]:
            raise DataError(f"{source} upscales by {card.scale}; this run is for scale {settings['scale']}")
        if card.task != (task := settings.get("task", "upscale")):
            raise DataError(f"{source} is for the task {card.task}, and this run is for {task}; leave it out")
        if name in [contender.name for contender in contenders]:
            raise DataError(f"two contenders are named '{name}'; rename one of the files")
        contenders.append(Contender(name=name, source=source, **settings))
    return contenders


def run_challenge(
    contenders: Sequence[Contender],
    rules: Rules,
    *,
    baseline: str | None = None,
    gate_db: float = GATE_DB,
    counting: Convention = "ntire",
    rounds: int = 5,
    warmup: int = 1,
    out: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ChallengeReport:
    """Measure every contender and rank them.

    Each contender has a worker process. The workers are assessed one after the other, then take turns on every picture,
    round after round. What is measured is written to ``out/results.json`` after every contender and every round; a run
    with the same settings goes on from there.

    Args:
        contenders: See `contenders_of`; all with the same data set and settings.
        rules: Whose ranking.
        baseline: Name of the contender that the gate, and scores, are relative to; ``None`` for the first.
        gate_db: How far below the baseline's PSNR a contender may be.
        counting: Convention of FLOPs, activations and convolutions, see `upres.lab.complexity`.
        rounds: Times that every picture is timed.
        warmup: Rounds before these that are thrown away.
        out: Folder for ``results.json``; ``None`` keeps nothing.
        overwrite: Throw away what is there instead of going on from it.
        progress: Told what is being done.

    Raises:
        DataError: If the baseline is no contender, or the data set cannot be read.
        OutputExistsError: If ``out`` holds another run.
        OutputError: If ``out`` cannot be written.
        EngineError: If a contender cannot run.
    """
    tell = progress or (lambda _: None)
    reference = _baseline(contenders, baseline)
    journal = _Journal(out, _settings(contenders), overwrite=overwrite)
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        if journal.missing(contenders) or len(journal.rounds) < rounds:
            for contender in contenders:
                tell(f"opening {contender.name}")
                worker = Worker(ChallengeRunner, contender, threads=contender.threads, name=contender.name)
                workers[contender.name] = stack.enter_context(worker)
        for name in journal.missing(contenders):
            tell(f"assessing {name}")
            journal.add_assessment(name, workers[name].call("assess"))
        first = len(journal.rounds)
        for number in range(first - warmup if first < rounds else rounds, rounds):
            tell(f"round {number + 1} of {rounds}" if number >= first else "warming up")
            latencies = _time_round(workers, backwards=bool(number % 2))
            if number >= first:
                journal.add_round(latencies)
    return _report(journal, [contender.name for contender in contenders], rules, reference, gate_db, counting)


class _Journal:
    """What is measured so far, on disk after every step."""

    def __init__(self, folder: Path | None, settings: dict[str, Any], *, overwrite: bool) -> None:
        self._path = None if folder is None else folder / RESULTS
        self.settings = settings
        self.environment = environment(settings["engine"])
        self.assessments: dict[str, dict[str, Any]] = {}
        self.rounds: list[dict[str, list[float]]] = []
        if folder is not None:
            _make(folder)
        if self._path is not None and self._path.exists() and not overwrite:
            self._resume(self._path)

    def missing(self, contenders: Iterable[Contender]) -> list[str]:
        """Names of those that were not assessed yet."""
        return [contender.name for contender in contenders if contender.name not in self.assessments]

    def add_assessment(self, name: str, assessment: dict[str, Any]) -> None:
        self.assessments[name] = assessment
        self._write()

    def add_round(self, latencies: dict[str, list[float]]) -> None:
        self.rounds.append(latencies)
        self._write()

    def _resume(self, path: Path) -> None:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            settings, self.environment = kept["settings"], kept["environment"]
            self.assessments, self.rounds = kept["assessments"], kept["rounds"]
        except (OSError, ValueError, KeyError) as error:
            raise OutputExistsError(f"{path} is not the results of a challenge run", hint=Hint.OVERWRITE) from error
        if settings != self.settings:
            differing = [key for key in self.settings if settings.get(key) != self.settings[key]]
            raise OutputExistsError(
                f"{path} holds a run with other {', '.join(differing)}", hint=Hint.OTHER_FOLDER_OR_OVERWRITE
            )

    def _write(self) -> None:
        if self._path is not None:
            content = {
                "written_by": "upres challenge",
                "settings": self.settings,
                "environment": self.environment,
                "assessments": self.assessments,
                "rounds": self.rounds,
            }
            write_text(self._path, json.dumps(content, indent=1) + "\n")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make this folder ({error.strerror})") from error


def _settings(contenders: Sequence[Contender]) -> dict[str, Any]:
    """What two runs must share for their figures to belong together; no paths."""
    first = contenders[0]
    # what older runs did not have is left out where it is as it was then, so that these go on
    metrics = {} if first.metrics == DEFAULT else {"metrics": list(first.metrics)}
    task = {} if first.task == "upscale" else {"task": first.task}
    fault = {} if first.fault is None else {"fault": first.fault.to_dict()}
    return {
        **metrics,
        **task,
        **fault,
        "dataset": dataset_name(first.data),
        "scale": first.scale,
        "engine": first.engine,
        "device": first.device,
        "precision": first.precision,
        "threads": first.threads,
        "protocol": first.protocol,
        "contenders": {contender.name: digest(find(contender.source).weights) for contender in contenders},
    }


def _baseline(contenders: Sequence[Contender], name: str | None) -> str:
    names = [contender.name for contender in contenders]
    if not names:
        raise DataError("a challenge needs at least one model")
    name = next((contender.name for contender in contenders if contender.source == name), name)
    if name is not None and name not in names:
        raise DataError(f"the baseline '{name}' is not among the contenders.{near_miss(name, names)}")
    return name or names[0]


def _time_round(workers: Mapping[str, Worker], *, backwards: bool) -> dict[str, list[float]]:
    """Latencies of every contender on every picture, the contenders taking turns on each picture."""
    images = len(next(iter(workers.values())).call("image_names"))
    order = list(workers)[:: -1 if backwards else 1]
    latencies: dict[str, list[float]] = {name: [] for name in workers}
    for index in range(images):
        for name in order:
            latencies[name].append(workers[name].call("time_image", index=index))
            time.sleep(SETTLE_SECONDS)
    return latencies


def _report(
    journal: _Journal, names: Sequence[str], rules: Rules, baseline: str, gate_db: float, counting: Convention
) -> ChallengeReport:
    floor = journal.assessments[baseline]["psnr_db"] - gate_db
    results = tuple(_result(name, journal, floor, counting) for name in names)
    entries = [
        Entry(
            name=result.entry,
            figures={"psnr_db": result.psnr_db, **{metric: getattr(result, metric) for metric in METRICS}},
        )
        for result in results
    ]
    ranking = rank(entries, rules, gate={"psnr_db": floor}, baseline=baseline, unranked=())
    return ChallengeReport(
        settings=journal.settings,
        environment=journal.environment,
        counting=counting,
        baseline=baseline,
        floor_db=floor,
        rounds=len(journal.rounds),
        results=results,
        ranking=ranking,
    )


def _result(name: str, journal: _Journal, floor: float, counting: Convention) -> Result:
    assessment = dict(journal.assessments[name])
    counts = {convention: assessment.pop(convention) for convention in ("exact", "ntire")}
    rounds = [latencies[name] for latencies in journal.rounds]
    of_images = list(zip(*rounds, strict=True))
    return Result(
        entry=name,
        passed=assessment["psnr_db"] >= floor,
        latency_ms=statistics.fmean(statistics.median(latencies) for latencies in of_images),
        latency_ms_min=statistics.fmean(min(latencies) for latencies in of_images),
        spread=Timing.of([statistics.fmean(latencies) for latencies in rounds]).spread,
        flops_exact_g=counts["exact"]["flops_g"],
        **counts[counting],
        **assessment,
    )
