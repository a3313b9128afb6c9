"""Everything a user can do wrong, as one tree.

::

    UpresError
    ├── ImageError                 a file that is not the picture it should be
    │   ├── ImageReadError         missing, empty, truncated, mislabelled, not an image
    │   ├── ImageWriteError        the format cannot hold it, or the disk will not take it
    │   └── ImageTooLargeError     over the pixel budget
    ├── OutputError                a result cannot be written
    │   └── OutputExistsError      something is already there and may not be overwritten
    ├── VideoError                 a video that cannot be read, or would lose what may not be lost
    ├── ModelError
    │   ├── UnknownModelError      no such name in the catalogue
    │   └── CheckpointError        a weight file that cannot be read, recognised or matched
    ├── EngineError
    │   ├── EngineUnavailableError not installed or not built on this machine
    │   └── UnsupportedModelError  this engine does not run this network
    │       └── GraphError         the graph beside the weights is not theirs, or nothing for an engine
    ├── DataError                  a data set that lacks what the protocol or the training needs
    ├── RecipeError                a setting that does not exist or does not fit
    ├── TrainingError              a run that cannot go on
    ├── LedgerError                a folder of jobs that is none, or holds others
    ├── ClusterError               machines that do not answer, or are not as this one
    └── MissingExtraError          an optional part of the package is not installed

A message says what was expected, what was found and what to do. What to do depends on who asks, a person at a terminal
or a program, so it may be a `Hint` beside the message. Programming mistakes raise ``ValueError`` or ``TypeError``
instead.
"""

from collections.abc import Iterable
from enum import Enum

LONGEST_MESSAGE = 1000
"""Characters of a message that quotes what stands in a file."""


class Hint(Enum):
    """What to do about an error, in plain words; ``apps/cli/hints.py`` words each hint as flags of the command."""

    OVERWRITE = "allow it to be replaced"
    LESS_MEMORY = "set a limit of memory, or a lower one"
    MORE_MEMORY = "allow more memory, or take a smaller network"
    OTHER_FORMAT = "choose a smaller size, or png, which holds more"
    OWN_SCALE = "ask for no scale, or name another model"
    NAME_A_RESTORER = "name the file of one as the model"
    LIST_MODELS = "the list of models has every name"
    IMPORT_MODEL = "convert the file to a model of this package first"
    LIST_RECIPES = "the list of recipes has every name"
    OTHER_FOLDER_OR_RESTART = "choose another folder, or begin anew"
    OTHER_FOLDER_OR_OVERWRITE = "choose another folder, or allow the run in it to be replaced"
    OTHER_PICTURES = "give more pictures, or a folder to validate on"
    OTHER_START = "train both, the one to begin with first, name other weights to begin with, or none"
    NAME_THE_NETWORK = "say which architecture and scale it is"
    OTHER_GATE = "choose a lower gate, or none"
    NAME_THE_BASELINE = "add its row, or name the entry to compare with"
    MEASURE_SPEED = "measure the speed first"
    MAKE_INT8 = "export an 8-bit graph of it first"
    REMAKE_GRAPH = "export the model once more, which makes its graph anew"
    LIST_ENGINES = "the self-test shows which engines are installed"
    MAKE_FAULTS = "or let noise or JPEG be put into true pictures"
    DEINTERLACE = "have it deinterlaced first"
    DROP_DYNAMIC_HDR = "allow that metadata to be dropped"
    OTHER_CONTAINER = "write to a Matroska file, which holds it"
    OTHER_CODEC = "choose one of them"
    OTHER_PLAYER = "install it, or give the frames to another player"
    MEASURE_LATER = "leave it out, and measure it when the network is trained"
    START_A_CLUSTER = "start one there, or name no address to have one on this machine"


_LONGEST = 1000


class UpresError(Exception):
    """Root of every error that a user can cause; the command prints it as one line and exits with 1.

    Args:
        message: What was expected and what was found. Its middle is left out where it has over 1000 characters: names
            and values from hostile files have no end.
        hint: What to do, where that is not in the message.
    """

    hint: Hint | None = None

    def __init__(self, message: str = "", *, hint: Hint | None = None) -> None:
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 4 :]}"
        super().__init__(message)
        self.hint = hint


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


class VideoError(UpresError):
    """A video cannot be read, enlarged or written, or would lose something that may not be lost unasked."""


class ModelError(UpresError):
    """A model cannot be found, read or built."""


class UnknownModelError(ModelError):
    """No model of that name."""


class CheckpointError(ModelError):
    """A weight file cannot be read, recognised or matched to its network.

    The message quotes names that stand in the file: what is not printable in it is escaped, and it is cut.
    """

    def __init__(self, message: str = "", *, hint: Hint | None = None) -> None:
        super().__init__(printable(message, longest=LONGEST_MESSAGE), hint=hint)


class EngineError(UpresError):
    """A network cannot be run as asked."""


class EngineUnavailableError(EngineError):
    """The engine is not installed or was not built here."""


class UnsupportedModelError(EngineError):
    """The engine does not run this network."""


class GraphError(UnsupportedModelError):
    """The graph beside a weight file is not theirs, or asks for what no graph of a network needs."""

    def __init__(self, message: str = "", *, hint: Hint | None = None) -> None:
        super().__init__(printable(message, longest=LONGEST_MESSAGE), hint=hint)


class DataError(UpresError):
    """A data set lacks what the protocol or the training needs."""


class RecipeError(UpresError):
    """A training setting does not exist or does not fit the others."""


class TrainingError(UpresError):
    """A training run cannot go on."""


class LedgerError(UpresError):
    """A folder of jobs is missing, damaged, or holds other jobs than those asked for."""


class ClusterError(UpresError):
    """A cluster does not answer, a machine of it is not as this one, or all of them were lost."""


class MissingExtraError(UpresError):
    """An optional part of the package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the '{extra}' extra: pip install 'upres[{extra}]'")
        self.extra = extra


def printable(text: str, *, longest: int) -> str:
    """The text in one line: what a terminal would act on is escaped, and what is too long is cut."""
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text[: longest + 1]
    )
    return shown if len(shown) <= longest else f"{shown[:longest]} ..."


def near_miss(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` for the known name nearest to ``name``, or an empty string."""
    from difflib import get_close_matches

    matches = get_close_matches(name, list(known), n=1)
    return f" Did you mean '{matches[0]}'?" if matches else ""
