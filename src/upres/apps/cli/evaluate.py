"""``upres evaluate``: quality of models on data sets, by the papers' protocols."""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from upres.errors import DataError, ModelError
from upres.image.convert import Network
from upres.metrics.protocol import PROTOCOLS, ColorMode
from upres.models.catalog import Model, find_all, list_models

EPILOG = """examples:
  upres evaluate esr_tm_x2 --data Set5 --protocol paper
  upres evaluate rlfn_c32b6 --data Set5 --scale 4 --json
  upres evaluate bicubic runs/mine/best.safetensors --data Set5 --scale 2 --json
  upres evaluate bicubic all --data Set5 Set14 --protocol all --out quality.json --markdown quality.md

A data set is a folder of high-resolution pictures, or one that holds HR/ and LR_bicubic/X2/.
With --out, what the file already answers is not measured again: run the same command to go on.

protocols:
""" + "\n".join(f"  {name:14s}{rules.summary}" for name, rules in PROTOCOLS.items())


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
        help="shipped names or families (esr_tm), .safetensors files, 'bicubic', or 'all' shipped ones",
    )
    parser.add_argument("--data", nargs="+", required=True, metavar="DIR", help="folders with a data set each")
    parser.add_argument("--scale", type=int, help="the factor (default: the models')")
    parser.add_argument(
        "--protocol", nargs="+", default=["paper"], metavar="P", help=f"{', '.join(PROTOCOLS)}, or all (default: paper)"
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
    from upres.evaluation.results import Results, to_markdown
    from upres.machine.atomic import write_text

    results = Results(args.out)
    entrants = contenders(args, protocols_of(args.protocol))
    records = [
        record
        for contender in entrants
        for folder in args.data
        for record in _measure(contender, folder, args, results)
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


def contenders(args: argparse.Namespace, protocols: Sequence[str]) -> list[Contender]:
    """What the command line names, in its order; a model's unfit protocols are left out with a note on stderr.

    Raises:
        DataError: If no protocol fits a model, and nothing else is to be measured.
        ModelError: If there is no such model, or ``--scale`` is not its scale.
    """
    models = {name: _models(name, args.scale) for name in dict.fromkeys(args.models) if name != "bicubic"}
    found = [model for group in models.values() for model in group]
    names = [model.card.name for model in found]
    scales = [args.scale] if args.scale else sorted({model.card.scale for model in found})
    if "bicubic" in args.models and not scales:
        args.usage_error("bicubic has no scale of its own: add --scale 2")
    entrants: list[Contender] = []
    if "bicubic" in args.models:
        entrants += [each for scale in scales for each in _bicubic(scale, protocols)]
    for argument, group in models.items():
        for model in group:
            alone = names.count(model.card.name) == 1
            entrants.append(_contender(model, model.card.name if alone else argument, args, protocols))
    fit = [each for each in entrants if each.protocols]
    for each in entrants:
        left_out = sorted(set(protocols) - set(each.protocols))
        if each.name != "bicubic" and left_out and fit:
            print(f"upres: {each.name}: {', '.join(left_out)} left out, for luma networks only", file=sys.stderr)
    if not fit:
        raise DataError(
            f"{', '.join(protocols)}: for luma networks only, and {', '.join(names)} works on RGB; "
            "use paper, ntire or matlab-uint8"
        )
    return fit


def _models(name: str, scale: int | None) -> Sequence[Model]:
    if name == "all":
        return [model for model in list_models() if scale in (None, model.card.scale)]
    found = find_all(name)
    fit = [model for model in found if scale in (None, model.card.scale)]
    if not fit:
        scales = " or ".join(str(model.card.scale) for model in found)
        raise ModelError(f"{name} upscales by {scales}, and --scale is {scale}: leave it out or name another")
    return fit


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


def _bicubic(scale: int, protocols: Sequence[str]) -> list[Contender]:
    """The baseline: on 8-bit RGB as the papers make it, and on float luma where the protocol measures that."""
    from upres.evaluation import bicubic_network

    def baseline(color_mode: ColorMode) -> Contender:
        luma = color_mode == "luma"
        return Contender(
            name="bicubic",
            scale=scale,
            color_mode=color_mode,
            parameters=0,
            weights_sha256="",
            protocols=tuple(each for each in protocols if PROTOCOLS[each].luma_only == luma),
            open=lambda: (bicubic_network(scale, eight_bit=not luma), "numpy", "f32" if luma else "uint8"),
        )

    return [baseline("rgb"), baseline("luma")]


def _measure(contender: Contender, folder: str, args: argparse.Namespace, results: Any) -> list[dict[str, Any]]:
    """A record a protocol: those of the file, and the missing ones measured and added to it."""
    from tqdm import tqdm

    from upres.evaluation import dataset_name, evaluate_protocols, find_pairs

    asked = {"engine": args.engine, "precision": args.precision}
    wanted: dict[str, Any] = {
        "model": contender.name,
        "scale": contender.scale,
        "dataset": dataset_name(folder),
        "images": [pair.name for pair in find_pairs(folder, contender.scale)],
        "run": {"weights_sha256": contender.weights_sha256, "asked": asked},
    }
    records = {name: results.find({**wanted, "protocol": name}) for name in contender.protocols}
    missing = [name for name, record in records.items() if record is None]
    if missing:
        network, engine, precision = contender.open()
        with tqdm(
            desc=f"{contender.name} x{contender.scale} on {wanted['dataset']}",
            unit="image",
            file=sys.stderr,
            disable=None,
            leave=False,
        ) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            reports = evaluate_protocols(
                network,
                folder,
                scale=contender.scale,
                color_mode=contender.color_mode,
                protocols=missing,
                model=contender.name,
                progress=progress,
            )
        run = {"parameters": contender.parameters, "engine": engine, "precision": precision, **wanted["run"]}
        measured = {report.protocol: {**report.to_dict(), "run": run} for report in reports}
        results.add(measured.values())
        records.update(measured)
    return list(records.values())


def _text(record: dict[str, Any]) -> str:
    run = record["run"]
    width = max(len("mean"), *(len(image["name"]) for image in record["images"]))
    lines = [
        f"{record['model']} x{record['scale']} on {record['dataset']} by protocol {record['protocol']} "
        f"({run['engine']}, {run['precision']})",
        f"  {'':{width}}  PSNR dB    SSIM",
    ]
    for row in (*record["images"], {**record, "name": "mean"}):
        psnr_db = float("inf") if row["psnr_db"] is None else row["psnr_db"]
        lines.append(f"  {row['name']:{width}}  {psnr_db:7.3f}  {row['ssim']:.4f}")
    return "\n".join(lines)


def _digest(weights: Path) -> str:
    """SHA-256 of a file's tensors; not of its header, where the card may have gained a score."""
    content = weights.read_bytes()
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()
