"""What the figures of ``upres inspect`` show, in words and numbers."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any


def _similarity(report: Mapping[str, Any]) -> list[str]:
    width = max(len(layer["name"]) for layer in report["layers"])
    head = f"  {'layer':{width}}  channels  explained  without shift  median error  without shift"
    return [head] + [
        f"  {layer['name']:{width}}  {layer['channels']:8d}  {layer['explained']:9.0%}  "
        f"{layer['explained_in_place']:13.0%}  {layer['median_error']:12.3f}  {layer['median_error_in_place']:13.3f}"
        for layer in report["layers"]
    ]


def _receptive(report: Mapping[str, Any]) -> list[str]:
    reach = report["receptive_field"] or "all"
    return [
        f"  diffusion index {report['diffusion_index']:.2f}, 95 % within a square of {report['extent']} pixels "
        f"(for a patch); a pixel sees {reach}"
    ]


def _spectrum(report: Mapping[str, Any]) -> list[str]:
    width = max(len(layer["name"]) for layer in report["layers"])
    return [f"  {'layer':{width}}  features  shifted  difference"] + [
        f"  {layer['name']:{width}}  {layer['features']:8.2%}  {layer['shifted']:7.2%}  {layer['difference']:10.2%}"
        for layer in report["layers"]
    ]


def _filters(report: Mapping[str, Any]) -> list[str]:
    groups = dict.fromkeys(kernel["group"] for kernel in report["kernels"])
    lines = ["  group    kernels  median gain  directed  beyond the input"]
    for group in groups:
        members = [kernel for kernel in report["kernels"] if kernel["group"] == group]
        gain, directed, beyond = (median(kernel[key] for kernel in members) for key in ("gain", "directed", "beyond"))
        lines.append(f"  {group:7}  {len(members):7d}  {gain:11.3f}  {directed:8.0%}  {beyond:16.1%}")
    return lines


def _choice(report: Mapping[str, Any]) -> list[str]:
    lines = ["  candidate  weight  wins"]
    lines += [f"  {each['number']:9d}  {each['weight']:6.1%}  {each['wins']:4.0%}" for each in report["candidates"]]
    return [
        *lines,
        f"  doubt {report['doubt_bits']:.2f} bits, sure of one candidate at {report['sure']:.0%} of the pixels",
    ]


def _bands(report: Mapping[str, Any]) -> list[str]:
    lines = ["  dB over bicubic, up to" + "".join(f"{limit:7.2f}" for limit in report["up_to"])]
    return lines + [
        f"  candidate {each['number']:3d}         " + "".join(f"{value:7.1f}" for value in each["decibels"])
        for each in report["candidates"]
    ]


LINES: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "similarity": _similarity,
    "receptive": _receptive,
    "spectrum": _spectrum,
    "filters": _filters,
    "choice": _choice,
    "bands": _bands,
}
"""Figure -> the lines that say what it shows, of its JSON."""
