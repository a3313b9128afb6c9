"""From IMDN's block to the RFDB, a change a rung, as RFDN's paper does (Liu et al., 2020, arXiv:2009.11551)."""

from dataclasses import replace

from upres.lab.studies.study import SMALL, Row, Study

_ARGUMENTS = {**SMALL, "attention_reduction": 4}


def _rung(label: str, says: str, block: str, ratio: float = 0.25, paper_gain_db: float | None = None) -> Row:
    return Row(
        label=label,
        says=says,
        against="" if label == "imdb" else "rfdb" if label.startswith("ratio") else "imdb_r",
        model=f"ladder_{block}_x4",
        arguments={**_ARGUMENTS, "distillation_ratio": ratio},
        paper_gain_db=paper_gain_db,
    )


_ROWS = (
    _rung("imdb", "IMDB", "imdb"),
    replace(_rung("imdb_r", "IMDB-R", "imdb_r"), against="imdb"),
    _rung("srb", "IMDB-R + SRB", "imdb_r_srb", paper_gain_db=0.12),
    _rung("fdc", "IMDB-R + FDC", "imdb_r_fdc", paper_gain_db=0.19),
    _rung("rfdb", "RFDB (both)", "rfdb", paper_gain_db=0.27),
    _rung("ratio50", "RFDB, ratio 0.5", "rfdb", 0.5),
    _rung("ratio75", "RFDB, ratio 0.75", "rfdb", 0.75),
)

STUDY = Study(name="ladder_rfdn", title="From IMDN's block to the RFDB", rows=_ROWS, seeds=(0, 1, 2))
