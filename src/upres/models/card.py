"""What a model is and where it comes from: plain data that travels in the header of its weight file."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from upres.errors import CheckpointError, Hint
from upres.machine.digest import digest
from upres.models.fields import (
    LARGEST_ARGUMENT,
    LARGEST_SCALE,
    LARGEST_SIDE,
    LONGEST_TEXT,
    Field,
    is_argument,
    is_count,
    is_figure,
    is_label,
    is_name,
    is_number,
    is_plain,
    objects,
    one_of,
    optional,
    require_fields,
    whole,
)

ColorMode = Literal["luma", "rgb"]
Task = Literal["upscale", "denoise", "deblock", "enhance"]

_FIELDS: Mapping[str, Field] = {
    "name": Field(f"a name of 1 to {LONGEST_TEXT} printable characters without slashes", is_name),
    "architecture": Field("the name of an architecture", is_label),
    "scale": whole(1, LARGEST_SCALE),
    "arguments": Field(
        f"an object of words and of numbers up to {LARGEST_ARGUMENT}",
        lambda value: isinstance(value, Mapping) and is_argument(value),
    ),
    "transforms": Field(
        "a list of objects, each with a name",
        lambda value: (
            isinstance(value, list | tuple)
            and is_argument(value)
            and all(isinstance(step, Mapping) and is_label(step.get("name")) for step in value)
        ),
    ),
    "color_mode": one_of(ColorMode),
    "parameters": whole(0, 2**63 - 1),
    "task": one_of(Task),
    "halo": optional(whole(0, LARGEST_SIDE)),
    "min_size": whole(1, LARGEST_SIDE),
    "multiple_of": whole(1, LARGEST_SIDE),
    "licence": Field("text", lambda value: isinstance(value, str)),
    "training": Field("an object", lambda value: isinstance(value, Mapping) and is_plain(value)),
    "scores": objects(
        "a list of objects with dataset and protocol as text and figures as numbers",
        dataset=is_label,
        protocol=is_label,
        psnr_db=is_figure,
        ssim=is_figure,
        metrics=lambda value: value is None or (isinstance(value, Mapping) and all(map(is_figure, value.values()))),
    ),
    "latencies": objects(
        "a list of objects with engine, precision, cpu and file as text and width, height, threads and latency_ms as"
        " numbers",
        **dict.fromkeys(("engine", "precision", "cpu", "file"), is_label),
        **dict.fromkeys(("width", "height", "threads"), is_count),
        latency_ms=is_number,
        machine=lambda value: value is None or is_label(value),
    ),
    "format": whole(1, 2**31),
}
"""Name of a field -> what it may hold."""

FORMAT = 1
"""Version of the card's form that this package writes; it reads this one and all before."""
HEADER_KEY = "upres"
"""Name of the card's JSON in the metadata of a ``.safetensors`` header."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """All that is needed to rebuild a network: ``lab.checkpoint.build`` turns it into one."""

    architecture: str
    """A name of ``lab.zoo.ARCHITECTURES``."""
    scale: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the class besides ``scale``."""
    transforms: tuple[Mapping[str, Any], ...] = ()
    """Compression steps in the order they were applied, each ``{"name": ..., arguments}``."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A model's identity, provenance and measured quality."""

    name: str
    spec: ModelSpec
    color_mode: ColorMode
    """``luma``: one Y plane in and out, the caller resizes chroma; ``rgb``: three planes."""
    parameters: int
    task: Task = "upscale"
    """What the network does. Every task but ``upscale`` keeps the size: its scale is 1."""
    halo: int | None = None
    """Low-resolution pixels at each side that an output pixel depends on; ``None`` where the network is not local."""
    min_size: int = 1
    """The shortest side, in pixels, of a picture that the network takes."""
    multiple_of: int = 1
    """What the network needs the sides of a picture to be a multiple of."""
    licence: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Recipe, steps and data, with the number of tiles under each licence."""
    scores: tuple[Mapping[str, Any], ...] = ()
    """Each ``{"dataset", "protocol", "psnr_db", "ssim"}``, and ``"metrics"`` with others by name where measured."""
    latencies: tuple[Mapping[str, Any], ...] = ()
    """Each ``{"engine", "precision", "width", "height", "threads", "latency_ms", "cpu", "file"}``: the median for a
    picture of that size coming out, and the name of the speed report that has it."""
    format: int = FORMAT
    """Version of the card's form."""

    def __post_init__(self) -> None:
        if (self.task == "upscale") != (self.spec.scale > 1):
            raise CheckpointError(f"{self.name}: a card of task '{self.task}' cannot have scale {self.spec.scale}")

    @property
    def architecture(self) -> str:
        """The architecture's name in the zoo."""
        return self.spec.architecture

    @property
    def scale(self) -> int:
        """How many times wider and higher the output is."""
        return self.spec.scale

    def to_dict(self) -> dict[str, Any]:
        """The card as JSON-ready data, its spec's fields beside its own."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "spec"}
        return {"name": own.pop("name"), **asdict(self.spec), **own}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ModelCard":
        """The card that `to_dict` described.

        Raises:
            CheckpointError: If a later upres wrote it, or a field is missing, unknown, of another type or out of range.
        """
        require_fields(data, {"format": _FIELDS["format"]})
        version = data.get("format", 1)
        if version > FORMAT:
            raise CheckpointError(
                f"this model card has format {version}, this upres reads up to {FORMAT}: a later upres wrote the card;"
                " install that"
            )
        require_fields(data, _FIELDS)
        spec_names = {f.name for f in fields(ModelSpec)}
        spec = {key: value for key, value in data.items() if key in spec_names}
        own = {key: value for key, value in data.items() if key not in spec_names}
        try:
            spec["transforms"] = tuple(spec.get("transforms", ()))
            own |= {name: tuple(own.get(name, ())) for name in ("scores", "latencies")}
            return cls(spec=ModelSpec(**spec), **own)
        except TypeError as error:
            raise CheckpointError(f"this model card does not fit this version of upres: {error}") from error

    def to_header(self) -> dict[str, str]:
        """Metadata to write into a ``.safetensors`` file."""
        return {HEADER_KEY: json.dumps(self.to_dict(), sort_keys=True)}


def has_card(path: str | Path) -> bool:
    """Whether it is a ``.safetensors`` file of ours, be its card damaged or not."""
    try:
        with _open(path) as file:
            return HEADER_KEY in (file.metadata() or {})
    except CheckpointError:
        return False


def read_card(path: str | Path) -> ModelCard:
    """The card in a ``.safetensors`` file's header.

    Raises:
        CheckpointError: If the file cannot be read or carries no card.
    """
    with _open(path) as file:
        return _card(path, file.metadata())


def read_weights(path: str | Path) -> tuple[ModelCard, dict[str, NDArray[Any]]]:
    """The card and all tensors of a ``.safetensors`` file, without torch; floats of 16 bits as float32.

    Raises:
        CheckpointError: If the file cannot be read, carries no card, or has a tensor that is not finite.
    """
    with _open(path) as file:
        tensors = {
            key: array.astype(np.float32) if array.dtype == np.float16 else array for key, array in _tensors(path, file)
        }
        return _card(path, file.metadata()), tensors


def require_finite(path: str | Path) -> None:
    """Look at every number of a ``.safetensors`` file, one tensor at a time.

    Raises:
        CheckpointError: If the file cannot be read, or a tensor holds NaN or infinity; the message names the tensor.
    """
    with _open(path) as file:
        for _ in _tensors(path, file):
            pass


def weights_digest(path: Path) -> str:
    """SHA-256 of the tensors in a ``.safetensors`` file, without its header: a card may gain a score.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    return digest(path, start=8 + header)


def _open(path: str | Path) -> Any:
    try:
        return safe_open(str(path), framework="numpy")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a readable .safetensors file ({error})") from error


def _tensors(path: str | Path, file: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    for key in file.keys():  # noqa: SIM118  # no mapping
        try:
            array = np.asarray(file.get_tensor(key))
            finite = bool(np.isfinite(array).all())
        except (TypeError, AttributeError, SafetensorError) as error:  # a dtype that numpy lacks
            raise CheckpointError(f"{path}: {key} cannot be read without torch ({error})") from error
        if not finite:
            raise CheckpointError(f"{path}: {key} holds values that are not finite (NaN or infinity)")
        yield key, array


def _card(path: str | Path, metadata: Mapping[str, str] | None) -> ModelCard:
    if not metadata or HEADER_KEY not in metadata:
        raise CheckpointError(f"{path}: no upres card in its header", hint=Hint.IMPORT_MODEL)
    try:
        data = json.loads(metadata[HEADER_KEY])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: this model card is damaged: no JSON, or too deep ({error})") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: this model card is damaged: expected an object, got {type(data).__name__}")
    try:
        return ModelCard.from_dict(data)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
