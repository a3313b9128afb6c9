"""Quality of any upscaler on any data set by any protocol.

    >>> from upres.evaluation import bicubic_network, evaluate
    >>> report = evaluate(bicubic_network(2), "Set5", scale=2, color_mode="rgb")  # doctest: +SKIP
    >>> round(report.psnr_db, 2)  # doctest: +SKIP
    33.67

`pairs` finds and loads data sets, `quality` measures, `results` keeps what was measured in a file and shows it.
"""

from upres.evaluation.faults import Fault
from upres.evaluation.pairs import LoadedPair, LoadedPairs, Pair, dataset_name, find_pairs, load_pairs
from upres.evaluation.quality import (
    ImageQuality,
    QualityReport,
    bicubic_network,
    evaluate,
    evaluate_protocols,
    unchanged,
)

__all__ = [
    "Fault",
    "ImageQuality",
    "LoadedPair",
    "LoadedPairs",
    "Pair",
    "QualityReport",
    "bicubic_network",
    "dataset_name",
    "evaluate",
    "evaluate_protocols",
    "find_pairs",
    "load_pairs",
    "unchanged",
]
