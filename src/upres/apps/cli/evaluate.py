"""``upres evaluate``: quality of models on data sets, by the papers' protocols."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from upres.errors import DataError, ModelError
from upres.image.convert import Network
from upres.metrics.protocol import PROTOCOLS, ColorMode
from upres.metrics.table import DEFAULT, METRICS, from_figures, metric_names
from upres.models.catalog import Model, find_all, list_models

if TYPE_CHECKING:
    from upres.evaluation.quality import QualityReport

EPILOG = """examples:
  upres evaluate esr_tm_x2 --data Set5 --protocol paper
  upres evaluate rlfn_c32b6 --data Set5 --scale 4 --json
  upres evaluate bicubic runs/mine/best.safetensors --data Set5 --scale 2 --json
  upres evaluate bicubic all --data Set5 Set14 --protocol all --out quality.json --markdown quality.md
  upres evaluate esr_tm_x2 --data Set5 --metrics psnr,ssimulacra2,niqe
  upres evaluate input denoiser.safetensors --data PolyU50 --protocol ntire

A data set is a folder of high-resolution pictures, or one that holds HR/ and LR_bicubic/X2/. For models of scale 1 it
holds noisy/ and clean/, or low/ and high/.
With --out, what the file already answers is not measured again: run the same command to go on.

protocols (at scale 1 without a border):
{protocols}

metrics:
{metrics}
""".format(
    protocols="\n".join(f"  {name:14s}{rules.summary}" for name, rules in PROTOCOLS.items()),
    metrics="\n".join(f"  {name:14s}{metric.heading}" for name, metric in METRICS.items()),
)

BASELINES = ("bicubic", "input")
"""What may stand among the models without being one: enlarging above scale 1, and the picture as it is at scale 1."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One model as it is measured: by which protocols, and how to make it ready."""

    name: str
    scale: int
    color_mode: ColorMode
    parameters: int
    weights_sha256: str
    protocols: tuple[str, ...]
    open: Callable[[], tuple[Network, str, str]]
    """Gives the network, its engine's name and the arithmetic that is used."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this verb."""
    parser.epilog = EPILOG
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="shipped names or families (esr_tm), .safetensors files, 'bicubic', at scale 1 'input' (the picture as it "
        "is), or 'all' shipped ones",
    )
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders with a data set each")
    parser.add_argument("--scale", type=int, help="the factor (default: the models')")
    parser.add_argument(
        "--protocol", nargs="+", default=["paper"], metavar="P", help=f"{', '.join(PROTOCOLS)}, or all (default: paper)"
    )
    parser.add_argument(
        "--metrics",
        nargs="+",
        default=[",".join(DEFAULT)],
        metavar="M,M",
        help=f"{', '.join(METRICS)}, or all (default: psnr,ssim)",
    )
    parser.add_argument("--engine", default="auto", help="what runs the models (default: auto, the fastest)")
    parser.add_argument(
        "--precision", default="f32", help="the engine's arithmetic: f32, bf16, auto as for pictures (default: f32)"
    )
    parser.add_argument("--threads", type=int, help="processor threads (default: the engine's choice)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="keep the results here, and go on from them")
    parser.add_argument("--markdown", type=Path, metavar="FILE.md", help="write all results as tables here")
    parser.add_argument("--json", action="store_true", help="print JSON: one report, or a list of several")


def run(args: argparse.Namespace) -> int:
    """Measure what the results file does not hold, and print; returns the exit status."""
    from upres.evaluation.results import Results, to_markdown, write_text

    results = Results(args.out)
    plan = plan_of(protocols_of(args.protocol), metrics_of(",".join(args.metrics)))
    entrants = contenders(args, tuple(plan))
    records = [
        record
        for contender in entrants
        for folder in args.data
        for record in _measure(contender, folder, args, plan, results)
    ]
    if args.markdown is not None:
        write_text(args.markdown, to_markdown(results.records))
    if args.json:
        reports = [{key: value for key, value in record.items() if key != "run"} for record in records]
        print(json.dumps(reports[0] if len(reports) == 1 else reports, indent=1))
    else:
        print("\n\n".join(_text(record) for record in records))
    return 0


def protocols_of(names: Sequence[str]) -> tuple[str, ...]:
    """The protocols of these names, each once; ``all`` stands for every one.

    Raises:
        DataError: If there is no such protocol.
    """
    from upres.metrics.protocol import find_protocol

    expanded = [each for name in names for each in (PROTOCOLS if name == "all" else [find_protocol(name).name])]
    return tuple(dict.fromkeys(expanded))


def metrics_of(text: str) -> tuple[str, ...]:
    """The metrics of these names, separated by commas, in the table's order; ``all`` stands for every one.

    Raises:
        DataError: If there is no such metric.
    """
    names = [name.strip() for name in text.split(",")]
    return metric_names(METRICS if "all" in names else names)


def plan_of(protocols: Sequence[str], metrics: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Of each protocol the metrics that it has pictures for; what is left out is noted on stderr.

    Raises:
        DataError: If nothing is left.
    """
    shown = {name: tuple(each for each in metrics if PROTOCOLS[name].shows(METRICS[each])) for name in protocols}
    plan = {name: names for name, names in shown.items() if names}
    if not plan:
        PROTOCOLS[protocols[0]].check_metrics(metrics)
    for name, names in shown.items():
        if len(names) < len(metrics):
            left_out = ", ".join(each for each in metrics if each not in names)
            print(f"upres: {name}: {left_out} left out, for RGB pictures only", file=sys.stderr)
    return plan


def contenders(args: argparse.Namespace, protocols: Sequence[str]) -> list[Contender]:
    """What the command line names, in its order; a model's unfit protocols are left out with a note on stderr.

    Raises:
        DataError: If no protocol fits a model, and nothing else is to be measured.
        ModelError: If there is no such model, or ``--scale`` is not its scale.
    """
    models = {name: _models(name, args.scale) for name in dict.fromkeys(args.models) if name not in BASELINES}
    found = [model for group in models.values() for model in group]
    names = [model.card.name for model in found]
    entrants = [
        each
        for scale in _baseline_scales(args, {model.card.scale for model in found})
        for each in _baseline(scale, protocols)
    ]
    for argument, group in models.items():
        for model in group:
            alone = names.count(model.card.name) == 1
            entrants.append(_contender(model, model.card.name if alone else argument, args, protocols))
    fit = [each for each in entrants if each.protocols]
    for each in entrants:
        left_out = sorted(set(protocols) - set(each.protocols))
        if each.name not in BASELINES and left_out and fit:
            print(f"upres: {each.name}: {', '.join(left_out)} left out, for luma networks only", file=sys.stderr)
    if not fit:
        raise DataError(
            f"{', '.join(protocols)}: for luma networks only, and {', '.join(names)} works on RGB; "
            "use paper, ntire or matlab-uint8"
        )
    return fit


def _models(name: str, scale: int | None) -> Sequence[Model]:
    found = list_models() if name == "all" else find_all(name)
    fit = [model for model in found if scale in (None, model.card.scale)]
    if not fit:
        scales = " or ".join(map(str, sorted({model.card.scale for model in found})))
        if name == "all":
            raise ModelError(f"no model in the package has scale {scale}; there are {scales}")
        raise ModelError(f"{name} upscales by {scales}, and --scale is {scale}: leave it out or name another")
    return fit


def _baseline_scales(args: argparse.Namespace, scales: set[int]) -> list[int]:
    """The scales at which the baselines among the models are to be measured: ``input`` at 1, ``bicubic`` at others."""
    wanted = []
    if "input" in args.models:
        if args.scale not in (None, 1):
            raise ModelError(f"input is the picture as it is, for scale 1, and --scale is {args.scale}: use bicubic")
        wanted.append(1)
    if "bicubic" in args.models:
        if not (args.scale or scales):
            args.usage_error("bicubic has no scale of its own: add --scale 2")
        larger = sorted(({args.scale} if args.scale else scales) - {1})
        if not larger:
            raise ModelError("bicubic enlarges, and the scale is 1: use input, the picture as it is")
        wanted += larger
    return wanted


def _contender(model: Model, name: str, args: argparse.Namespace, protocols: Sequence[str]) -> Contender:
    from upres.engines.select import open_session

    def ready() -> tuple[Network, str, str]:
        session = open_session(model, engine=args.engine, threads=args.threads, precision=args.precision)
        return session, session.facts.engine, session.facts.precision

    card = model.card
    return Contender(
        name=name,
        scale=card.scale,
        color_mode=card.color_mode,
        parameters=card.parameters,
        weights_sha256=_digest(model.weights),
        protocols=tuple(each for each in protocols if card.color_mode == "luma" or not PROTOCOLS[each].luma_only),
        open=cache(ready),
    )


def _baseline(scale: int, protocols: Sequence[str]) -> list[Contender]:
    """Bicubic, on 8-bit RGB as the papers make it and on float luma where the protocol measures that; or the input."""
    from upres.evaluation import bicubic_network, unchanged

    def baseline(color_mode: ColorMode) -> Contender:
        luma = color_mode == "luma"
        network = bicubic_network(scale, eight_bit=not luma) if scale > 1 else unchanged
        return Contender(
            name="bicubic" if scale > 1 else "input",
            scale=scale,
            color_mode=color_mode,
            parameters=0,
            weights_sha256="",
            protocols=tuple(each for each in protocols if PROTOCOLS[each].luma_only == luma),
            open=lambda: (network, "numpy", "f32" if luma else "uint8"),
        )

    return [baseline("rgb"), baseline("luma")]


def _measure(
    contender: Contender, folder: str, args: argparse.Namespace, plan: Mapping[str, Sequence[str]], results: Any
) -> list[dict[str, Any]]:
    """A record a protocol: those of the file, and the missing ones measured and added to it."""
    from upres.evaluation import dataset_name, find_pairs
    from upres.evaluation.results import only

    wanted: dict[str, Any] = {
        "model": contender.name,
        "scale": contender.scale,
        "dataset": dataset_name(folder),
        "images": [pair.name for pair in find_pairs(folder, contender.scale)],
        "run": {
            "weights_sha256": contender.weights_sha256,
            "asked": {"engine": args.engine, "precision": args.precision},
        },
    }
    records: dict[str, Any] = {}
    missing: dict[tuple[str, ...], list[str]] = {}
    for name in contender.protocols:
        question = {**wanted, "protocol": name}
        records[name] = results.find({**question, "metrics": plan[name]})
        if records[name] is None:  # the other metrics of a record that lacks some are measured anew, and not lost
            held = from_figures(results.find(question) or {})
            missing.setdefault(metric_names([*plan[name], *held]), []).append(name)
    for metrics, protocols in missing.items():
        network, engine, precision = contender.open()
        run = {"parameters": contender.parameters, "engine": engine, "precision": precision, **wanted["run"]}
        reports = _reports(contender, network, folder, protocols, metrics)
        measured = {report.protocol: {**report.to_dict(), "run": run} for report in reports}
        results.add(measured.values())
        records.update(measured)
    return [only(record, plan[name]) for name, record in records.items()]


def _reports(
    contender: Contender, network: Network, folder: str, protocols: Sequence[str], metrics: Sequence[str]
) -> "list[QualityReport]":
    """What a contender comes to, with a bar on stderr."""
    from tqdm import tqdm

    from upres.evaluation import dataset_name, evaluate_protocols

    title = f"{contender.name} x{contender.scale} on {dataset_name(folder)}"
    with tqdm(desc=title, unit="image", file=sys.stderr, disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return evaluate_protocols(
            network,
            folder,
            scale=contender.scale,
            color_mode=contender.color_mode,
            protocols=protocols,
            metrics=metrics,
            model=contender.name,
            progress=progress,
        )


def _text(record: dict[str, Any]) -> str:
    run, metrics = record["run"], [METRICS[name] for name in record["metrics"]]
    rows = [*record["images"], {**record, "name": "mean"}]
    width = max(len(row["name"]) for row in rows)
    cells = [
        [metric.text(value) for metric, value in zip(metrics, row["metrics"].values(), strict=True)] for row in rows
    ]
    columns = [max(map(len, column)) for column in zip(*cells, [each.heading for each in metrics], strict=True)]

    def line(name: str, figures: Sequence[str]) -> str:
        aligned = (figure.rjust(column) for figure, column in zip(figures, columns, strict=True))
        return "  ".join(["", name.ljust(width), *aligned])

    return "\n".join(
        [
            f"{record['model']} x{record['scale']} on {record['dataset']} by protocol {record['protocol']} "
            f"({run['engine']}, {run['precision']})",
            line("", [each.heading for each in metrics]),
            *(line(row["name"], figures) for row, figures in zip(rows, cells, strict=True)),
        ]
    )


def _digest(weights: Path) -> str:
    """SHA-256 of a file's tensors; not of its header, where the card may have gained a score."""
    content = weights.read_bytes()
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()
