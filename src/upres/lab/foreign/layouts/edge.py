"""The edge-SR authors' ``.model`` files and OpenCV's model zoo: bicubic, eSR-MAX, TM, TR, CNN, ESPCN and FSRCNN.

The one-layer networks all keep a single tensor ``filter.weight`` of ``s² C``, ``2 s² C`` or ``3 s² C`` filters, and
neither family nor scale nor ``C`` can be told from that product; nor can the scale of FSRCNN's transposed convolution
or the factors of eSR-CNN's last layer. Those are settled by trial.
"""

import torch

from upres.lab.foreign.layouts.layout import Arguments, Layout, Shapes, State, exact, square_root

SCALES = (2, 3, 4)
"""Tried where the shapes do not tell."""

MOST_CHANNELS = 256
"""Of a network of one layer; the papers' have 16 at most, and a trial of a thousand takes gigabytes."""

ESPCN_ENDS = (("tanh", "sigmoid"), ("relu", "tanh"), ("tanh", "linear"), ("relu", "linear"))
"""Activations that ESPCN files are found with: they leave no trace in the shapes."""


def _one_layer(groups: int) -> "Layout":
    def match(shapes: Shapes) -> list[Arguments]:
        if set(shapes) != {"filter.weight"}:
            return []
        filters, inputs, height, width = _four(shapes["filter.weight"])
        if filters == 0 or inputs != 1 or height != width or height % 2 == 0:
            return []
        return [
            {"scale": scale, "kernel_size": height, "num_channels": filters // (groups * scale**2)}
            for scale in SCALES
            if filters % (groups * scale**2) == 0 and filters <= groups * scale**2 * MOST_CHANNELS
        ]

    return Layout(architecture=("esr_max", "esr_tm", "esr_tr")[groups - 1], match=match, by_trial=True)


def _esr_cnn(shapes: Shapes) -> list[Arguments]:
    if set(shapes) != {"filter.0.weight", "filter.0.bias", "filter.2.weight", "filter.2.bias", "filter.4.weight"}:
        return []
    filters, num_shrink, *_ = _four(shapes["filter.4.weight"])
    return [
        {
            "scale": scale,
            "num_channels": filters // (2 * scale**2),
            "num_features": shapes["filter.0.weight"][0],
            "num_shrink": num_shrink,
        }
        for scale in SCALES
        if filters and filters % (2 * scale**2) == 0
    ]


def _espcn(shapes: Shapes) -> list[Arguments]:
    layers = [name for name in ("net.0.weight", "net.2.weight", "net.4.weight") if name in shapes]
    if len(layers) < 2 or len(shapes) != 2 * len(layers) or not exact(shapes, r"net\.[024]\.(weight|bias)"):
        return []
    filters, num_shrink, *_ = _four(shapes[layers[-1]])
    if square_root(filters) < 2 or _four(shapes[layers[0]])[2] != 2 * len(layers) - 1:
        return []
    return [
        {
            "scale": square_root(filters),
            "num_features": shapes["net.0.weight"][0] if len(layers) == 3 else 0,
            "num_shrink": num_shrink,
            "activation": activation,
            "output": output,
        }
        for activation, output in ESPCN_ENDS
    ]


def _fsrcnn(shapes: Shapes) -> list[Arguments]:
    if not exact(shapes, r"net\.\d+\.(weight|bias)|bias") or not {"net.0.weight", "net.1.weight"} <= set(shapes):
        return []
    last = max(int(name.split(".")[1]) for name in shapes if name != "bias")
    if last < 6 or last % 2 or _four(shapes["net.0.weight"])[2] != 5 or "net.2.weight" not in shapes:
        return []
    tail = _four(shapes.get(f"net.{last}.weight", ()))
    arguments = {
        "num_features": shapes["net.0.weight"][0],
        "num_shrink": shapes["net.2.weight"][0],
        "num_blocks": last // 2 - 3,
        "channel_slopes": shapes["net.1.weight"] != (1,),
    }
    if "bias" in shapes:
        scale = square_root(tail[0])
        return [{**arguments, "scale": scale, "tail": "subpixel"}] if scale > 1 else []
    return [{**arguments, "scale": scale, "tail": "deconv"} for scale in SCALES] if tail[1:] == (1, 9, 9) else []


def _opencv_espcn(shapes: Shapes) -> list[Arguments]:
    if set(shapes) != {f"{kind}{number}" for kind in "fb" for number in (1, 2, 3)}:
        return []
    scale = square_root(_four(shapes["f3"])[3])
    arguments = {
        "num_features": _four(shapes["f1"])[3],
        "num_shrink": _four(shapes["f2"])[3],
        "activation": "relu",
        "output": "tanh",
    }
    return [{"scale": scale, **arguments}] if scale > 1 else []


def _rename_opencv_espcn(state: State) -> State:
    renamed = {}
    for number in (1, 2, 3):
        renamed[f"net.{2 * (number - 1)}.weight"] = _from_tensorflow(state[f"f{number}"])
        renamed[f"net.{2 * (number - 1)}.bias"] = state[f"b{number}"]
    return renamed


def _opencv_fsrcnn(shapes: Shapes) -> list[Arguments]:
    if not exact(shapes, r"(f|b|alpha)\d+") or "alpha1" not in shapes or "f2" not in shapes:
        return []
    layers = sum(name.startswith("f") for name in shapes)
    scale = square_root(_four(shapes.get(f"f{layers}", ()))[3])
    arguments = {
        "num_features": _four(shapes["f1"])[3],
        "num_shrink": _four(shapes["f2"])[3],
        "num_blocks": layers - 4,
        "tail": "subpixel",
        "channel_slopes": True,
    }
    return [{"scale": scale, **arguments}] if scale > 1 and layers >= 4 else []


def _rename_opencv_fsrcnn(state: State) -> State:
    layers = sum(name.startswith("f") for name in state)
    renamed = {f"net.{2 * layers - 2}.weight": _from_tensorflow(state[f"f{layers}"]), "bias": state[f"b{layers}"]}
    for number in range(1, layers):
        renamed[f"net.{2 * number - 2}.weight"] = _from_tensorflow(state[f"f{number}"])
        renamed[f"net.{2 * number - 2}.bias"] = state[f"b{number}"]
        renamed[f"net.{2 * number - 1}.weight"] = state[f"alpha{number}"].flatten()
    return renamed


def _bicubic(shapes: Shapes) -> list[Arguments]:
    if set(shapes) != {"net.weight"}:
        return []
    _, outputs, height, _ = _four(shapes["net.weight"])
    if outputs == 1:
        return [{"scale": scale, "form": "naive"} for scale, size in ((2, 11), (3, 15), (4, 19)) if height == size]
    scale = square_root(outputs)
    return [{"scale": scale, "form": "efficient"}] if scale > 1 else []


def _four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The shape of a convolution's weight; zeros for a tensor that is none, which no network matches."""
    return (shape[0], shape[1], shape[2], shape[3]) if len(shape) == 4 else (0, 0, 0, 0)


def _from_tensorflow(weight: torch.Tensor) -> torch.Tensor:
    return weight.permute(3, 2, 0, 1).contiguous()  # (height, width, in, out) to (out, in, height, width)


LAYOUTS = (
    _one_layer(1),
    _one_layer(2),
    _one_layer(3),
    Layout(architecture="esr_cnn", match=_esr_cnn, by_trial=True),
    Layout(architecture="espcn", match=_espcn, by_trial=True),
    Layout(architecture="espcn", match=_opencv_espcn, rename=_rename_opencv_espcn, names=("f1", "b1")),
    Layout(architecture="fsrcnn", match=_fsrcnn, by_trial=True),
    Layout(architecture="fsrcnn", match=_opencv_fsrcnn, rename=_rename_opencv_fsrcnn, names=("f1", "b1", "alpha1")),
    Layout(architecture="bicubic_conv", match=_bicubic),
)
