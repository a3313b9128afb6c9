"""What was measured, kept in a file: finished parts are not measured again, and the rest shows as tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from upres.errors import DataError
from upres.machine.atomic import write_text
from upres.metrics.protocol import PROTOCOLS
from upres.metrics.table import METRICS, from_figures, to_figures

Record = Mapping[str, Any]
"""A `QualityReport.to_dict` with one more key, ``run``: on what it rests.

``run`` holds ``parameters``, ``weights_sha256``, ``engine`` and ``precision`` as used, and ``asked``, the engine and
precision as asked for, which may be ``auto``, and the device where it is not the processor.
"""

_KIND = "upres evaluate"
_FIGURES = {"metrics", *(metric.key for metric in METRICS.values())}


class Results:
    """The records of a results file, written after every change.

    Args:
        path: The JSON file, read if it is there; ``None`` keeps the records in memory only.

    Raises:
        DataError: If the file is there and is no results file.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._records: dict[tuple[Any, ...], Record] = {}
        if path is not None and path.exists():
            self._records = {_key(record): record for record in _read(path)}

    @property
    def records(self) -> list[Record]:
        """Every record, in the order of the file."""
        return list(self._records.values())

    def find(self, wanted: Record) -> Record | None:
        """The record that already answers ``wanted``, or ``None``.

        Args:
            wanted: As a record, but ``images`` are names, ``metrics`` are the least that it must hold, and ``run``
                needs only ``weights_sha256`` and ``asked``.

        Returns:
            A record of the same model, scale, data set, fault, protocol and engine asked for, if it was measured with
            the same weights on pictures of the same names. It may hold more metrics.
        """
        found = self._records.get(_key(wanted))
        if found is None or found["run"]["weights_sha256"] != wanted["run"]["weights_sha256"]:
            return None
        if not from_figures(found).keys() >= set(wanted.get("metrics", ())):
            return None
        return found if [image["name"] for image in found["images"]] == list(wanted["images"]) else None

    def add(self, records: Iterable[Record]) -> None:
        """Keep these records, instead of older ones that they replace, and write the file.

        Raises:
            OutputError: If it cannot be written.
        """
        self._records.update({_key(record): record for record in records})
        if self._path is None:
            return
        ordered = sorted(self._records.values(), key=lambda record: (*_order(record), dataset_label(record)))
        lines = ",\n".join(json.dumps(record) for record in ordered)  # a line each: small, and changes show
        write_text(self._path, f'{{"written_by": "{_KIND}", "results": [\n{lines}\n]}}\n')


def dataset_label(record: Record) -> str:
    """The data set and what was put into its pictures: ``BSD100, noise 25``."""
    fault = record.get("fault", {})
    return ", ".join([record["dataset"], *(f"{name} {value:g}" for name, value in fault.items())])


def only(record: Record, metrics: Sequence[str]) -> dict[str, Any]:
    """The record with these of its metrics and no others."""

    def narrowed(figures: Mapping[str, Any]) -> dict[str, Any]:
        scores = from_figures(figures)
        facts = {key: value for key, value in figures.items() if key not in _FIGURES}
        return facts | to_figures({name: scores[name] for name in metrics})

    facts = {key: value for key, value in record.items() if key not in ("images", "run")}
    return {**narrowed(facts), "images": [narrowed(image) for image in record["images"]], "run": record["run"]}


def card_score(record: Record) -> dict[str, Any]:
    """What a model's card holds of a record: data set, protocol and figures."""
    figures = to_figures(from_figures(record), digits=None)
    others = {name: value for name, value in figures.pop("metrics").items() if not METRICS[name].key}
    score = {"dataset": dataset_label(record), "protocol": record["protocol"], **figures}
    return score | ({"metrics": others} if others else {})


def scores_of(records: Iterable[Record]) -> dict[str, list[dict[str, Any]]]:
    """What records say of each model, by its name, as cards hold it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        found.setdefault(record["model"], []).append(card_score(record))
    return found


def to_markdown(records: Sequence[Record]) -> str:
    """Tables of the records: one a protocol and scale, a line a model, a column a data set."""
    parts = ["# Quality\n\nWritten by `upres evaluate`; every figure is a mean over the pictures of a data set.\n"]
    for name, rules in PROTOCOLS.items():
        mine = [record for record in records if record["protocol"] == name]
        if not mine:
            continue
        measured = set().union(*(from_figures(record) for record in mine))
        metrics = [each for each in METRICS if each in measured]
        headings = " / ".join(METRICS[each].heading for each in metrics)
        parts.append(f"## Protocol `{name}`\n\n{rules.summary[0].upper()}{rules.summary[1:]}. {headings}.\n")
        for scale in sorted({record["scale"] for record in mine}):
            chosen = [record for record in mine if record["scale"] == scale]
            parts.append(f"### x{scale}\n\n{_table(chosen, metrics)}\n")
    return "\n".join(parts)


def _table(records: Sequence[Record], metrics: Sequence[str]) -> str:
    datasets = list(dict.fromkeys(dataset_label(record) for record in sorted(records, key=lambda r: len(r["images"]))))
    rows: dict[tuple[Any, ...], dict[str, str]] = {}
    for record in sorted(records, key=_order):
        run = record["run"]
        row = (record["model"], f"{run['parameters']:,}", f"{run['engine']} {run['precision']}")
        scores = from_figures(record)
        cells = [METRICS[name].text(scores[name], page=True) if name in scores else "–" for name in metrics]
        rows.setdefault(row, {})[dataset_label(record)] = " / ".join(cells)
    lines = [
        "| model | parameters | engine | " + " | ".join(datasets) + " |",
        "|---|---:|---|" + "---:|" * len(datasets),
    ]
    for row, found in rows.items():
        lines.append("| " + " | ".join([*row, *(found.get(dataset, "") for dataset in datasets)]) + " |")
    return "\n".join(lines)


def _order(record: Record) -> tuple[Any, ...]:
    run = record["run"]
    protocol = list(PROTOCOLS).index(record["protocol"])
    return protocol, record["scale"], run["parameters"], record["model"], run["engine"], run["precision"]


def _key(record: Record) -> tuple[Any, ...]:
    asked = record["run"]["asked"]
    what = (record["model"], record["scale"], dataset_label(record), record["protocol"])
    return *what, asked["engine"], asked["precision"], asked.get("device", "cpu")


def _read(path: Path) -> list[Record]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable results file ({error}); name another, or remove it") from error
    if not isinstance(content, dict) or content.get("written_by") != _KIND:
        raise DataError(f"{path}: not a results file of `{_KIND}`; name another, or remove it")
    records: list[Record] = content["results"]
    return records
