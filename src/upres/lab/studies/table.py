"""Every study by the name that `upres train` takes."""

from collections.abc import Mapping

from upres.lab.studies import choice, ghost, ladder, restoration, tricks
from upres.lab.studies.study import Study

STUDIES: Mapping[str, Study] = {
    "ladder_rfdn": ladder.STUDY,
    "tricks": tricks.STUDY,
    "choice": choice.STUDY,
    "ghost": ghost.CONVERTED,
    "ghost_scratch": ghost.SCRATCH,
    "ghost_offsets": ghost.OFFSETS,
    "ghost_wiring": ghost.WIRING,
    "ghost_x4": ghost.FOURFOLD,
    "mirnet_ablation": restoration.ABLATION,
    "restorers": restoration.RESTORERS,
    "noise_models": restoration.NOISE_MODELS,
}
