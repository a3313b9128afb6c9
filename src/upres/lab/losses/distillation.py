"""Knowledge distillation: what a better network makes of the same crop, as a second truth."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upres.errors import RecipeError
from upres.lab.checkpoint import load
from upres.models.catalog import find


def distillation(
    sr: Tensor, hr: Tensor, lr: Tensor | None, *, teacher: str = "", norm: Literal["l1", "l2"] = "l1"
) -> Tensor:
    """Mean absolute or squared difference of ``sr`` from what a teacher makes of ``lr``.

    A small network cannot draw all that the true picture has; what a wider one drew is nearer to its reach. The term
    stands beside one of the truth.

    Args:
        sr: ``(N, C, H, W)`` in [0, 1].
        hr: Same shape; not looked at.
        lr: ``(N, C, H / scale, W / scale)``.
        teacher: Shipped name or path of a checkpoint.
        norm: Kind of difference.

    Raises:
        RecipeError: If there is no ``lr`` or no teacher, the teacher makes pictures of another size or colour, or crops
            are too small for it.
        UnknownModelError: If there is no such model.
        CheckpointError: If it is a file that cannot be read.

    Reference: Hinton et al., 2015, arXiv:1503.02531, for outputs as targets.
    """
    del hr
    if lr is None or not teacher:
        raise RecipeError("distillation needs the low-resolution picture and a teacher: a model's name or file")
    if norm not in ("l1", "l2"):
        raise RecipeError(f"distillation: expected norm l1 or l2, got {norm!r}")
    network = teacher_of(find(teacher).weights).to(lr.device)
    if (network.color_mode == "luma") != (lr.shape[1] == 1):
        raise RecipeError(f"distillation: the teacher {teacher} works on {network.color_mode}, the network does not")
    least, multiple = getattr(network, "min_size", 1), getattr(network, "multiple_of", 1)
    if min(lr.shape[-2:]) < least or any(side % multiple for side in lr.shape[-2:]):
        raise RecipeError(
            f"distillation: the teacher {teacher} takes crops from {least} pixels on, in multiples of {multiple}; got "
            f"{list(lr.shape[-2:])}: choose another patch_size"
        )
    with torch.no_grad(), torch.autocast(lr.device.type, enabled=False):
        target = network(lr.float())
    if target.shape != sr.shape:
        raise RecipeError(
            f"distillation: the teacher {teacher} makes {list(target.shape)}, the network {list(sr.shape)}"
        )
    return (F.l1_loss if norm == "l1" else F.mse_loss)(sr.float(), target)


def teacher_of(weights: Path) -> nn.Module:
    """The network in a checkpoint, in evaluation mode; the same object for the same content of the file.

    Raises:
        CheckpointError: If it cannot be read.
    """
    stat = weights.stat()
    return _loaded(weights, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=2)
def _loaded(weights: Path, _: int, __: int) -> nn.Module:
    state = torch.get_rng_state()  # building layers draws from torch's own generator, which belongs to the run
    try:
        return load(weights)[0].requires_grad_(requires_grad=False)
    finally:
        torch.set_rng_state(state)
