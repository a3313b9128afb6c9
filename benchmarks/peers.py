"""Networks that ship, run by other programs that people run such networks with, as contenders of a benchmark.

``ncnn`` is by Tencent, its networks made by ``pnnx`` from PyTorch's; both are needed for nothing else: ``pip install
ncnn pnnx`` into the environment that measures. ``torch-compiled`` is ``torch.compile`` with what it chooses itself.
"""

import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from upres.bench.speed import Contender, SessionRunner, natural_noise
from upres.errors import EngineError, EngineUnavailableError
from upres.lab.checkpoint import load

_MOST_OFF = 1e-3
"""What a peer's result may differ from PyTorch's, of a range of 1."""
_LOSSY = ("use_fp16_arithmetic", "use_fp16_storage", "use_fp16_packed", "use_bf16_storage")
"""Options of ncnn that cost a picture up to 31 levels of 255 (RLFN, bf16)."""

_Call = Callable[[], np.ndarray[Any, np.dtype[np.float32]]]


class PeerRunner(SessionRunner):
    """A contender by one of `PEERS`, or by an engine of ours.

    Raises:
        EngineUnavailableError: If the peer is not installed.
        EngineError: If it makes other pictures than PyTorch.
    """

    def __init__(self, contender: Contender) -> None:
        if contender.engine not in PEERS:
            super().__init__(contender)
            return
        shape = (1, contender.channels, contender.height // contender.scale, contender.width // contender.scale)
        network = load(Path(contender.source))[0].eval()
        picture = torch.from_numpy(natural_noise(shape[1:])[None])
        with torch.inference_mode():
            expected = network(picture).numpy()
        call = PEERS[contender.engine](network, picture, contender.threads)
        off = float(np.abs(call() - expected).max())
        if not off <= _MOST_OFF:
            raise EngineError(f"{contender.name}: its picture is off by {off:.2g}; expected at most {_MOST_OFF:g}")
        self._call, self._real = call, {"engine": contender.engine, "precision": "f32", "isa": None}


def _compiled(network: torch.nn.Module, picture: torch.Tensor, threads: int) -> _Call:
    torch.set_num_threads(threads)
    compiled = torch.compile(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
    lr = picture.contiguous(memory_format=torch.channels_last)

    def call() -> np.ndarray[Any, np.dtype[np.float32]]:
        with torch.inference_mode():
            made: np.ndarray[Any, np.dtype[np.float32]] = compiled(lr).numpy()
        return made

    return call


def _ncnn(network: torch.nn.Module, picture: torch.Tensor, threads: int) -> _Call:
    if find_spec("ncnn") is None or (pnnx := find_spec("pnnx")) is None or pnnx.origin is None:
        raise EngineUnavailableError("ncnn is not installed: pip install ncnn pnnx")
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    for option in _LOSSY:
        setattr(net.opt, option, False)
    with TemporaryDirectory() as folder:
        torch.jit.trace(network, picture, check_trace=False).save(f"{folder}/net.pt")  # type: ignore[no-untyped-call]
        size = ",".join(map(str, picture.shape))
        command = [str(Path(pnnx.origin).with_name("pnnx")), "net.pt", f"inputshape=[{size}]", "fp16=0"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        net.load_param(f"{folder}/net.ncnn.param")
        net.load_model(f"{folder}/net.ncnn.bin")
    return partial(_extracted, net, ncnn.Mat(picture[0].numpy()).clone())  # a Mat alone does not keep the array alive


def _extracted(net: Any, planes: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    run = net.create_extractor()
    run.input("in0", planes)
    return np.array(run.extract("out0")[1])[None]


PEERS: Mapping[str, Callable[[torch.nn.Module, torch.Tensor, int], _Call]] = {
    "torch-compiled": _compiled,
    "ncnn": _ncnn,
}
"""Engine of a contender -> what makes the call to time: a network, a picture ``(1, C, H, W)`` and threads."""
