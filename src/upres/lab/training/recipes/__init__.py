"""The recipes that come with the package: functions that return a whole `Recipe`, one a family."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from upres.errors import Hint, RecipeError, near_miss
from upres.lab.training.recipe import Recipe
from upres.lab.training.recipes import restoration
from upres.lab.training.recipes.edge import CLEAN_BASES as CLEAN_EDGE_BASES
from upres.lab.training.recipes.edge import DRAWN_BASES as DRAWN_EDGE_BASES
from upres.lab.training.recipes.edge import REAL_BASES as REAL_EDGE_BASES
from upres.lab.training.recipes.edge import clean_edge, drawn_edge, edge_cnn, one_layer, real_edge
from upres.lab.training.recipes.rgb import (
    CLEAN_BASES,
    CRISP_BASES,
    DRAWN_BASES,
    INT8_BASES,
    LIGHT_BASES,
    REAL_BASES,
    SETTINGS,
    clean,
    crisp,
    drawn,
    four_stages,
    general,
    int8,
    light,
    real,
    shipping,
)
from upres.lab.zoo import MODELS, SCALES

_FAMILIES: Mapping[str, Callable[[str], Recipe]] = {
    "esr_max": one_layer,
    "esr_tm": one_layer,
    "esr_tr": one_layer,
    "esr_cnn": edge_cnn,
    "espcn": edge_cnn,
    "fsrcnn": edge_cnn,
    "rlfn": shipping,
    "plain": shipping,
    "mirnet": restoration.mirnet,
    "mirnet_v2": restoration.mirnet_v2,
    "nafnet": restoration.nafnet,
    "enlarged": restoration.enlarged,
    **dict.fromkeys(SETTINGS, general),
}
"""Architecture of the zoo -> the function that makes a recipe for any of its named models."""

_OWN: Mapping[str, Callable[[str], Recipe]] = {
    "rlfn_ntire_x3": four_stages,
    "rlfn_ntire_x4": four_stages,
    **{f"{base}_real_x{scale}": real for base in REAL_BASES for scale in SCALES},
    **{f"{base}_real_x{scale}": real_edge for base in REAL_EDGE_BASES for scale in SCALES},
    **{f"{base}_light_x{scale}": light for base in LIGHT_BASES for scale in SCALES},
    **{f"{base}_clean_x{scale}": clean for base in CLEAN_BASES for scale in SCALES},
    **{f"{base}_clean_x{scale}": clean_edge for base in CLEAN_EDGE_BASES for scale in SCALES},
    **{f"{base}_drawn_x{scale}": drawn for base in DRAWN_BASES for scale in SCALES},
    **{f"{base}_drawn_x{scale}": drawn_edge for base in DRAWN_EDGE_BASES for scale in SCALES},
    **{f"{base}_crisp_x{scale}": crisp for base in CRISP_BASES for scale in SCALES},
    **{name: restoration.own for name, spec in MODELS.items() if spec.architecture == "plain" and spec.scale == 1},
    **{f"{base}_int8_x{scale}": int8 for base in INT8_BASES for scale in SCALES},
}
"""Name of a recipe -> the function that makes the recipe, where the function of the family does not."""


def recipe_for(name: str) -> Recipe:
    """The recipe of that name: of a model of the zoo, or of a variant such as ``rlfn_s_real_x2``.

    Raises:
        RecipeError: If there is none; the nearest name is suggested.
    """
    known = recipe_names()
    if name not in known:
        raise RecipeError(f"no recipe '{name}'.{near_miss(name, known)}", hint=Hint.LIST_RECIPES)
    make = _OWN[name] if name in _OWN else _FAMILIES[MODELS[name].architecture]
    return replace(make(name), name=name)


def recipe_names() -> tuple[str, ...]:
    """Every recipe: one for each trainable model of the zoo, and the variants."""
    models = [name for name, spec in MODELS.items() if spec.architecture in _FAMILIES]
    return (*models, *(name for name in _OWN if name not in models))
