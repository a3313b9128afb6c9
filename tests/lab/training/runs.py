"""Runs that are cut off, and what they leave compared with those that were not."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from upres.lab.training.listener import Silence


class Stop(Silence):
    """Stops a run as a signal would, at its first validation at or after ``step``."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_validation(self, step: int, psnr_db: float) -> None:
        if step >= self.step:
            raise KeyboardInterrupt


def same(one: Path, other: Path) -> bool:
    """Whether two files hold the same tensors, to the bit."""
    left, right = load_file(one), load_file(other)
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)
