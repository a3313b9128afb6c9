"""What a weight file may hold before anything is made of it: no more than its bytes, and tensors that are numbers."""

import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor

from upres.errors import CheckpointError

MOST_TENSORS = 20_000
"""The deepest network of the zoo has 1,500, a training run keeps a few such sets."""
STRIP = 'python -c "import torch; {}"'


def require_sound_archive(path: Path) -> None:
    """See that a zip archive holds weights as they are, before torch unpacks it.

    Raises:
        CheckpointError: If it is damaged, compressed, larger than the file when unpacked, or a TorchScript program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(f"{path}: damaged, or not a weight file ({error})") from error
    if any(PurePosixPath(record.filename).parts[1:2] == ("code",) for record in records):
        line = STRIP.format(f"torch.save(torch.jit.load({quoted(path)}).state_dict(), 'plain.pth')")
        raise CheckpointError(
            f"{path}: a TorchScript program, not weights alone. If you trust it, this line strips it: {line}"
        )
    held, length = sum(record.file_size for record in records), path.stat().st_size
    if any(record.compress_type != zipfile.ZIP_STORED for record in records) or held > length:
        raise CheckpointError(
            f"{path}: refused: its records are compressed or lie over each other ({held:,} bytes in {length:,} of"
            " the file); torch saves them as they are, so save it again with torch"
        )
    if len(records) > MOST_TENSORS:
        raise CheckpointError(f"{path}: refused: {len(records):,} records, a network has a few hundred tensors")


def require_numbers(tensors: Mapping[str, Tensor], *, source: str) -> None:
    """See that tensors are dense, on the CPU, and as large as they say.

    Raises:
        CheckpointError: Naming the first that is not.
    """
    if len(tensors) > MOST_TENSORS:
        raise CheckpointError(f"{source}: holds {len(tensors):,} tensors, a network has a few hundred")
    storages: dict[int, int] = {}
    asked = 0
    for name, tensor in tensors.items():
        problem = _problem(tensor)
        if problem is not None:
            raise CheckpointError(f"{source}: {name[:80]} {problem}; expected plain tensors of numbers")
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        asked += tensor.numel() * tensor.element_size()
    held = sum(storages.values())
    if asked > 4 * held:  # tied weights lie in one place
        raise CheckpointError(f"{source}: its tensors lie over each other: {asked:,} bytes of {held:,} in the file")


def quoted(path: Path) -> str:
    """The file as a line of Python names it: by its name where that needs no care."""
    plain = all(letter.isalnum() or letter in "._-+/" for letter in str(path))
    return repr(str(path)) if plain else "'FILE'"


def _problem(tensor: Tensor) -> str | None:
    kind = None
    if tensor.is_meta:
        kind = "has a shape and no values (it was saved on the device 'meta')"
    elif tensor.device.type != "cpu":
        kind = f"lies on the device {tensor.device.type}"
    elif tensor.is_quantized:
        kind = "is quantised"
    elif tensor.is_nested or tensor.layout != torch.strided:
        kind = "is sparse or nested"
    elif tensor.is_complex():
        kind = "holds complex numbers"
    elif tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        kind = f"repeats {tensor.untyped_storage().nbytes():,} bytes as {list(tensor.shape)}"
    return kind


class Aside:
    """What stands for a number of numpy's beside the weights: a learning rate, a best score. It keeps nothing."""

    def __init__(self, *_: Any) -> None:
        """Take whatever the pickle gives."""

    def __setstate__(self, state: Any) -> None:
        """Likewise."""


_NUMPY = (
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *(f"numpy.{name}" for name in ("dtype", "ndarray")),
    *(
        f"numpy.dtypes.{kind}DType"
        for kind in ("Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    ),
    *(f"numpy.dtypes.{kind}DType" for kind in ("Float16", "Float32", "Float64", "LongDouble", "Str", "Bytes")),
)
HARMLESS = [(Aside, name) for name in _NUMPY]
"""What a pickle may call besides torch's own: nothing of numpy's runs, `Aside` takes its place."""
