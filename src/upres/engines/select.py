"""Picks the engine for a model: the first of the table that is here and runs it.

The order is the order of speed (`upres bench speed`): fused kernels where they know the network, then the
general engines. A module is imported only when it is asked, so that a run loads one engine and never PyTorch unless
nothing else runs the model.
"""

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from upres.errors import EngineError, EngineUnavailableError, GraphError, UnsupportedModelError, near_miss

if TYPE_CHECKING:  # the command reads `ENGINES` for its help, which shall not cost the import of numpy
    from upres.engines.engine import Engine, Session
    from upres.models.catalog import Model

ENGINES = {
    "native": "upres.engines.native",
    "openvino": "upres.engines.openvino",
    "onnxruntime": "upres.engines.onnxruntime",
    "torch": "upres.engines.torch",
}
"""Name -> module, fastest first. Each module offers one ``Engine`` as ``ENGINE``."""
MOST_THREADS = 10_000
"""More processor threads than any machine has; engines may ask the system for all that they are told."""


def open_session(
    model: "Model",
    *,
    engine: str = "auto",
    threads: int | None = None,
    precision: str = "auto",
    device: str = "cpu",
    isa: str | None = None,
) -> "Session":
    """The model made ready by the engine of that name; ``auto`` takes the first that runs it here.

    Args:
        model: What to run.
        engine: A key of `ENGINES`, or ``auto``.
        threads: Processor threads; ``None`` leaves the choice to the engine.
        precision: ``auto``, or arithmetic that the engine names: ``f32``, ``bf16``.
        device: ``cpu``; a device that the engine names, such as ``cuda``; or ``auto``, the one that the engine would
            take.
        isa: Instruction set of the native engine's kernels; ``None``: the best that this processor has.

    Raises:
        EngineError: If no engine has this name.
        EngineUnavailableError: If the named engine is not installed or not built here, or this machine lacks the device
            or the instruction set.
        UnsupportedModelError: If the named engine, or with ``auto`` none of them, runs this model so. The message says
            why each refused.
        CheckpointError: If the weights cannot be read or are not finite.
        ValueError: If ``threads`` is not 1 to `MOST_THREADS`.
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"expected 1 to {MOST_THREADS} threads, got {threads}")
    if engine != "auto":
        return load(engine).open(model, threads=threads, precision=precision, device=device, isa=isa)
    refusals: list[EngineError] = []
    for name in ENGINES:
        try:
            session = load(name).open(model, threads=threads, precision=precision, device=device, isa=isa)
        except EngineError as error:
            refusals.append(error)
            continue
        unfit = next((error for error in refusals if isinstance(error, GraphError)), None)
        if unfit is not None:
            session.facts = replace(session.facts, passed_over=str(unfit))
        return session
    hint = next((error.hint for error in refusals if error.hint is not None), None)
    raise UnsupportedModelError(f"no engine here runs {model.card.name}: {'; '.join(map(str, refusals))}", hint=hint)


def load(name: str) -> "Engine":
    """The engine of that name, whether or not it can be used here.

    Raises:
        EngineError: If there is none of that name.
        EngineUnavailableError: If its part of the package cannot be imported.
    """
    if name not in ENGINES:
        raise EngineError(f"no engine '{name}'.{near_miss(name, ENGINES)} There are: auto, {', '.join(ENGINES)}")
    try:
        engine: Engine = import_module(ENGINES[name]).ENGINE
    except ImportError as error:
        raise EngineUnavailableError(f"{name}: not in this installation ({error})") from error
    return engine


def unavailable(name: str) -> str | None:
    """Why the engine of that name cannot be used here; ``None`` where it can.

    Raises:
        EngineError: If there is none of that name.
    """
    try:
        return load(name).unavailable()
    except EngineUnavailableError as error:
        return str(error).removeprefix(f"{name}: ")
