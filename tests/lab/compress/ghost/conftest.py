"""Small networks of every architecture that can have ghosts."""

import torch

from upres.lab.checkpoint import build
from upres.models.card import ModelSpec

CASES = {
    "vdsr": ("vdsr", {"num_channels": 8, "num_layers": 5}, 3),
    "vdsr with biases": ("vdsr", {"num_channels": 8, "num_layers": 5, "bias": True}, 3),
    "edsr": ("edsr", {"num_channels": 8, "num_blocks": 2}, 4),
    "rdn": ("rdn", {"num_channels": 8, "num_blocks": 2, "num_layers": 2, "growth": 6}, 4),
    "carn": ("carn", {"num_channels": 8}, 18),
    "carn_m": ("carn", {"num_channels": 16, "groups": 4, "efficient": True, "shared": True}, 6),
    "rlfn": ("rlfn", {"num_channels": 10, "mid_channels": 12, "num_blocks": 2, "esa_channels": 4}, 6),
    "span": ("span", {"num_channels": 8, "num_blocks": 2, "expanded": False}, 6),
    "plain": ("plain", {"num_channels": 8, "num_blocks": 2, "gate": "hard"}, 6),
}


def spec(case):
    architecture, arguments, _ = CASES[case]
    return ModelSpec(architecture=architecture, scale=2, arguments=arguments)


def network_of(case):
    torch.manual_seed(0)
    return build(spec(case)).eval()


def picture(network, height=18, width=22):
    channels = 1 if network.color_mode == "luma" else 3
    return torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(1))
