"""What a network costs before any clock runs: parameters, FLOPs, activations, convolutions, reach and memory.

FLOPs are multiply-accumulates, as the efficiency challenges count them. The network is run on tensors without data, so
that a 4K input costs no more to count than a small one, and every operation is seen where it is executed: functional
calls, matrix products, attention and layers that are called several times.

Two conventions:

* ``exact``: the multiply-accumulates of every convolution, linear layer and matrix product, whatever called it.
  Activations are the output elements of the same operations.
* ``ntire``: what the challenge's tables hold since 2020, from hooks on modules. Convolution modules as above, except
  that a transposed one is charged per output position; one FLOP an element for modules of the ReLU family, two for
  batch norm; a linear layer by its second dimension only, which is wrong for any input of more than two dimensions;
  everything functional, GELU, SiLU, sigmoid, pooling and interpolation count nothing. Activations are the output
  elements of convolution modules alone.

Reference: systematic counts of github.com/ofsoundof/NTIRE2022_ESR (``model_summary``); activations as in Radosavovic et
al., 2020, arXiv:2003.13678.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import lcm
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

Convention = Literal["exact", "ntire"]

NTIRE_INPUT = (256, 256)
"""Height and width of the low-resolution picture on which the challenge counts."""

HD_OUTPUT = (720, 1280)
"""Height and width of the picture that comes out where papers count their multi-adds."""


PROBE_HEIGHT = 24
"""Of the strip that receptive fields are measured on, rounded up to what the network takes: enough for every network's
smallest picture."""


@dataclass(frozen=True, kw_only=True)
class Complexity:
    """A network's cost on one input size."""

    parameters_m: float
    """Millions; a tensor shared by several layers counts once."""
    flops_g: float
    """Billions of multiply-accumulates, by the convention."""
    activations_m: float
    """Millions of output elements, by the convention."""
    num_convs: int
    """Convolutions executed; a layer called twice counts twice."""
    receptive_field: int | None
    """Width in low-resolution pixels that an output pixel depends on; ``None`` where it is the whole picture."""
    peak_mib: float
    """Most memory that tensors hold at once: weights, input and what lives between layers; no workspace."""
    convention: Convention
    height: int
    """Of the input."""
    width: int


def measure(
    network: nn.Module,
    *,
    size: tuple[int, int] = NTIRE_INPUT,
    channels: int | None = None,
    convention: Convention = "exact",
    probe_reach: bool = True,
) -> Complexity:
    """The cost of running a network on one picture.

    Args:
        network: Any module that maps ``(1, C, H, W)`` to a tensor; left as it was found.
        size: Height and width of the input.
        channels: ``C``; ``None`` for what the network's ``color_mode`` says, 3 where it says nothing.
        convention: See the module's head.
        probe_reach: Measure the receptive field too, which runs the network on real data; else it is ``None``.

    Raises:
        ValueError: If there is no such convention.

    Example:
        >>> layer = nn.Conv2d(3, 8, 3, padding=1)
        >>> measure(layer, size=(10, 10), channels=3).flops_g * 1e9
        21600.0
    """
    if convention not in ("exact", "ntire"):
        raise ValueError(f"convention must be 'exact' or 'ntire', got {convention!r}")
    planes = channels or _channels(network)
    operations, modules = _Operations(), _ModuleCounts()
    with evaluation_mode(network), modules.hooked(network), torch.no_grad():
        _run_without_data(network, (1, planes, *size), operations, modules)
    counts = operations.counts if convention == "exact" else modules.counts
    return Complexity(
        parameters_m=sum(parameter.numel() for parameter in network.parameters()) / 1e6,
        flops_g=counts.flops / 1e9,
        activations_m=counts.activations / 1e6,
        num_convs=counts.convs,
        receptive_field=receptive_field(network, channels=planes) if probe_reach else None,
        peak_mib=operations.peak_bytes / 2**20,
        convention=convention,
        height=size[0],
        width=size[1],
    )


def hd_input(scale: int) -> tuple[int, int]:
    """Height and width of the input whose output is 1280x720, rounded up where the scale does not divide it.

    Example:
        >>> hd_input(4)
        (180, 320)
    """
    height, width = HD_OUTPUT
    return -(-height // scale), -(-width // scale)


def receptive_field(network: nn.Module, *, channels: int | None = None, limit: int = 1024) -> int | None:
    """Width in low-resolution pixels that an output pixel depends on.

    One column of pixels in the middle of a strip becomes NaN; which columns of the output it reaches is the structure
    of the network, whatever its weights are, because NaN survives a product with zero, a maximum and a clamp.

    Args:
        network: See `measure`.
        channels: See `measure`.
        limit: Widest strip that is tried.

    Returns:
        The width, or ``None`` where a single pixel changes the whole strip (global statistics, global attention).
    """
    planes, multiple = channels or _channels(network), getattr(network, "multiple_of", 1)
    height, width = -(-PROBE_HEIGHT // multiple) * multiple, lcm(64, multiple)
    while width <= limit:
        strip = _blank(network, (1, planes, height, width))
        strip[..., width // 2] = torch.nan
        with evaluation_mode(network), torch.no_grad():
            reached = network(strip).isnan().any(dim=-2).flatten(0, -2).any(dim=0)
        columns = reached.nonzero().flatten() * width // reached.numel()
        if len(columns) and columns[0] > 0 and columns[-1] < width - 1:
            return int(columns[-1] - columns[0]) + 1
        width *= 2
    return None


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode; afterwards every part is as it was."""
    before = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training


@dataclass
class _Counts:
    flops: int = 0
    activations: int = 0
    convs: int = 0


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation that is executed: counts its arithmetic, and the storage alive at that moment."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.begin([])

    def begin(self, weights: Iterable[Tensor]) -> None:
        """Start anew, with these tensors held all the time."""
        self.counts = _Counts()
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak_bytes = 0
        self._hold(weights)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and count it."""
        result = func(*args, **(kwargs or {}))
        count = _ARITHMETIC.get(func.overloadpacket)
        if count is not None:
            first = result[0] if isinstance(result, tuple | list) else result
            self.counts.flops += count(args, first)
            self.counts.activations += first.numel()
            self.counts.convs += func.overloadpacket is torch.ops.aten.convolution
        self._hold(result if isinstance(result, tuple | list) else (result,))
        return result

    def _hold(self, results: Iterable[object]) -> None:
        for tensor in results:
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._alive[reference.cdata] = (reference, storage.nbytes())
        self._alive = {key: held for key, held in self._alive.items() if not held[0].expired()}  # type: ignore[no-untyped-call]
        self.peak_bytes = max(self.peak_bytes, sum(size for _, size in self._alive.values()))


@dataclass
class _ModuleCounts:
    """The challenge's counter: hooks on modules of certain types."""

    counts: _Counts = field(default_factory=_Counts)

    @contextmanager
    def hooked(self, network: nn.Module) -> Iterator[None]:
        """Count while the network runs inside."""
        handles = [module.register_forward_hook(self._count) for module in network.modules()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _count(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            kernel = module.kernel_size[0] * module.kernel_size[1]
            per_position = kernel * module.in_channels * module.out_channels // module.groups
            self.counts.flops += per_position * output.shape[0] * output.shape[2] * output.shape[3]
            self.counts.activations += output.numel()
            self.counts.convs += 1
        elif isinstance(module, nn.ReLU | nn.PReLU | nn.LeakyReLU | nn.ELU | nn.ReLU6):
            self.counts.flops += output.numel()
        elif isinstance(module, nn.BatchNorm2d):
            self.counts.flops += 2 * inputs[0].numel()
        elif isinstance(module, nn.Linear):
            # The entries' layers see (N, H, W, C), so the second dimension is the height; ours may keep (N, C, H, W).
            channels_first = inputs[0].shape[1] == module.in_features and output.shape[1] == module.out_features
            second = 2 if output.dim() == 4 and channels_first else 1
            self.counts.flops += inputs[0].shape[0] * inputs[0].shape[second] * output.shape[second]


def _run_without_data(
    network: nn.Module, shape: tuple[int, ...], operations: _Operations, modules: _ModuleCounts
) -> None:
    """Run on tensors that have a shape but no data; on real ones where the network looks at values."""
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        shapes: dict[str, Tensor] = {name: mode.from_tensor(tensor) for name, tensor in state.items()}
        operations.begin(shapes.values())
        with mode, operations:
            functional_call(network, shapes, (_blank(network, shape),))
    except (RuntimeError, NotImplementedError):
        operations.begin(state.values())
        modules.counts = _Counts()
        with operations:
            network(_blank(network, shape))


def _blank(network: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """A grey picture of the network's own type and device."""
    reference = next(network.parameters(), torch.zeros(()))
    dtype = reference.dtype if reference.is_floating_point() else torch.float32
    return torch.full(shape, 0.5, dtype=dtype, device=reference.device)


def _channels(network: nn.Module) -> int:
    return 1 if getattr(network, "color_mode", "rgb") == "luma" else 3


def _convolution(args: tuple[Any, ...], out: Tensor) -> int:
    image, weight, transposed = args[0], args[1], args[6]
    positions = image if transposed else out  # each input pixel of a transposed one spreads over a whole kernel
    return int(weight[0].numel() * positions.numel())


def _product(args: tuple[Any, ...], out: Tensor) -> int:
    return int(args[0].shape[-1] * out.numel())


def _product_and_sum(args: tuple[Any, ...], out: Tensor) -> int:
    return int(args[1].shape[-1] * out.numel())


def _attention(args: tuple[Any, ...], _: Tensor) -> int:
    query, key, value = args[:3]
    pairs = query.shape[:-1].numel() * key.shape[-2]
    return int(pairs * (query.shape[-1] + value.shape[-1]))


_aten = torch.ops.aten
_ARITHMETIC: Mapping[Any, Callable[[tuple[Any, ...], Tensor], int]] = {
    _aten.convolution: _convolution,
    _aten.mm: _product,
    _aten.bmm: _product,
    _aten.mv: _product,
    _aten.addmm: _product_and_sum,
    _aten.baddbmm: _product_and_sum,
    _aten.addmv: _product_and_sum,
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten._scaled_dot_product_flash_attention: _attention,
    _aten._scaled_dot_product_efficient_attention: _attention,
    _aten._scaled_dot_product_cudnn_attention: _attention,
}
"""Multiply-accumulates of one call, from its arguments and first result."""
