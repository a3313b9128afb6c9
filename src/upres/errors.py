"""Everything a user can do wrong, as one tree.

::

    UpresError
    ├── ImageError                 a file that is not the picture it should be
    │   ├── ImageReadError         missing, empty, truncated, mislabelled, not an image
    │   ├── ImageWriteError        the format cannot hold it, or the disk will not take it
    │   └── ImageTooLargeError     over the pixel budget
    ├── OutputError                a result cannot be written
    │   └── OutputExistsError      something is already there and may not be overwritten
    ├── ModelError
    │   ├── UnknownModelError      no such name in the catalogue
    │   └── CheckpointError        a weight file that cannot be read, recognised or matched
    ├── EngineError
    │   ├── EngineUnavailableError not installed or not built on this machine
    │   └── UnsupportedModelError  this engine does not run this network
    ├── DataError                  a data set that lacks what the protocol or the training needs
    ├── RecipeError                a setting that does not exist or does not fit
    ├── TrainingError              a run that cannot go on
    └── MissingExtraError          an optional part of the package is not installed

A message says what was expected, what was found and what to do. Programming mistakes raise ``ValueError`` or
``TypeError`` instead.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class UpresError(Exception):
    """Root of every error that a user can cause; the command prints it as one line and exits with 1."""


class ImageError(UpresError):
    """A picture cannot be read, held or written."""


class ImageReadError(ImageError):
    """The file is missing, empty, truncated, mislabelled or not an image."""


class ImageWriteError(ImageError):
    """The format cannot hold this picture, or the file cannot be written."""


class ImageTooLargeError(ImageError):
    """The picture is over the pixel budget."""


class OutputError(UpresError):
    """A result cannot be written: the disk is full, the folder is missing or closed."""


class OutputExistsError(OutputError):
    """The output is already there and overwriting was not asked for."""


class ModelError(UpresError):
    """A model cannot be found, read or built."""


class UnknownModelError(ModelError):
    """No model of that name."""


class CheckpointError(ModelError):
    """A weight file cannot be read, recognised or matched to its network."""


class EngineError(UpresError):
    """A network cannot be run as asked."""


class EngineUnavailableError(EngineError):
    """The engine is not installed or was not built here."""


class UnsupportedModelError(EngineError):
    """The engine does not run this network."""


class DataError(UpresError):
    """A data set lacks what the protocol or the training needs."""


class RecipeError(UpresError):
    """A training setting does not exist or does not fit the others."""


class TrainingError(UpresError):
    """A training run cannot go on."""


class MissingExtraError(UpresError):
    """An optional part of the package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the '{extra}' extra: pip install 'upres[{extra}]'")
        self.extra = extra


def near_miss(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` for the known name nearest to ``name``, or an empty string."""
    matches = get_close_matches(name, list(known), n=1)
    return f" Did you mean '{matches[0]}'?" if matches else ""
