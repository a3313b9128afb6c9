"""Fused C++ kernels: edge-SR in one pass over a band of rows, other networks depth first (docs/reference/native.md).

Sessions of edge-SR are here, of other networks in `upres.engines.native_graph`. Besides batches of floats those of
edge-SR take planes of pixels as they lie in memory, 8 to 16 bit or float, and whole RGB pictures, so that nothing is
converted on the way. Integer planes of up to 10 bits run in 16-bit integers: see `NativeSession.plane_precision`.
"""

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from upres.engines.engine import Batch, Plane, Session, SessionFacts, refuse_devices
from upres.engines.native_calibration import calibration_plane, mixed_noise
from upres.errors import CheckpointError, EngineUnavailableError, GraphError, UnsupportedModelError
from upres.models.card import read_weights
from upres.models.catalog import Model

if TYPE_CHECKING:
    from upres.engines import _native

FAMILIES = {"esr_max": ("max", 1), "esr_tm": ("tm", 2), "esr_tr": ("tr", 3)}
"""Architecture -> name in the native module, filters per channel and output phase."""
KERNEL_SIZES = (3, 5, 7)
SCALES = (2, 3, 4)
PRECISIONS = ("f32", "int16")
LARGEST_EASY_PEAK = 1023
"""White of the deepest pixels for which rounding errors of 2e-5 do not matter."""
TOLERATED_PIXELS = 0.008
"""Largest part of the pixels of `calibration_plane` that integer arithmetic may change, each by one level at most.

Below the one percent that is promised, because other pictures differ.
"""
TOLERATED_REFUSALS = 0.1
"""Largest part of a picture of low contrast that integer kernels may leave to the float kernel, which is slower."""
TOLERATED_ERROR = 2e-5
"""Largest error on `calibration_plane` of minimal filtering, in the range 0 to 1."""

LARGEST_WEIGHT = 1e6
"""With larger weights sums of products may leave float32, and a picture would be white or black for no reason."""

_WHITES = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}


class NativeSession(Session):
    """An edge-SR network packed for this processor; for planes, too, without another copy of it.

    Args:
        network: The network in the native module.
        scale: How many times wider and higher the output is.
        threads: Processor threads; 0: one for every core that this process may use.
        precision: One of `PRECISIONS`, or ``auto``: int16 for integer planes where it passes the gate, else f32.
    """

    rows_together = (2, 3, 4)

    def __init__(self, network: "_native.EdgeSR", *, scale: int, threads: int, precision: str) -> None:
        self._network = network
        self._scale = scale
        self._threads = threads
        self._asked = precision
        self._floats = _of_precision(network, "f32")
        self._exact = self._floats[-1]
        self._integers = _of_precision(network, "int16")
        self._integers_for: dict[int, _native.Arithmetic | None] = {}
        self._fast_floats: _native.Arithmetic | None = None
        self._last: NDArray[np.float32] = np.empty(0, np.float32)
        real = "int16" if precision == "int16" else "f32"
        self.facts = SessionFacts(engine="native", precision=real, isa=network.isa)

    @property
    def planes(self) -> Self:
        """The session itself."""
        return self

    def __call__(self, batch: Batch, /) -> Batch:
        """Run the network: ``(N, 1, H, W)`` float32 to ``(N, 1, H * scale, W * scale)``, unclamped.

        Raises:
            ValueError: If the batch has another shape.
            UnsupportedModelError: If the session was opened for int16: floats have no such kernel.
        """
        if batch.ndim != 4 or batch.shape[1] != 1:
            raise ValueError(f"expected a batch (N, 1, H, W) of luma planes, got shape {batch.shape}")
        if self._asked == "int16":
            raise UnsupportedModelError(
                "native: int16 of one-layer networks is for integer planes; batches of floats take f32 or auto"
            )
        batch = np.ascontiguousarray(batch, np.float32)
        count, _, height, width = batch.shape
        out = self._recycled((count, 1, height * self._scale, width * self._scale))
        for plane, result in zip(batch[:, 0], out[:, 0], strict=True):
            self.run_plane(plane, result)
        return out

    def run_plane(self, plane: Plane, out: Plane | None = None, *, peak: int | None = None) -> Plane:
        """Upscale one luma plane where it lies.

        Args:
            plane: ``(H, W)`` uint8, uint16 or float32 in [0, 1]. Rows may lie apart in memory, as in a video frame; the
                pixels of a row may not.
            out: ``(H * scale, W * scale)`` of any of these dtypes to write to; ``None``: a new array like ``plane``.
            peak: White of an integer plane, e.g. 1023 for 10 bits in uint16; ``None``: the largest value of the dtype.

        Returns:
            The upscaled plane. Integers are clamped and rounded half up, once; floats are neither.

        Raises:
            ValueError: If the shapes, the memory layout or ``peak`` do not fit, ``out`` shares memory with ``plane``,
                or a float is NaN or infinite.
            TypeError: If a dtype is another.
        """
        if plane.ndim != 2:
            raise ValueError(f"expected a plane (H, W), got shape {plane.shape}")
        white = _white(plane.dtype) if peak is None else peak
        if plane.dtype.kind == "f" and white != 1:
            raise ValueError("peak is for integer planes; floats are in [0, 1]")
        if out is None:
            out = np.empty((plane.shape[0] * self._scale, plane.shape[1] * self._scale), plane.dtype)
        out_white = white if out.dtype == plane.dtype else _white(out.dtype)
        self._network.upscale(plane, out, white, out_white, self._arithmetic(plane, white, out_white), self._threads)
        return out

    def upscale_rgb(self, image: Plane, out: Plane | None = None, *, peak: int | None = None) -> Plane:
        """Upscale a picture: luma through the network, chroma by bicubic, one rounding.

        Equal to ``run_network(image, session, scale=..., color_mode="luma")`` of `upres.image.convert` to one level,
        without an intermediate picture in memory.

        Args:
            image: ``(H, W, 3)`` uint8 or uint16 RGB, or a grey ``(H, W)``. Rows may lie apart in memory.
            out: Array to write to; ``None``: a new one.
            peak: White of the picture, e.g. 1023 for 10 bits in uint16; ``None``: the largest value of the dtype.

        Returns:
            The picture, ``scale`` times as high and wide, same dtype.

        Raises:
            ValueError: If shapes, memory layout or ``peak`` do not fit, or ``out`` shares memory with ``image``.
            TypeError: If the dtypes are others, or differ.
        """
        if image.ndim == 2:
            return self.run_plane(image, out, peak=peak)
        height, width, *channels = image.shape
        if out is None:
            out = np.empty((height * self._scale, width * self._scale, *channels), image.dtype)
        white = _white(image.dtype) if peak is None else peak
        self._network.upscale_rgb(image, out, white, self._float_arithmetic(white), self._threads)
        return out

    def plane_precision(self, peak: int) -> str:
        """Arithmetic that an integer plane with this white gets: ``int16`` or ``f32``.

        Weights rounded to 16 bits change a picture a little: with ``auto`` the first plane has all kernels upscale
        `calibration_plane`, and int16 is taken if no pixel differs by more than one level and few do by one. Where keys
        are so large that rounding could decide between two of them, integer kernels leave a block to the float one.
        """
        return "int16" if self._integer_arithmetic(peak) else "f32"

    def _arithmetic(self, plane: Plane, white: int, out_white: int) -> "_native.Arithmetic":
        """The fastest arithmetic that suffices for this plane."""
        integers = self._integer_arithmetic(white) if plane.dtype.kind == "u" else None
        if integers is not None:
            return integers
        floats = self._float_arithmetic(max(white, out_white))
        if self._network.within_peak(plane, white, self._threads):
            return floats
        if not np.isfinite(plane).all():
            raise ValueError("expected finite pixels, found NaN or infinity")
        return self._exact

    def _integer_arithmetic(self, white: int) -> "_native.Arithmetic | None":
        """The fastest integer kernel that suffices for planes with this white; ``None``: floats are to be taken."""
        if self._asked == "f32":
            return None
        if white not in self._integers_for:
            self._integers_for[white] = self._choose_integers(white)
        return self._integers_for[white]

    def _choose_integers(self, white: int) -> "_native.Arithmetic | None":
        for arithmetic in self._integers:
            if white <= arithmetic.largest_peak and self._integers_suffice(arithmetic, white):
                return arithmetic
        return self._integers[-1] if self._asked == "int16" else None

    def _float_arithmetic(self, white: int) -> "_native.Arithmetic":
        """The fastest float kernel that suffices: errors of about 1e-5 do, but not where white is beyond 10 bits."""
        if white > LARGEST_EASY_PEAK:
            return self._exact
        if self._fast_floats is None:
            faster = (each for each in self._floats if each is not self._exact and self._floats_suffice(each))
            self._fast_floats = next(faster, self._exact)
        return self._fast_floats

    def _floats_suffice(self, arithmetic: "_native.Arithmetic") -> bool:
        plane = calibration_plane(255, mixed_noise).astype(np.float32) / np.float32(255)
        exact, faster = (np.empty(np.multiply(plane.shape, self._scale), np.float32) for _ in range(2))
        self._network.upscale(plane, exact, 1, 1, self._exact, self._threads)
        self._network.upscale(plane, faster, 1, 1, arithmetic, self._threads)
        return bool(np.abs(faster - exact).max() <= TOLERATED_ERROR)

    def _integers_suffice(self, arithmetic: "_native.Arithmetic", peak: int) -> bool:
        plane = calibration_plane(peak)
        floats, integers = (np.empty(np.multiply(plane.shape, self._scale), np.uint16) for _ in range(2))
        self._network.upscale(plane, floats, peak, peak, self._exact, self._threads)
        self._network.upscale(plane, integers, peak, peak, arithmetic, self._threads)
        change = np.abs(floats.astype(np.int32) - integers)
        refused = self._network.upscale(plane // 3, integers, peak, peak, arithmetic, self._threads)
        return bool(change.max() <= 1 and change.mean() <= TOLERATED_PIXELS and refused <= TOLERATED_REFUSALS)

    def _recycled(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The array of the call before, if nobody holds it any more: fresh pages cost as much as the network."""
        if self._last.shape != shape or sys.getrefcount(self._last) > 2:
            self._last = np.empty(shape, np.float32)
        return self._last


class NativeEngine:
    """Runs edge-SR of scale 2, 3, 4 with 3x3, 5x5 and 7x7 filters; of other networks graphs that can be lowered."""

    name = "native"

    def unavailable(self) -> str | None:
        """Why the kernels cannot be used here; ``None`` where they can."""
        try:
            _module()
        except ImportError as error:
            return f"not built here ({error}); reinstall upres where there is a C++17 compiler"
        return None

    def supports(self, model: Model) -> bool:
        """Whether there are kernels for this network."""
        if _is_edge_sr(model):
            return True
        from upres.engines.native_graph import operations_of

        with suppress(CheckpointError, GraphError, UnsupportedModelError):
            operations_of(model)
            return True
        return False

    def facts(self) -> dict[str, list[str]]:
        """Instruction sets, best first; arithmetic of the best; the CPU.

        Raises:
            ImportError: If the kernels were not built.
        """
        # arithmetic is a matter of the instruction set, which a network alone tells
        smallest = _module().EdgeSR("max", 2, np.zeros((4, 3, 3), np.float32))
        precisions = sorted({arithmetic.precision for arithmetic in smallest.arithmetics})
        return {"instruction_sets": instruction_sets(), "precisions": precisions, "devices": ["cpu"]}

    def open(
        self,
        model: Model,
        *,
        threads: int | None = None,
        precision: str = "auto",
        device: str = "cpu",
        isa: str | None = None,
    ) -> Session:
        """Pack the model's weights.

        Args:
            model: An edge-SR model, or one with a graph.
            threads: Processor threads; ``None``: one for every core that this process may use.
            precision: ``f32``, ``int16`` (edge-SR and integer planes only), or ``auto``.
            device: ``cpu`` or ``auto``.
            isa: One of `instruction_sets`; ``None``: the best that this processor has.

        Raises:
            EngineUnavailableError: If the kernels were not built, or not for this instruction set.
            UnsupportedModelError: If the model, the precision or the device is another.
            CheckpointError, GraphError: If the weights do not fit the card, or the graph the weights.
        """
        reason = self.unavailable()
        if reason:
            raise EngineUnavailableError(f"native: {reason}")
        refuse_devices("native", device)
        if precision not in ("auto", *PRECISIONS):
            raise UnsupportedModelError(f"native: no precision '{precision}'; there are auto, {', '.join(PRECISIONS)}")
        native = _module()
        if isa is not None and isa not in native.instruction_sets():
            there_are = ", ".join(native.instruction_sets())
            raise EngineUnavailableError(f"native: no instruction set '{isa}' on this machine; there are {there_are}")
        if not _is_edge_sr(model):
            from upres.engines.native_graph import open_graph  # edge-SR has no use for the lowering's modules

            return open_graph(model, threads=threads or 0, precision=precision, isa=isa or "")
        family, _ = FAMILIES[model.card.architecture]
        network = native.EdgeSR(family, model.card.scale, _read_filters(model), isa or "")
        if precision == "int16" and not _of_precision(network, precision):
            raise UnsupportedModelError(f"native: {network.isa} has no instruction for 16-bit integers; use f32")
        return NativeSession(network, scale=model.card.scale, threads=threads or 0, precision=precision)


ENGINE = NativeEngine()


def instruction_sets() -> list[str]:
    """What the kernels were built for and this processor runs, best first.

    Raises:
        ImportError: If the kernels were not built.
    """
    names: list[str] = _module().instruction_sets()
    return names


def resize_plane(
    plane: Plane,
    scale: int,
    out: Plane | None = None,
    *,
    left_sited: bool = False,
    top_sited: bool = False,
    peak: int | None = None,
    threads: int | None = None,
) -> Plane:
    """Upscale a chroma plane by bicubic interpolation (a = -0.5), edges reflected.

    Args:
        plane: ``(H, W)`` uint8, uint16 or float32; rows may lie apart in memory.
        scale: 2, 3 or 4.
        out: ``(H * scale, W * scale)`` of the same dtype to write to; ``None``: a new array.
        left_sited: Samples sit on the left of their luma pixels, as in MPEG-2, H.264 and HEVC video, and shall do so in
            the result; otherwise at the phases of `upres.image.resize.imresize`.
        top_sited: The same for their upper edge, as in UHD video.
        peak: White of an integer plane; ``None``: the largest value of the dtype.
        threads: Processor threads; ``None``: all.

    Returns:
        The larger plane; integers are clamped and rounded half up.

    Raises:
        ImportError: If the kernels were not built.
        ValueError, TypeError: If the shapes, the memory layout or a dtype do not fit.
    """
    out = np.empty(np.multiply(plane.shape, scale), plane.dtype) if out is None else out
    off = 0.25 * (1 - 1 / scale)  # from the centre of the luma pixels, in both pictures
    white = _white(plane.dtype) if peak is None else peak
    _module().resize(plane, out, scale, off * left_sited, off * top_sited, white, threads or 0)
    return out


def _is_edge_sr(model: Model) -> bool:
    spec = model.card.spec
    kernel_size = spec.arguments.get("kernel_size", 5)
    if spec.architecture not in FAMILIES or spec.scale not in SCALES or kernel_size not in KERNEL_SIZES:
        return False
    # what is told besides is for an engine that can look at the network itself
    usual = model.card.color_mode == "luma" and model.card.halo in (None, kernel_size // 2)
    return usual and not spec.transforms and set(spec.arguments) <= {"kernel_size", "num_channels"}


def _module() -> Any:
    return import_module("upres.engines._native")


def _of_precision(network: "_native.EdgeSR", precision: str) -> "list[_native.Arithmetic]":
    """What the network has of a precision, fastest first, most exact last."""
    return [arithmetic for arithmetic in network.arithmetics if arithmetic.precision == precision]


def _white(dtype: DTypeLike) -> int:
    white = _WHITES.get(np.dtype(dtype))
    if white is None:
        raise TypeError(f"expected uint8, uint16 or float32, got {np.dtype(dtype)}")
    return white


def _read_filters(model: Model) -> NDArray[np.float32]:
    """``(n, K, K)``: the network's one convolution."""
    card, weights = read_weights(model.weights)
    _, parts = FAMILIES[card.architecture]
    filters = weights.get("filter.weight")
    arguments = card.spec.arguments
    size, channels = arguments.get("kernel_size", 5), arguments.get("num_channels", 4)
    if not isinstance(channels, int):
        raise CheckpointError(
            f"{model.weights}: this model card: expected num_channels to be a number, got {channels!r}"
        )
    expected = (parts * channels * card.scale**2, 1, size, size)
    if filters is None or filters.shape != expected or len(weights) != 1:
        found = {key: value.shape for key, value in weights.items()}
        raise CheckpointError(f"{model.weights}: expected filter.weight {expected} alone, found {found}")
    if np.abs(filters).max() > LARGEST_WEIGHT:
        raise CheckpointError(
            f"{model.weights}: filter.weight holds values beyond {LARGEST_WEIGHT:g}: no trained network"
        )
    return np.ascontiguousarray(filters[:, 0], np.float32)
