"""Quality of models on data sets, kept in a results file as `upres evaluate` keeps it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from upres.engines.select import open_session
from upres.evaluation import dataset_name, evaluate_protocols, find_pairs
from upres.evaluation.results import Record, Results
from upres.metrics.protocol import PROTOCOLS
from upres.models.card import weights_digest
from upres.models.catalog import Model

ENGINE, PRECISION = "auto", "f32"
"""Asked of the engines, as `upres evaluate` does by itself."""


def score(
    models: Mapping[str, Model], folders: Sequence[Path], protocols: Sequence[str], results: Results
) -> list[Record]:
    """A record for every model, folder and protocol that fits; only what ``results`` does not hold is measured."""
    return [
        record
        for name, model in models.items()
        for folder in folders
        for record in _records(name, model, folder, protocols, results)
    ]


def _records(name: str, model: Model, folder: Path, protocols: Sequence[str], results: Results) -> Iterable[Record]:
    card = model.card
    wanted: dict[str, Any] = {
        "model": name,
        "scale": card.scale,
        "dataset": dataset_name(folder),
        "images": [pair.name for pair in find_pairs(folder, card.scale)],
        "run": {
            "weights_sha256": weights_digest(model.weights),
            "asked": {"engine": ENGINE, "precision": PRECISION},
        },
    }
    fit = [each for each in protocols if card.color_mode == "luma" or not PROTOCOLS[each].luma_only]
    missing = [each for each in fit if results.find({**wanted, "protocol": each}) is None]
    if missing:
        session = open_session(model, engine=ENGINE, precision=PRECISION)
        reports = evaluate_protocols(
            session, folder, scale=card.scale, color_mode=card.color_mode, protocols=missing, model=name
        )
        facts = {"engine": session.facts.engine, "precision": session.facts.precision}
        run = {"parameters": card.parameters, **facts, **wanted["run"]}
        results.add([{**report.to_dict(), "run": run} for report in reports])
    found = (results.find({**wanted, "protocol": each}) for each in fit)
    return [record for record in found if record is not None]
