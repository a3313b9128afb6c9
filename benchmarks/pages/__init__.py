"""Every page of figures, in one table."""

from collections.abc import Mapping

from benchmarks.pages import (
    choice,
    compression,
    crisp,
    filters,
    fuzz,
    ghost,
    install,
    int8,
    judge,
    kernels,
    league,
    machines,
    peers,
    photographs,
    pictures,
    pool,
    quality,
    readme,
    restoration,
    speed,
    stills,
    studies,
    sweep,
    video,
    zoo,
)
from benchmarks.pages.page import Page

_MODULES = (
    pictures,
    install,
    readme,
    stills,
    machines,
    speed,
    peers,
    quality,
    pool,
    sweep,
    zoo,
    photographs,
    choice,
    judge,
    kernels,
    crisp,
    studies,
    league,
    int8,
    fuzz,
    ghost,
    compression,
    restoration,
    filters,
    video,
)

PAGES: Mapping[str, Page] = {page.name: page for module in _MODULES for page in module.PAGES}
"""Name -> page."""
