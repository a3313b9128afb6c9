"""What the measurements of the 8-bit network share: network, mixes, data, how a graph is scored and kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.pages.page import RESULTS, Settings, read, write_results
from upres.engines.select import open_session
from upres.evaluation import LoadedPairs, evaluate, load_pairs
from upres.image.convert import Network
from upres.machine.environment import environment
from upres.models.catalog import Model

MODEL = "rlfn_c32b6_x4"
SETS = ("Set5", "Set14")
SIZES = ((320, 180), (256, 256), (640, 360))
ROUNDS = 20
THREADS = 2

MIXES: dict[str, Callable[[str], bool]] = {
    "body": lambda name: name.endswith(("conv1", "conv2", "conv3")),
    "body, tail": lambda name: name.endswith(("conv1", "conv2", "conv3", "body_conv")) or name.startswith("upsampler"),
    "body, fusion, tail": lambda name: "attention" not in name and name != "head",
    "every convolution": lambda name: bool(name),
}
"""Name -> whether a convolution is in 8 bits; the second is what `suitable_layers` chooses."""

TRAINED = "body, tail, trained"

Scores = dict[str, float]
Data = dict[str, LoadedPairs]


def stem(name: str) -> str:
    """A graph's name in file names."""
    return name.replace(",", "").replace(" ", "_")


def graphs_of(settings: Settings) -> Path:
    """The folder of the graphs, made where it is missing."""
    folder = settings.runs / "graphs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def convolutions(network: nn.Module) -> list[str]:
    """Names of all convolutions."""
    return [name for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)]


def data_of(settings: Settings) -> Data:
    """The data sets, loaded once."""
    return {name: load_pairs(settings.shared / "data" / "test" / name, 4) for name in SETS}


def opened(model: Model, precision: str) -> Network:
    """A model in OpenVINO."""
    return open_session(model, engine="openvino", threads=THREADS, precision=precision)


def psnr_db(run: Network, data: Data) -> Scores:
    """The mean by protocol ``paper`` on each data set."""
    reports = {name: evaluate(run, data[name], scale=4, color_mode="rgb", protocol="paper") for name in SETS}
    return {name: round(report.psnr_db, 4) for name, report in reports.items()}


def record(part: str, rows: list[dict[str, Any]], exact: Scores | None = None) -> None:
    """Keep the rows of a part and, where they are distances, the scores in floats that they are measured from."""
    path = RESULTS / "int8.json"
    found = (read(path) if path.is_file() else {}) | {part: rows, "model": MODEL}
    if exact is not None:
        found["exact"] = {**found.get("exact", {}), part: exact}
    found["environment"] = {**found.get("environment", {}), part: environment()}
    write_results("int8", found)
