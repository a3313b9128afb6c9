"""PyAV is an optional part: whoever lacks it is told what to install."""

from importlib.util import find_spec

from upres.errors import MissingExtraError


def require_av() -> None:
    """Nothing where PyAV is installed.

    Raises:
        MissingExtraError: If it is not.
    """
    if find_spec("av") is None:
        raise MissingExtraError("video", "video")
