"""What `upres bench speed` found of the networks that ship: the reports beside the results files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.pages.page import Latency, Page, Settings, results, write_results
from upres.bench.report import markdown
from upres.bench.speed import SpeedReport, SpeedRow, bench_speed, contenders
from upres.machine.names import name_of
from upres.machine.variables import in_environment

THREADS = 2
_EDGE = (
    *("esr_max_x2", "esr_tm_x2", "esr_tr_x2", "esr_max_k7c8_x2", "esr_tm_k7c8_x2", "esr_tr_k7c8_x2"),
    *("esr_max_x4", "esr_tm_x4", "esr_tr_x4"),
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one results file compares."""

    models: Sequence[str]
    engines: Sequence[str]
    size: tuple[int, int]
    isas: Sequence[str] = ()
    threads: Sequence[int] = (THREADS,)
    precisions: Sequence[str] = ("auto",)
    """Asked of every engine; one that lacks it is left out."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the environment, for every contender."""


COMPARISONS: Mapping[str, Comparison] = {
    "speed": Comparison(
        models=_EDGE, engines=("native", "openvino", "onnxruntime", "torch", "pillow"), size=(1920, 1080)
    ),
    "speed_isa": Comparison(
        models=_EDGE[:6], engines=("native",), size=(1920, 1080), isas=("avx512vnni", "avx512", "avx2")
    ),
    "speed_rgb": Comparison(
        models=("rlfn_c32b6", "rlfn_c32b6_real"),
        engines=("native", "openvino", "onnxruntime", "torch"),
        size=(1280, 720),
    ),
    "speed_rgb_4k": Comparison(
        models=("rlfn_c32b6_x4",), engines=("native", "openvino", "onnxruntime", "torch"), size=(3840, 2160)
    ),
    "speed_plain": Comparison(
        models=("plain_c32b6_light",),
        engines=("native", "openvino", "onnxruntime", "torch"),
        size=(1280, 720),
    ),
    "speed_crisp": Comparison(
        models=("rlfn_c32b6_crisp",), engines=("native", "openvino", "onnxruntime", "torch"), size=(1280, 720)
    ),
    "speed_clean": Comparison(
        models=("rlfn_c32b6_clean", "rlfn_c32b6_drawn"),
        engines=("native", "openvino", "onnxruntime", "torch"),
        size=(1280, 720),
    ),
    "speed_real": Comparison(
        models=("rlfn_c32b6_real",), engines=("native", "openvino", "onnxruntime", "torch"), size=(1280, 720)
    ),
    "speed_restorers": Comparison(
        models=("plain_c48b6_deblock", "plain_c48b6_denoise", "plain_c32b6_deblock", "plain_c32b6_denoise"),
        engines=("native", "openvino", "onnxruntime", "torch"),
        size=(1280, 720),
    ),
    "speed_native": Comparison(
        models=("plain_c32b6_light_x2",),
        engines=("native", "openvino"),
        size=(640, 360),
        threads=(1, 2),
        precisions=("f32", "int16", "bf16"),
    ),
    "speed_native_rlfn": Comparison(
        models=("rlfn_c32b6_x2", "rlfn_c32b6_x4"),
        engines=("native", "openvino"),
        size=(1280, 720),
        threads=(1, 2),
        precisions=("f32", "bf16"),
    ),
    "speed_native_luma": Comparison(
        models=("espcn_x2", "espcn_d22s32_x2", "esr_cnn_x2", "fsrcnn_x2"),
        engines=("native", "openvino"),
        size=(1920, 1080),
        threads=(1, 2),
        precisions=("f32", "int16"),
    ),
    "speed_avx2": Comparison(
        models=("rlfn_c32b6_x4", "plain_c32b6_light_x2", "espcn_x2", "esr_cnn_x2", "fsrcnn_x2"),
        engines=("native", "openvino"),
        size=(1280, 720),
        isas=("avx2",),
        threads=(1, 2),
        precisions=("f32",),
        variables={"ONEDNN_MAX_CPU_ISA": "AVX2"},
    ),
    "speed_native_720": Comparison(
        models=("plain_c32b6_light_x2",),
        engines=("native", "openvino"),
        size=(1280, 720),
        threads=(1,),
        precisions=("f32", "int16", "bf16"),
    ),
}
"""Results file -> what it compares."""

SPEED_OF_CARDS = (
    *("speed_rgb", "speed_rgb_4k", "speed_plain", "speed_crisp", "speed_clean", "speed_real"),
    "speed_restorers",
)
"""The files whose latencies the cards of RGB networks hold."""


def measure_speed(name: str) -> dict[str, Callable[[Settings], None]]:
    """The part that measures a comparison, on an otherwise idle machine."""
    return {name: partial(_measure, name)}


def latencies(report: Mapping[str, Any], *, variables: Mapping[str, str] | None = None) -> Iterator[Latency]:
    """Every row of a speed report, which was measured with some environment variables."""
    machine = name_of(report["environment"])
    for row in report["rows"]:
        yield Latency(
            machine=machine,
            model=f"{row['model']} x{row['scale']}" if row["model"] == "bicubic" else row["model"],
            engine=row["engine"],
            arithmetic=" ".join(filter(None, (row["precision"], row["isa"], *(variables or {}).values()))),
            width=row["width"],
            height=row["height"],
            threads=row["threads"],
            ms=row["latency_ms_median"],
        )


def _measure(name: str, settings: Settings) -> None:
    del settings
    comparison = COMPARISONS[name]
    entrants = [
        entrant
        for threads in comparison.threads
        for precision in comparison.precisions
        for entrant in contenders(
            comparison.models,
            comparison.engines,
            [comparison.size],
            threads=threads,
            precision=precision,
            isas=comparison.isas,
        )
    ]
    with in_environment(comparison.variables):
        write_results(name, bench_speed(entrants).to_dict())


def _render(name: str, report: Mapping[str, Any]) -> str:
    rows = tuple(SpeedRow(**row) for row in report["rows"])
    variables = "".join(f"With {key}={value}.\n\n" for key, value in COMPARISONS[name].variables.items())
    return variables + markdown(SpeedReport(environment=report["environment"], rows=rows))


PAGES: Sequence[Page] = tuple(
    Page(
        name=name,
        target=f"benchmarks/results/{name}.md",
        inputs=(results(name),),
        render=partial(_render, name),
        latencies=partial(latencies, variables=comparison.variables),
        measure=measure_speed(name),
    )
    for name, comparison in COMPARISONS.items()
)
