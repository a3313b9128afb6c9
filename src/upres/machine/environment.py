"""What a figure depends on: the machine and the versions, without names of hosts or folders."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from upres.machine.ceilings import ceilings
from upres.machine.cores import available_cores
from upres.machine.names import name_of

PACKAGES = ("upres", "numpy", "pillow", "openvino", "onnxruntime", "torch", "opencv-python-headless", "opencv-python")

INSTRUCTION_SETS = (
    "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "avx_vnni", "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip
"""Those that decide which kernel can run, as the Linux kernel spells them."""


def environment(*packages: str) -> dict[str, Any]:
    """The machine's name, CPU, ceilings, system, versions, allocator and date (UTC), as JSON-ready data.

    ``name`` is that of `upres.machine.names`, ``None`` where the machine has none yet. ``ceilings`` are those of all
    cores, measured once a process.

    Args:
        packages: Whose versions are told besides those of `PACKAGES`; a package that is not installed is left out.
    """
    found = _described(packages)
    return {"name": name_of(found), **found}


def _described(packages: tuple[str, ...]) -> dict[str, Any]:
    info = _cpuinfo()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return {
        "cpu": info.get("model name") or platform.processor() or platform.machine(),
        "cpu_family": _number(info.get("cpu family")),
        "cpu_model": _number(info.get("model")),
        "cpu_stepping": _number(info.get("stepping")),
        "machine": platform.machine(),
        "cores": available_cores(),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "memory_gib": _memory_gib(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": _versions(packages),
        "allocator": "preloaded" if os.environ.get("LD_PRELOAD") else "stock",
        "date": datetime.now(UTC).date().isoformat(),
        "ceilings": dict(ceilings(available_cores())),
    }


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for package in dict.fromkeys((*PACKAGES, *packages)):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries of ``/proc/cpuinfo``; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return {}
    entries = [line.partition(":") for line in text.split("\n\n")[0].splitlines()]
    return {key.strip(): value.strip() for key, _, value in entries}


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return None
