"""Graphs that hold no number twice: large constants stay in the weight file beside the graph.

That is ONNX's external data: each constant names the file, and the bytes in it. Both engines that read graphs map them
from there. A weight that is stored in 16 bits is cast to 32 by a node, which the engines do once.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from upres.models.layout import Place, places

LEAST_BYTES = 1024
"""Of a constant that is left where it is: what is smaller takes as much to say where."""
_KINDS = {"F32": (TensorProto.FLOAT, np.float32), "F16": (TensorProto.FLOAT16, np.float16)}


def shared(content: bytes, weights: Path) -> bytes:
    """The graph without the constants that stand in a weight file, whole and in the same order.

    Args:
        content: Of an ``.onnx`` file.
        weights: The ``.safetensors`` file that will lie beside it.

    Raises:
        CheckpointError: If that is no such file.
        OSError: If it cannot be read.
    """
    model = onnx.load_from_string(content)
    stored = _numbers(weights)
    casts = []
    for tensor in model.graph.initializer:
        numbers = numpy_helper.to_array(tensor)
        place = stored.get((numbers.shape, numbers.tobytes()))
        if numbers.dtype != np.float32 or numbers.nbytes < LEAST_BYTES or place is None:
            continue
        kind, _ = _KINDS[place.dtype]
        if kind != TensorProto.FLOAT:
            name = tensor.name
            tensor.name = f"{name}.stored"
            casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
        _move(tensor, kind, weights.name, place)
    for node in reversed(casts):
        model.graph.node.insert(0, node)
    return bytes(model.SerializeToString(deterministic=True))


def _numbers(weights: Path) -> dict[tuple[tuple[int, ...], bytes], Place]:
    """Shape and float32 bytes of each tensor, and where it lies."""
    content = weights.read_bytes()
    found = {}
    for place in places(weights).values():
        if place.dtype in _KINDS:
            numbers = np.frombuffer(
                content, _KINDS[place.dtype][1], offset=place.start, count=int(np.prod(place.sides))
            )
            found[place.sides, numbers.astype(np.float32).tobytes()] = place
    return found


def _move(tensor: TensorProto, kind: int, file: str, place: Place) -> None:
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_type = kind
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", place.start), ("length", place.length)):
        tensor.external_data.add(key=key, value=str(value))
