"""A state to be recognised."""

import pytest
import torch

from upres.lab.checkpoint import build, spec_of


@pytest.fixture
def fsrcnn_state():
    """An untrained FSRCNN x3, its tensors named as ours."""
    torch.manual_seed(0)
    return build(spec_of("fsrcnn_opencv_x3")).state_dict()
