"""RGB networks that could ship, compared after the same short training."""

from dataclasses import replace
from typing import Any

from upres.lab.studies.study import SHORT_STAGE, Row, Study
from upres.lab.training.recipes.rgb import MEAN_PSNR

_STAGES = (replace(SHORT_STAGE, losses=(MEAN_PSNR,)),)


def _candidate(label: str, says: str, model: str = "rlfn_x4", **arguments: Any) -> Row:
    against = "" if label == "c32b6" else "c32b6"
    return Row(label=label, says=says, against=against, model=model, arguments=arguments, stages=_STAGES)


_ROWS = (
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

STUDY = Study(name="choice", title="Which RGB network ships", rows=_ROWS, seeds=(0, 1))
