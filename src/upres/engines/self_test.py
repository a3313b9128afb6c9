"""What this machine and this installation can do: engines, weights, and whether the engines agree."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from upres.engines.engine import Session
from upres.engines.select import ENGINES, load, open_session, unavailable
from upres.errors import UpresError
from upres.machine.environment import environment
from upres.models.card import require_finite
from upres.models.catalog import WEIGHTS_DIR, Model, find, list_models
from upres.models.choices import names

TOLERANCES = {"f32": 1e-4, "bf16": 3e-2}
"""How far an engine's output may lie from the others', white being 1."""
OTHER_TOLERANCE = 3e-2
PROBE_SIZE = (120, 160)


PROBE_MODEL = "esr_tm_x2"
"""The self-test's model: one that every engine runs."""


@dataclass(frozen=True, kw_only=True)
class EngineReport:
    """One engine on this machine."""

    name: str
    available: bool
    reason: str | None = None
    """Why it is not available."""
    version: str | None = None
    facts: Mapping[str, Any]
    """What it has here: instruction sets, precisions, devices."""
    precision: str | None = None
    """Arithmetic of the self-test."""
    latency_ms: float | None = None
    """Best of the self-test's runs: `PROBE_MODEL` on 160x120 pixels."""
    difference: float | None = None
    """Largest distance from the reference engine's output, white being 1."""
    error: str | None = None
    """Why the self-test failed."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All that `upres doctor` shows."""

    environment: Mapping[str, Any]
    engines: tuple[EngineReport, ...]
    auto: str | None
    """The engine that ``auto`` takes for the default x2 model."""
    models: int
    """Models that ship with this installation."""
    weights: str
    """Their folder."""
    problems: tuple[str, ...]
    """What is wrong, one sentence each; empty where all is well."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


def diagnose() -> Diagnosis:
    """Look at the engines and the weights, and run one model through every engine that is here."""
    problems = list(_weight_problems())
    machine = environment(*ENGINES)
    engines = _engines(_first_of(PROBE_MODEL, names("default")[2]), machine["versions"])
    for report in engines:
        if report.error is not None:
            problems.append(f"{report.name}: {report.error}")
    if not any(report.available for report in engines):
        problems.append("no engine is available; pip install 'upres[openvino]'")
    return Diagnosis(
        environment=machine,
        engines=engines,
        auto=_automatic(_first_of(names("default")[2])),
        models=len(list_models()),
        weights=str(WEIGHTS_DIR),
        problems=tuple(problems),
    )


def _engines(model: Model | None, versions: Mapping[str, str]) -> tuple[EngineReport, ...]:
    reports, reference = [], None
    for name in ENGINES:
        reason = unavailable(name)
        known: dict[str, Any] = {"name": name, "available": reason is None, "reason": reason, "facts": {}}
        if reason is None:
            known |= {"version": versions.get(name), **_facts(name)}
            if model is not None:
                measured, output = _self_test(name, model, reference)
                known |= measured
                reference = output if reference is None else reference
        reports.append(EngineReport(**known))
    return tuple(reports)


def _facts(name: str) -> dict[str, Any]:
    """Fields of the report."""
    try:
        return {"facts": load(name).facts()}
    except Exception as error:  # whatever a foreign library throws is a finding
        return {"error": f"it does not tell what it has: {error}"}


def _self_test(name: str, model: Model, reference: Any) -> tuple[dict[str, Any], Any]:
    """Fields of the report, and the engine's output (``None`` where it failed)."""
    try:
        session = open_session(model, engine=name)
        output, latency_ms = _run(session)
    except Exception as error:  # whatever a foreign library throws is a finding
        return {"error": f"the self-test failed: {error}"}, None
    measured = {"precision": session.facts.precision, "latency_ms": round(latency_ms, 2)}
    if not np.isfinite(output).all():
        return measured | {"error": "the self-test gave values that are not finite"}, None
    if reference is None:
        return measured | {"difference": 0.0}, output
    difference = float(np.abs(output - reference).max())
    measured["difference"] = difference
    allowed = TOLERANCES.get(session.facts.precision, OTHER_TOLERANCE)
    if difference > allowed:
        measured["error"] = f"its output differs from that of the other engines by {difference:.2g}, over {allowed:g}"
    return measured, output


def _run(session: Session) -> tuple[Any, float]:
    rows, columns = np.indices(PROBE_SIZE)
    waves = 0.5 + 0.25 * np.sin(rows / 3) * np.cos(columns / 5) + 0.2 * np.sign(np.sin(rows / 9 + columns / 7))
    batch = waves.astype(np.float32)[None, None]
    output, best = session(batch), float("inf")
    for _ in range(3):
        start = time.perf_counter()
        session(batch)
        best = min(best, time.perf_counter() - start)
    return output, 1000 * best


def _first_of(*names: str) -> Model | None:
    for name in names:
        with suppress(UpresError):
            return find(name)
    return None


def _automatic(model: Model | None) -> str | None:
    try:
        return None if model is None else open_session(model).facts.engine
    except UpresError:
        return None


def _weight_problems() -> list[str]:
    problems = []
    for scale, name in names("default").items():
        try:
            find(name)
        except UpresError as error:
            problems.append(f"the default model of scale {scale} is missing: {error}")
    for model in list_models():
        try:
            require_finite(model.weights)
        except UpresError as error:
            problems.append(str(error))
    return problems
