"""Every study by the name that `upres train` takes."""

from collections.abc import Mapping

from upres.lab.studies import choice, crisp, distilled, ghost, ladder, league, restoration, shipped, tricks
from upres.lab.studies.study import Study

STUDIES: Mapping[str, Study] = {
    "ladder_rfdn": ladder.STUDY,
    "tricks": tricks.STUDY,
    "choice": choice.STUDY,
    "ghost": ghost.CONVERTED,
    "ghost_scratch": ghost.SCRATCH,
    "ghost_offsets": ghost.OFFSETS,
    "ghost_wiring": ghost.WIRING,
    "ghost_dense": ghost.DENSE,
    "ghost_x4": ghost.FOURFOLD,
    "shipped_smaller": shipped.STUDY,
    "distilled_x2": distilled.TWOFOLD,
    "distilled_x4": distilled.FOURFOLD,
    "mirnet_ablation": restoration.ABLATION,
    "restorers": restoration.RESTORERS,
    "one_resolution": restoration.ONE_RESOLUTION,
    "noise_models": restoration.NOISE_MODELS,
    "league_x4": league.STUDY,
    "crisp_pieces": crisp.STUDY,
}
