"""Blocks taken off the end of a network, as the challenge's entry xilinxSR did with IMDN."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from upres.errors import CheckpointError, UnsupportedModelError
from upres.lab.complexity import evaluation_mode
from upres.lab.compress.wiring import probe


def drop_blocks(network: nn.Module, count: int) -> None:
    """Keep the first ``count`` of ``network.blocks``, in place; what reads them together is left as it is.

    Raises:
        CheckpointError: If the network has no so called blocks, or not more.
    """
    blocks = getattr(network, "blocks", None)
    if not isinstance(blocks, nn.ModuleList | nn.Sequential):
        raise CheckpointError(f"prune: {type(network).__name__} has no list of blocks to shorten")
    if type(count) is not int or not 1 <= count < len(blocks):
        raise CheckpointError(f"prune: {type(network).__name__} has {len(blocks)} blocks; keep 1 to {len(blocks) - 1}")
    del blocks[count:]


def shorten(network: nn.Module, count: int) -> dict[str, list[int]]:
    """Keep the first ``count`` of ``network.blocks``, in place, and cut what reads the outputs of all of them.

    Returns:
        The convolutions that became narrower, as `upres.lab.compress.prune.surgery.prune_network` takes them.

    Raises:
        CheckpointError: If the network has no so called blocks, or not more.
        UnsupportedModelError: If it cannot run without the others.
    """
    reads = _concatenated(network, count)
    drop_blocks(network, count)
    cut: dict[str, list[int]] = {}

    def fit(name: str, layer: nn.Conv2d, x: Tensor) -> None:
        """Before a convolution runs: leave out the places of blocks that are no more."""
        if layer.in_channels != x.shape[1]:
            places = reads.get(name, torch.arange(0))
            if len(places) != x.shape[1]:
                raise UnsupportedModelError(f"prune: without its last blocks {name} would read {x.shape[1]} channels")
            layer.weight = nn.Parameter(layer.weight.detach()[:, places], layer.weight.requires_grad)
            layer.in_channels = len(places)
            cut[name] = [layer.out_channels, layer.in_channels]

    with _before_each(network, fit), evaluation_mode(network), torch.no_grad():
        network(probe(network))
    return cut


def _concatenated(network: nn.Module, count: int) -> dict[str, Tensor]:
    """Convolution -> the input channels that do not come from the blocks after the first ``count``."""
    gone: dict[int, Tensor] = {}
    """Outputs of blocks that go, by id; held, lest another tensor gets it."""
    reads: dict[str, Tensor] = {}
    blocks = getattr(network, "blocks", None)
    if not isinstance(blocks, nn.ModuleList | nn.Sequential):
        return reads
    catting = _Concatenations(gone)

    def note(_: nn.Module, __: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) else output
        gone[id(first)] = first

    def look(name: str, _: nn.Conv2d, x: Tensor) -> None:
        if id(x) in catting.left:
            reads[name] = catting.left[id(x)][1]

    with ExitStack() as stack, evaluation_mode(network), torch.no_grad():
        for block in list(blocks.children())[count:]:
            stack.callback(block.register_forward_hook(note).remove)
        stack.enter_context(_before_each(network, look))
        stack.enter_context(catting)
        network(probe(network))
    return reads


@contextmanager
def _before_each(network: nn.Module, act: Any) -> Iterator[None]:
    """Within, ``act(name, layer, x)`` is called before each convolution runs."""
    with ExitStack() as stack:
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d):
                hook = layer.register_forward_pre_hook(lambda layer, inputs, name=name: act(name, layer, inputs[0]))
                stack.callback(hook.remove)
        yield


class _Concatenations(TorchDispatchMode):
    """Sees what is put side by side, and which of the channels do not come from these tensors."""

    def __init__(self, tensors: dict[int, Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tensors = tensors
        self.left: dict[int, tuple[Tensor, Tensor]] = {}
        """Id of a concatenation -> itself, and the channels that stay."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Run the operation and look at it."""
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket is torch.ops.aten.cat and len(args) > 1 and args[1] == 1:
            stays = [torch.full((part.shape[1],), id(part) not in self.tensors) for part in args[0]]
            self.left[id(result)] = (result, torch.cat(stays).nonzero().flatten())
        return result
