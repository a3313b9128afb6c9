"""Where tensors lie in a weight file."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from upres.errors import CheckpointError
from upres.models.catalog import find
from upres.models.layout import places


@pytest.mark.parametrize("name", ["espcn_x2", "rlfn_c32b6_x2"])
def test_places_are_where_safetensors_finds_each_tensor(name):
    path = find(name).weights
    content, tensors, found = path.read_bytes(), load_file(path), places(path)
    assert found.keys() == tensors.keys()
    for key, place in found.items():
        assert (place.dtype, place.sides) == ("F16" if name.startswith("rlfn") else "F32", tensors[key].shape)
        bits = np.frombuffer(content, tensors[key].dtype, count=tensors[key].size, offset=place.start)
        np.testing.assert_array_equal(bits.reshape(place.sides), tensors[key])
        assert place.length == tensors[key].nbytes


def file_of(header, data=b"\0" * 8):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        (2**62).to_bytes(8, "little") + b"{}",
        file_of(b"no JSON"),
        file_of(b"[]"),
        file_of(b"[" * 100_000),
        file_of({"w": 7}),
        file_of({"w": {**ONE, "data_offsets": [0]}}),
        file_of({"w": {**ONE, "data_offsets": [0, "x"]}}),
        file_of({"w": {**ONE, "data_offsets": [8, 0]}}),
        file_of({"w": {**ONE, "data_offsets": [-400, 8]}}),
        file_of({"w": {**ONE, "data_offsets": [0, 9]}}),
        file_of({"w": {"dtype": "F32", "data_offsets": [0, 8]}}),
    ],
)
def test_what_is_no_weight_file_is_told(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(file_of({"w": ONE}))
    assert places(path)["w"].length == 8
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.safetensors: not a readable"):
        places(path)
