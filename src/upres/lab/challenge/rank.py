"""The challenge's ranking, as each year's own report defines it.

Sources:
    2022: Li et al., "NTIRE 2022 Challenge on Efficient Super-Resolution: Methods and Results", arXiv:2205.05675,
    abstract: the main track ranks by run time; sub-track 1 by the sum of the ranks in parameters and FLOPs;
    sub-track 2 (overall) by the sum of the ranks in run time, parameters, FLOPs, activations and memory.
    2024: Ren et al., arXiv:2404.10343, and the ranking section of github.com/Amazingren/NTIRE2024_ESR.
    2025: Ren et al., arXiv:2504.10686, and the ranking section of github.com/Amazingren/NTIRE2025_ESR.
    2023 is left out: its repository states no rule and its report could not be read.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from upres.errors import DataError, Hint, near_miss
from upres.lab.challenge.table import METRICS, PRINTED, Entry


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One year's ranking: a score a track, the lowest wins."""

    year: int
    source: str
    tracks: Mapping[str, Mapping[str, float]]
    """Track name to the weight of each metric's part in its score; track ``main`` comes first."""
    gate: Mapping[str, float]
    """Smallest PSNR in dB, a PSNR column, for an entry to be ranked."""
    baseline: str | None = None
    """The entry that scores are relative to; ``None`` where a metric's part is its rank."""
    references: tuple[str, ...] = ()
    """Names that the table lists for comparison and does not rank."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the tracks need, in table order."""
        used = {metric for weights in self.tracks.values() for metric in weights}
        return tuple(metric for metric in METRICS if metric in used)


def _score_rules(year: int, *, baseline: str, source: str) -> Rules:
    return Rules(
        year=year,
        source=source,
        baseline=baseline,
        gate={"psnr_val_db": 26.90, "psnr_test_db": 26.99},
        tracks={
            "main": {"latency_ms": 0.7, "flops_g": 0.15, "parameters_m": 0.15},
            "sub1": {"latency_ms": 1.0},
            "sub2": {"flops_g": 1.0},
            "sub3": {"parameters_m": 1.0},
        },
    )


RULES: Mapping[int, Rules] = {
    2022: Rules(
        year=2022,
        source="arXiv:2205.05675",
        # The report asks for 29.00 dB on DIV2K validation; its table ranks down to 28.95 dB there and 28.65 dB on test.
        gate={"psnr_val_db": 28.95, "psnr_test_db": 28.65},
        references=("IMDN_baseline", "RFDN AIM2020 Winner"),
        tracks={
            "main": {"latency_ms": 1.0},
            "sub1": {"parameters_m": 1.0, "flops_g": 1.0},
            "sub2": dict.fromkeys(METRICS, 1.0),
        },
    ),
    2024: _score_rules(2024, baseline="RLFN", source="arXiv:2404.10343"),
    2025: _score_rules(2025, baseline="EFDN", source="arXiv:2504.10686"),
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An entry's place: its score and rank in every track."""

    entry: str
    scores: Mapping[str, float]
    ranks: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """``entry``, ``main_rank``, then score and rank of each sub-track."""
        row: dict[str, Any] = {"entry": self.entry, "main_rank": self.ranks["main"]}
        for track in self.ranks:
            if track != "main":
                row |= {f"{track}_score": _tidy(self.scores[track]), f"{track}_rank": self.ranks[track]}
        return row


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """A ranked table, main track first, and where the table's own figures disagree with the rule."""

    rules: Rules
    standings: tuple[Standing, ...]
    not_ranked: tuple[str, ...]
    """Entries below the gate, and those listed for comparison."""
    gate: Mapping[str, float]
    """The thresholds that were applied; empty where the table has no PSNR column that they name."""
    contradictions: tuple[Mapping[str, Any], ...]
    """Each ``{"entry", "column", "printed", "computed"}``."""

    def rows(self) -> list[dict[str, Any]]:
        """A row an entry; with ``main_score`` where the main track ranks by a score."""
        if self.rules.baseline is None:
            return [standing.to_dict() for standing in self.standings]
        return [standing.to_dict() | {"main_score": standing.scores["main"]} for standing in self.standings]

    def to_dict(self) -> dict[str, Any]:
        """The ranking as JSON-ready data."""
        return {
            "rules": self.rules.year,
            "source": self.rules.source,
            "gate": dict(self.gate),
            "rows": self.rows(),
            "not_ranked": list(self.not_ranked),
            "contradictions": [dict(contradiction) for contradiction in self.contradictions],
        }


def rules_of(year: int) -> Rules:
    """The rules of one year.

    Raises:
        DataError: If no rule of that year could be cited.
    """
    if year not in RULES:
        raise DataError(f"no ranking rule for {year} could be cited from its own report; there is {sorted(RULES)}")
    return RULES[year]


def rank(
    entries: Sequence[Entry],
    rules: Rules,
    *,
    gate: Mapping[str, float] | None = None,
    baseline: str | None = None,
    table_year: int | None = None,
    unranked: Collection[str] | None = None,
) -> Ranking:
    """Every entry's place in every track.

    Equal figures share the better rank (1, 2, 2, 4), which is what the printed table does wherever the figures it ties
    were not told apart by digits that it does not print.

    Args:
        entries: The table.
        rules: Of `RULES`.
        gate: Thresholds instead of the year's own and of what the table says of each entry, as ``{PSNR column: dB}``;
            ``{}`` for none.
        baseline: Entry that scores are relative to, instead of the year's own.
        table_year: Year of the challenge that printed the table; its printed figures are checked where it is the
            rules' own.
        unranked: Names listed for comparison only; ``None`` for the rules' own references and the baseline.

    Raises:
        DataError: If a metric that the rules need is missing, the baseline is not in the table, or the gate leaves
            nobody.
    """
    _check_metrics(entries, rules)
    reference = _baseline(entries, rules, baseline)
    applied = {
        column: floor
        for column, floor in (rules.gate if gate is None else gate).items()
        if any(column in entry.figures for entry in entries)
    }
    listed = {*rules.references, *({reference.name} if reference else ())} if unranked is None else unranked
    own = gate is None
    ranked = [
        entry
        for entry in entries
        if entry.name not in listed and _passes(entry, applied) and not (own and entry.passed is False)
    ]
    if not ranked:
        raise DataError(f"no entry passes the gate {applied}", hint=Hint.OTHER_GATE)
    parts = _relative_parts(ranked, rules, reference) if reference else _rank_parts(ranked, rules)
    scores = {
        track: [sum(weight * part[metric] for metric, weight in weights.items()) for part in parts]
        for track, weights in rules.tracks.items()
    }
    ranks = {track: competition_ranks(values) for track, values in scores.items()}
    standings = [
        Standing(
            entry=entry.name,
            scores={track: scores[track][index] for track in scores},
            ranks={track: ranks[track][index] for track in ranks},
        )
        for index, entry in enumerate(ranked)
    ]
    names = {entry.name for entry in ranked}
    return Ranking(
        rules=rules,
        standings=tuple(sorted(standings, key=lambda standing: standing.ranks["main"])),
        not_ranked=tuple(entry.name for entry in entries if entry.name not in names),
        gate=applied,
        contradictions=tuple(_contradictions(ranked, standings)) if table_year in (None, rules.year) else (),
    )


def competition_ranks(values: Sequence[float]) -> list[int]:
    """Rank of each value, lowest first; equal values share the better rank.

    Example:
        >>> competition_ranks([3.0, 1.0, 3.0, 7.0])
        [2, 1, 2, 4]
    """
    ordered = sorted(values)
    first = {value: ordered.index(value) + 1 for value in set(values)}
    return [first[value] for value in values]


def _check_metrics(entries: Sequence[Entry], rules: Rules) -> None:
    for metric in rules.metrics:
        lacking = [entry.name for entry in entries if metric not in entry.figures]
        if lacking:
            whom = "every entry" if len(lacking) == len(entries) else ", ".join(f"'{name}'" for name in lacking)
            raise DataError(f"the {rules.year} rules need {', '.join(rules.metrics)}; {metric} is missing for {whom}")


def _baseline(entries: Sequence[Entry], rules: Rules, name: str | None) -> Entry | None:
    if rules.baseline is None:
        return None
    wanted = name or rules.baseline
    for entry in entries:
        if entry.name.casefold() == wanted.casefold():
            return entry
    nearest = near_miss(wanted, [entry.name for entry in entries])
    raise DataError(
        f"the {rules.year} rules score relative to the baseline '{wanted}', which is not in the table.{nearest}",
        hint=Hint.NAME_THE_BASELINE,
    )


def _passes(entry: Entry, gate: Mapping[str, float]) -> bool:
    return all(entry.figures.get(column, -math.inf) >= floor for column, floor in gate.items())


def _rank_parts(entries: Sequence[Entry], rules: Rules) -> list[dict[str, float]]:
    ranks = {metric: competition_ranks([entry.figures[metric] for entry in entries]) for metric in rules.metrics}
    return [{metric: float(ranks[metric][index]) for metric in ranks} for index in range(len(entries))]


def _relative_parts(entries: Sequence[Entry], rules: Rules, reference: Entry) -> list[dict[str, float]]:
    """``exp(2 * value / baseline)`` of every metric."""
    return [
        {metric: math.exp(2 * entry.figures[metric] / reference.figures[metric]) for metric in rules.metrics}
        for entry in entries
    ]


def _contradictions(entries: Sequence[Entry], standings: Sequence[Standing]) -> list[dict[str, Any]]:
    found = []
    for column in PRINTED:
        for entry, standing in zip(entries, standings, strict=True):
            computed = standing.to_dict()[column]
            printed = entry.figures.get(column, computed)
            if not math.isclose(printed, computed, abs_tol=1e-9):
                found.append({"entry": entry.name, "column": column, "printed": _tidy(printed), "computed": computed})
    return found


def _tidy(value: float) -> float | int:
    """A sum of ranks as the whole number it is."""
    return int(value) if value == int(value) else value
