"""What the finished runs of a study came to.

An ordering is claimed only where a gain exceeds twice the spread of the seeds: the larger of the two rows' own and the
whole study's, because two or three seeds may lie close together by chance. The study's is a median, so that one wild
row does not hide what the others say.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from upres.errors import DataError
from upres.lab.studies.study import Row, Study, run_name
from upres.models.card import ModelCard, read_card


def summarise(
    study: Study,
    out: str | Path,
    *,
    steps: int,
    latency_ms: Mapping[str, float] | None = None,
    flops: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """What the finished runs of a study came to, as JSON-ready data.

    Args:
        study: Whose runs lie in ``out``.
        out: Folder of the queue.
        steps: Of every run; the table says so.
        latency_ms: Milliseconds a picture takes by each row's label, where that was measured.
        flops: Multiply-accumulates of a picture by each row's label, where these were counted.

    Raises:
        DataError: If a row has no finished run.
    """
    cards = {
        row.label: {
            seed: card
            for seed in study.seeds_of(row)
            if (card := _finished(Path(out) / run_name(study, row, seed), steps)) is not None
        }
        for row in study.rows
    }
    missing = [label for label, by_seed in cards.items() if not by_seed]
    if missing:
        raise DataError(f"{study.name}: no finished run of {', '.join(missing)} in {out}")
    some = next(iter(cards[study.rows[0].label].values()))
    scores = {label: {seed: _psnr_db(card) for seed, card in by_seed.items()} for label, by_seed in cards.items()}
    spreads = {label: _spread(list(by_seed.values())) for label, by_seed in scores.items()}
    common = _common_spread([list(by_seed.values()) for by_seed in scores.values()])
    return {
        "study": study.name,
        "title": study.title,
        "steps": steps,
        "spread_db": common,
        "validation": {key: some.training["validation"][key] for key in ("dataset", "protocol", "pictures")},
        "rows": [
            {
                "label": row.label,
                "says": row.says,
                "against": row.against or None,
                "parameters": next(iter(cards[row.label].values())).parameters,
                "latency_ms": (latency_ms or {}).get(row.label),
                "flops": (flops or {}).get(row.label),
                "psnr_db": {str(seed): value for seed, value in scores[row.label].items()},
                "mean_db": mean(scores[row.label].values()),
                "spread_db": spreads[row.label],
                **_gain(scores, row, [common, spreads[row.label], spreads.get(row.against)]),
                "paper_gain_db": row.paper_gain_db,
            }
            for row in study.rows
        ],
    }


def markdown(summary: Mapping[str, Any]) -> str:
    """A summary as a table for the documentation."""
    validation = summary["validation"]
    seeds = (
        f"; ± is the standard deviation over seeds, {summary['spread_db']:.3f} dB for the whole study. A gain in bold "
        "exceeds twice that and twice those of its two rows."
        if summary["spread_db"]
        else "; one seed."
    )
    lines = [
        f"PSNR in dB on {validation['dataset']} ({validation['pictures']} pictures, protocol "
        f"`{validation['protocol']}`) after {summary['steps']} steps{seeds}",
        "",
        "| | parameters | CPU ms | PSNR | gain | over | paper |",
        "|---|---:|---:|---:|---:|---|---:|",
    ]
    says = {row["label"]: row["says"] for row in summary["rows"]}
    for row in summary["rows"]:
        gain = "" if row["gain_db"] is None else f"{row['gain_db']:+.3f}"
        cells = (
            row["says"],
            f"{row['parameters']:,}".replace(",", " "),
            "" if row["latency_ms"] is None else f"{row['latency_ms']:.1f}",
            f"{row['mean_db']:.3f}" + ("" if row["spread_db"] is None else f" ± {row['spread_db']:.3f}"),
            f"**{gain}**" if row["certain"] else gain,
            says.get(row["against"], "").split(":")[0],
            "" if row["paper_gain_db"] is None else f"{row['paper_gain_db']:+.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _finished(folder: Path, steps: int) -> ModelCard | None:
    """The card of a run's last network, if it went to the end."""
    path = folder / "last.safetensors"
    card = read_card(path) if path.is_file() else None
    return card if card is not None and card.training["steps"] >= steps else None


def _psnr_db(card: ModelCard) -> float:
    return float(card.training["validation"]["psnr_db"])


def _gain(scores: Mapping[str, Mapping[int, float]], row: Row, spreads: Sequence[float | None]) -> dict[str, Any]:
    """The mean gain of a row over the one it is compared with, over the seeds of both."""
    ours, theirs = scores[row.label], scores.get(row.against, {})
    seeds = ours.keys() & theirs.keys()
    if not seeds:
        return {"gain_db": None, "certain": False}
    gain = mean(ours[seed] - theirs[seed] for seed in seeds)
    return {"gain_db": gain, "certain": None not in spreads and abs(gain) > 2 * max(s or 0.0 for s in spreads)}


def _spread(values: Sequence[float]) -> float | None:
    return stdev(values) if len(values) > 1 else None


def _common_spread(scores: Sequence[Sequence[float]]) -> float | None:
    """The standard deviation over seeds that fits most rows: their median, corrected for how few seeds they have.

    The median of a standard deviation of ``n`` normal values is close to ``(1 - 2 / (9 n - 9)) ** 1.5`` of the true one
    (Wilson and Hilferty, 1931).
    """
    several = [values for values in scores if len(values) > 1]
    return median(stdev(v) / (1 - 2 / (9 * len(v) - 9)) ** 1.5 for v in several) if several else None
