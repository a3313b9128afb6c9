"""What a refusal says: the most similar network, and what differs."""

import pytest
import torch

from upres.errors import CheckpointError
from upres.lab.foreign.recognise import recognise


def test_a_missing_tensor_is_named_beside_the_nearest_architecture(fsrcnn_state):
    state = fsrcnn_state
    del state["net.4.bias"]
    with pytest.raises(CheckpointError, match=r"fsrcnn.*net.4.bias \[12\] is missing"):
        recognise(state)


def test_a_damaged_file_names_the_nearest_architecture(fsrcnn_state):
    state = {key: value for key, value in fsrcnn_state.items() if not key.startswith("net.0")}
    with pytest.raises(CheckpointError, match=r"not recognised. Nearest architecture: fsrcnn.*net.0.weight.*missing"):
        recognise(state)


def test_an_opencv_file_without_a_filter_is_still_called_fsrcnn():
    state = {f"{kind}{number}": torch.zeros(3) for kind in ("f", "b", "alpha") for number in range(1, 8)}
    with pytest.raises(CheckpointError, match=r"Nearest architecture: fsrcnn"):
        recognise(state)


def test_something_else_resembles_nothing():
    with pytest.raises(CheckpointError, match=r"Its 2 tensors .embedding, decoder.* resemble no network"):
        recognise({"embedding": torch.zeros(5, 5), "decoder": torch.zeros(3)})
