"""Where upres keeps what it can make again: decoded training pictures, compiled networks."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder for upres; ``UPRES_CACHE`` names another."""
    named = os.environ.get("UPRES_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "upres" / "cache"
    usual = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME", usual)) / "upres"
