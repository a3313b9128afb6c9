"""A perceptual loss in the hidden layers of a restorer that was trained here."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upres.errors import RecipeError
from upres.lab.losses.distillation import teacher_of
from upres.models.catalog import find

_EPSILON = 1e-7


class _EnoughError(Exception):
    """The last layer that is asked for has answered."""


def features(sr: Tensor, hr: Tensor, *, teacher: str = "", layers: Sequence[str] = ("blocks.0",)) -> Tensor:
    """L1 distance between hidden maps of ``sr`` and ``hr`` over the mean size of those of ``hr``, summed over layers.

    A network that tells noise or blocks from a picture answers to texture and to what is no texture. It is one of ours,
    where others take a classifier of other people's pictures.

    Args:
        sr: ``(N, 3, H, W)`` in [0, 1].
        hr: Same shape.
        teacher: Shipped name or path of a checkpoint of scale 1, such as ``plain_c48b6_deblock``.
        layers: Its modules, in the order in which they are run; nothing behind the last one is computed.

    Raises:
        RecipeError: If there is no teacher, one of another scale or colour, no such layer, or crops do not suit it.
        UnknownModelError: If there is no such model.
        CheckpointError: If it is a file that cannot be read.

    Reference: Johnson et al., 2016, arXiv:1603.08155, for the loss, in VGG there; Vincent et al., 2008,
    doi:10.1145/1390156.1390294, for features that undo noise.
    """
    if not teacher or not layers:
        raise RecipeError("features: needs a teacher, a model's name or file, and some of its layers")
    network = teacher_of(find(teacher).weights).to(sr.device)
    _require_suitable(network, teacher, layers, sr)
    with torch.autocast(sr.device.type, enabled=False):
        with torch.no_grad():
            targets = _hidden(network, layers, hr)
        pairs = zip(_hidden(network, layers, sr), targets, strict=True)
        distances = [F.l1_loss(ours, theirs) / (theirs.abs().mean() + _EPSILON) for ours, theirs in pairs]
    return torch.stack(distances).sum()


def _hidden(network: nn.Module, layers: Sequence[str], pictures: Tensor) -> list[Tensor]:
    """What the layers give, in the teacher's precision."""
    found: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        found.append(output)
        if len(found) == len(layers):
            raise _EnoughError

    hooks = [network.get_submodule(name).register_forward_hook(keep) for name in layers]
    try:
        network(pictures.to(next(network.parameters()).dtype))
    except _EnoughError:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _require_suitable(network: nn.Module, teacher: str, layers: Sequence[str], pictures: Tensor) -> None:
    if network.scale != 1 or (network.color_mode == "luma") != (pictures.shape[1] == 1):
        raise RecipeError(f"features: expected a teacher of scale 1 for {pictures.shape[1]} planes; {teacher} is none")
    known = dict(network.named_modules())
    for name in layers:
        if name not in known:
            raise RecipeError(f"features: {teacher} has no layer '{name}'; it has {', '.join(filter(None, known))}")
    multiple = getattr(network, "multiple_of", 1)
    if any(side % multiple for side in pictures.shape[-2:]):
        raise RecipeError(f"features: {teacher} takes sides in multiples of {multiple}, got {[*pictures.shape[-2:]]}")
