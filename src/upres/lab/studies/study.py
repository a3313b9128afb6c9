"""Comparisons: rows of recipes that differ in one thing, run with several seeds and summed up with their spread.

``ladder_rfdn`` walks from IMDN's block to the RFDB as RFDN's paper does; ``tricks`` holds the efficiency challenge's
lessons, a row each; ``choice`` compares networks that could ship. All are small (x4, 2500 or 1200 steps of 8 crops; 24
channels and 4 blocks in the first two), so their gains are not the papers'. SOAP makes so few steps worth some ten
times as many of Adam's.
An ordering is claimed only where a gain exceeds twice the spread of the seeds: the larger of the two rows' own and the
whole study's, because two or three seeds may lie close together by chance. The study's is a median, so that one wild
row does not hide what the others say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from upres.errors import DataError
from upres.lab.losses.criterion import LossTerm
from upres.lab.training.recipe import Optimizer, Recipe, Schedule, Stage, WarmStart
from upres.lab.training.recipes.rgb import MEAN_PSNR
from upres.models.card import ModelCard, read_card

_STAGE = Stage(
    steps=2500,
    batch_size=8,
    patch_size=32,
    optim=Optimizer(name="soap", learning_rate=3e-3, betas=(0.95, 0.95)),
    schedule=Schedule(name="cosine", warmup_steps=200),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One contender."""

    label: str
    """Short, for file names; unique in the study."""
    says: str
    """What a table says of it."""
    against: str = ""
    """Label of the row that it is compared with; empty for a baseline."""
    model: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[Stage, ...] = (_STAGE,)
    ema_decay: float = 0.999
    paper_gain_db: float | None = None


@dataclass(frozen=True, kw_only=True)
class Study:
    """Rows and seeds."""

    name: str
    title: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]

    def recipes(self) -> list[Recipe]:
        """A recipe for every row and seed, seed by seed, so that a study cut short still compares all rows."""
        return [
            Recipe(
                name=run_name(self, row, seed),
                model=row.model,
                arguments=row.arguments,
                stages=row.stages,
                seed=seed,
                ema_decay=row.ema_decay,
                precision="bf16",
                validate_every=sum(stage.steps for stage in row.stages),
            )
            for seed in self.seeds
            for row in self.rows
        ]


def run_name(study: Study, row: Row, seed: int) -> str:
    """The name of one run of a study, and of its folder."""
    return f"{study.name}-{row.label}-seed{seed}"


_SMALL = {"num_channels": 24, "num_blocks": 4}
_LADDER = {**_SMALL, "attention_reduction": 4}


def _rung(label: str, says: str, block: str, ratio: float = 0.25, paper_gain_db: float | None = None) -> Row:
    return Row(
        label=label,
        says=says,
        against="" if label == "imdb" else "rfdb" if label.startswith("ratio") else "imdb_r",
        model=f"ladder_{block}_x4",
        arguments={**_LADDER, "distillation_ratio": ratio},
        paper_gain_db=paper_gain_db,
    )


_LADDER_ROWS = (
    _rung("imdb", "IMDB", "imdb"),
    replace(_rung("imdb_r", "IMDB-R", "imdb_r"), against="imdb"),
    _rung("srb", "IMDB-R + SRB", "imdb_r_srb", paper_gain_db=0.12),
    _rung("fdc", "IMDB-R + FDC", "imdb_r_fdc", paper_gain_db=0.19),
    _rung("rfdb", "RFDB (both)", "rfdb", paper_gain_db=0.27),
    _rung("ratio50", "RFDB, ratio 0.5", "rfdb", 0.5),
    _rung("ratio75", "RFDB, ratio 0.75", "rfdb", 0.75),
)


_TRICK = replace(_STAGE, steps=1200)
_HALF = replace(_TRICK, steps=600)


def _trick(label: str, says: str, *, against: str = "rlfb", **changes: Any) -> Row:
    arguments = {**_SMALL, **changes.pop("arguments", {})}
    stages = changes.pop("stages", (_TRICK,))
    return Row(label=label, says=says, against=against, model="rlfn_x4", arguments=arguments, stages=stages, **changes)


def _losses(*terms: LossTerm) -> tuple[Stage, ...]:
    return (replace(_TRICK, losses=terms),)


_ABSOLUTE = LossTerm(name="l1")


_WIDE = {"num_channels": 26}
_TRICK_ROWS = (
    _trick("rlfb", "RLFB: the baseline of this table", against=""),
    Row(
        label="rfdb",
        says="RFDB instead of RLFB",
        against="rlfb",
        stages=(_TRICK,),
        model="e_rfdn_x4",
        arguments={**_SMALL, "attention_channels": 16},
    ),
    Row(
        label="separable",
        says="blueprint-separable convolutions (BSRN) instead of dense ones in the RFDB",
        against="rfdb",
        stages=(_TRICK,),
        model="bsrn_x4",
        arguments={**_SMALL, "attention_channels": 16},
    ),
    _trick("esa_full", "full ESA instead of the reduced one", arguments={"full_attention": True}),
    _trick("expanded", "re-parameterised 3x3 convolutions (ECB), folded", arguments={"expanded": True}),
    _trick("silu", "SiLU instead of LReLU", arguments={"activation": "silu"}),
    _trick("gelu", "GELU instead of LReLU", arguments={"activation": "gelu"}),
    _trick("wide", "26 channels instead of 24", arguments=_WIDE),
    _trick(
        "pruned",
        "24 channels kept of 26 half-way, instead of 26 to the end (48 to 46 in the challenge)",
        against="wide",
        stages=(replace(_HALF, arguments=_WIDE), _HALF),
    ),
    _trick("squared", "squared error instead of L1", stages=_losses(LossTerm(name="l2"))),
    _trick(
        "mean_psnr",
        "squared error of each crop to the power 0.2, four fifths of it the luma's (ours)",
        against="squared",
        stages=_losses(MEAN_PSNR),
    ),
    _trick(
        "contrastive",
        "contrastive loss beside L1",
        stages=_losses(_ABSOLUTE, LossTerm(name="contrastive", weight=1 / 255)),
    ),
    _trick(
        "gradient_variance",
        "gradient-variance loss beside L1",
        stages=_losses(_ABSOLUTE, LossTerm(name="gradient_variance", weight=0.1)),
    ),
    _trick(
        "stages",
        "two stages, L1 and L2, in the same time",
        stages=(_HALF, replace(_HALF, losses=(LossTerm(name="l2"),), optim=replace(_TRICK.optim, learning_rate=3e-4))),
    ),
    _trick(
        "warm_start",
        "half of the time at x2, then x4 from that",
        stages=(replace(_HALF, scale=2), replace(_HALF, start=WarmStart(fresh=("upsampler.",)))),
    ),
    _trick("no_ema", "no running mean of the weights", ema_decay=0.0),
)


def _candidate(label: str, says: str, model: str = "rlfn_x4", **arguments: Any) -> Row:
    against = "" if label == "c32b6" else "c32b6"
    return Row(label=label, says=says, against=against, model=model, arguments=arguments, stages=_losses(MEAN_PSNR))


_CHOICE_ROWS = (
    _candidate("c16b6", "RLFN, 16 channels, 6 blocks", num_channels=16),
    _candidate("c24b6", "RLFN, 24 channels, 6 blocks", num_channels=24),
    _candidate("c32b4", "RLFN, 32 channels, 4 blocks", num_channels=32, num_blocks=4),
    _candidate("c32b6", "RLFN, 32 channels, 6 blocks", num_channels=32),
    _candidate("c48b4", "RLFN, 48 channels, 4 blocks", num_channels=48, num_blocks=4),
    _candidate("c48b6", "RLFN, 48 channels, 6 blocks", num_channels=48),
    _candidate("rfdn32", "E-RFDN, 32 channels, 4 blocks", "e_rfdn_x4", num_channels=32),
    _candidate("c32b6_ecb", "RLFN, 32 channels, 6 blocks, trained expanded (ECB)", num_channels=32, expanded=True),
    _candidate("span32", "SPAN, 32 channels, 6 blocks, trained expanded", "span_x4", num_channels=32),
    _candidate(
        "span32_plain", "SPAN, 32 channels, 6 blocks, trained plain", "span_x4", num_channels=32, expanded=False
    ),
)

STUDIES: Mapping[str, Study] = {
    "ladder_rfdn": Study(name="ladder_rfdn", title="From IMDN's block to the RFDB", rows=_LADDER_ROWS, seeds=(0, 1, 2)),
    "tricks": Study(name="tricks", title="The efficiency challenge's lessons", rows=_TRICK_ROWS, seeds=(0, 1)),
    "choice": Study(name="choice", title="Which RGB network ships", rows=_CHOICE_ROWS, seeds=(0, 1)),
}
"""Every study by the name that `upres train` takes."""


def summarise(
    study: Study, out: str | Path, *, steps: int, latency_ms: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """What the finished runs of a study came to, as JSON-ready data.

    Args:
        study: Whose runs lie in ``out``.
        out: Folder of the queue.
        steps: Of every run; the table says so.
        latency_ms: Milliseconds a picture takes by each row's label, where that was measured.

    Raises:
        DataError: If a row has no finished run.
    """
    cards = {
        row.label: {
            seed: card
            for seed in study.seeds
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
