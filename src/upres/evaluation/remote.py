"""Quality measured on the machines of a cluster, picture by picture: the figures of a measurement on one machine."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from upres.errors import ClusterError, EngineError, Hint, ModelError
from upres.evaluation.contenders import Contender, Running, find_contenders
from upres.evaluation.faults import Fault
from upres.evaluation.pairs import Pair, dataset_name, find_pairs, load_each
from upres.evaluation.quality import (
    ImageQuality,
    Progress,
    QualityReport,
    check_protocols,
    measure_pair,
    reports_of,
)
from upres.machine.cores import available_cores
from upres.machine.executors.crew import MOST_TRIES, Crew, Lost, crew_of
from upres.metrics.protocol import ColorMode


@dataclass(frozen=True)
class _Subject:
    """A contender as another machine finds it."""

    argument: str
    scale: int
    color_mode: ColorMode
    protocols: tuple[str, ...]
    weights_sha256: str
    running: Running


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked of every picture."""

    subject: _Subject
    protocols: tuple[str, ...]
    metrics: tuple[str, ...]
    fault: Fault | None


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One picture."""

    index: int
    pair: Pair
    question: _Question


@dataclass(frozen=True, kw_only=True)
class _Measured:
    row: Sequence[ImageQuality]
    engine: str
    precision: str


class Machines:
    """The machines of a cluster, which measure as `upres.evaluation.contenders.Measure` says. A context manager.

    Args:
        address: Of the cluster's head, ``host:port``; ``None`` starts a cluster on this machine.
        folders: The data sets, which each machine must have at the same place.
    """

    def __init__(self, address: str | None, folders: Iterable[str | Path]) -> None:
        self._address, self._folders = address, [Path(folder).absolute() for folder in folders]
        self._stack = ExitStack()
        self._crew: Crew[_Task, _Measured] | None = None

    def __enter__(self) -> "Machines":
        """Nothing yet: the cluster is joined when there is something to measure."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster."""
        self._stack.close()

    def __call__(
        self,
        contender: Contender,
        folder: str | Path,
        protocols: Sequence[str],
        metrics: Sequence[str],
        /,
        *,
        fault: Fault | None,
        progress: Progress | None,
    ) -> tuple[list[QualityReport], str, str]:
        """A report a protocol, the engine's name and the arithmetic that was used.

        Raises:
            MissingExtraError: If Ray is not installed.
            ClusterError: If there is no cluster, a machine is not as this one, or all of them are lost.
            DataError: As `upres.evaluation.quality.evaluate_protocols`.
            ImageError: If a picture cannot be read.
            EngineError: If no engine runs the contender, or not the same one on all machines.
        """
        check_protocols(protocols, contender.color_mode, metrics)
        pairs = find_pairs(folder, contender.scale, fault)
        question = _Question(
            subject=_subject(contender), protocols=tuple(protocols), metrics=tuple(metrics), fault=fault
        )
        tasks = (_Task(index=index, pair=pair, question=question) for index, pair in enumerate(pairs))
        if progress:
            progress(0, len(pairs))
        found = dict[int, _Measured]()
        for task, measured in self._joined().results(tasks):
            if isinstance(measured, Lost):
                raise ClusterError(f"{task.pair.hr}: {MOST_TRIES} workers were lost over it")
            found[task.index] = measured
            if progress:
                progress(len(found), len(pairs))
        engine, precision = _same_engine(contender.name, found.values())
        rows = [found[index].row for index in range(len(pairs))]
        name, scale = contender.name, contender.scale
        reports = reports_of(rows, protocols, model=name, scale=scale, dataset=dataset_name(folder), fault=fault)
        return reports, engine, precision

    def _joined(self) -> Crew[_Task, _Measured]:
        if self._crew is None:
            self._crew = self._stack.enter_context(crew_of(self._address, _Measurer, reads=self._folders))
        return self._crew


class _Measurer:
    """Measures pictures, on a machine of the cluster, by networks that stay open."""

    def __init__(self, cores: int) -> None:
        self._threads = cores if cores < available_cores() else None
        self._contenders: dict[_Subject, Contender] = {}

    def __call__(self, task: _Task) -> _Measured:
        question, subject = task.question, task.question.subject
        if subject not in self._contenders:
            self._contenders[subject] = self._find(subject)
        network, engine, precision = self._contenders[subject].open()
        (loaded,) = load_each([task.pair], subject.scale, question.fault)
        row = measure_pair(
            network,
            loaded,
            question.protocols,
            metrics=question.metrics,
            scale=subject.scale,
            color_mode=subject.color_mode,
        )
        return _Measured(row=row, engine=engine, precision=precision)

    def _find(self, subject: _Subject) -> Contender:
        running = subject.running
        if running.threads is None:
            running = replace(running, threads=self._threads)
        found = find_contenders(
            [subject.argument], subject.protocols, scale=subject.scale, running=running, tell=lambda _: None
        )
        contender = next(each for each in found if each.color_mode == subject.color_mode)
        if contender.weights_sha256 != subject.weights_sha256:
            raise ModelError(f"{subject.argument}: a machine has other weights; give the same file to all of them")
        return contender


def _subject(contender: Contender) -> _Subject:
    return _Subject(
        argument=contender.argument,
        scale=contender.scale,
        color_mode=contender.color_mode,
        protocols=contender.protocols,
        weights_sha256=contender.weights_sha256,
        running=contender.running,
    )


def _same_engine(name: str, measured: Iterable[_Measured]) -> tuple[str, str]:
    used = sorted({(each.engine, each.precision) for each in measured})
    if len(used) > 1:
        said = " and ".join(" ".join(each) for each in used)
        raise EngineError(f"{name}: machines run it by {said}; name one that all have", hint=Hint.LIST_ENGINES)
    return used[0]
