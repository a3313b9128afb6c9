"""`upres models`: what is inside the package, or one card as a whole."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

from upres.errors import LONGEST_MESSAGE, printable
from upres.metrics.table import METRICS, from_figures

EPILOG = """columns of scores: PSNR in dB by protocol, data sets in the order of the title.
* marks what `upres upscale` takes for a clean photograph at that scale, and `upres restore` for that task.

examples:
  upres models
  upres models --scale 2
  upres models esr_tm
  upres models esr_tm_x2
  upres models runs/mine/best.safetensors --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "model", nargs="?", metavar="NAME", help="show one card whole, or a family; a name or a .safetensors file"
    )
    parser.add_argument("--scale", type=int, metavar="S", help="only models of this native scale")
    parser.add_argument("--json", action="store_true", help="print the cards as JSON: a list, or the one of NAME")


def run(args: argparse.Namespace) -> int:
    """Print the table, the list or the card."""
    from upres.models.catalog import find_all, list_models
    from upres.models.choices import names

    def described(model: Any) -> dict[str, Any]:
        return {
            **model.card.to_dict(),
            "default": names("default", model.card.task).get(model.card.scale) == model.card.name,
        }

    found = list_models() if args.model is None else find_all(args.model)
    only = args.model is not None and len(found) == 1
    cards = [described(model) for model in found if only or args.scale in (None, model.card.scale)]
    if args.model is not None and len(cards) == 1:
        (card,) = cards
        print(json.dumps(card, indent=2) if args.json else "\n".join(_card(card)))
        return 0
    if args.json:
        print(json.dumps(cards, indent=2))
    else:
        print("\n".join(_table(cards)) if cards else "no models in this installation")
    return 0


def _table(cards: Sequence[dict[str, Any]]) -> list[str]:
    scores = [score for card in cards for score in card["scores"]]
    protocols = list(dict.fromkeys(score["protocol"] for score in scores))
    datasets = list(dict.fromkeys(score["dataset"] for score in scores))
    rows = [["", "name", "task", "architecture", "scale", "parameters", *protocols, "licence"]]
    for card in sorted(cards, key=lambda card: (card["scale"], card["parameters"], card["name"])):
        figures = [_figures(card["scores"], protocol, datasets) for protocol in protocols]
        mark = "*" if card["default"] else ""
        identity = [card["name"], card["task"], card["architecture"], f"x{card['scale']}", f"{card['parameters']:,}"]
        rows.append([mark, *identity, *figures, card["licence"]])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    title = [f"PSNR in dB on {' / '.join(datasets)}"] * bool(datasets)
    return title + [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _figures(scores: Sequence[dict[str, Any]], protocol: str, datasets: Sequence[str]) -> str:
    known = {score["dataset"]: from_figures(score).get("psnr") for score in scores if score["protocol"] == protocol}
    cells = [METRICS["psnr"].text(known[dataset], page=True) if dataset in known else "-" for dataset in datasets]
    return " / ".join(cells) if known else ""


def _card(card: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in card.items():
        if key in _FIGURES:
            lines += [key] * bool(value)
            lines += [_FIGURES[key](each) for each in value]
        elif isinstance(value, dict):
            lines.append(key)
            lines += [f"  {name}: {_plain(item)}" for name, item in value.items()]
        else:
            lines.append(f"{key}: {_plain(value)}")
    return lines


def _score(score: dict[str, Any]) -> str:
    figures = [METRICS[name].described(value) for name, value in from_figures(score).items() if name in METRICS]
    return f"  {score['dataset']:8s} {score['protocol']:14s} {'  '.join(figures)}"


def _latency(each: dict[str, Any]) -> str:
    size, engine = f"{each['width']}x{each['height']}", f"{each['engine']} {each['precision']}"
    machine = f"{each['machine']} ({each['cpu']})" if "machine" in each else each["cpu"]
    return (
        f"  {size:9s} out  {engine:15s} {each['latency_ms']:8.2f} ms  {each['threads']} threads, {machine}, "
        f"{each['file']}"
    )


_FIGURES: dict[str, Callable[[dict[str, Any]], str]] = {"scores": _score, "latencies": _latency}


def _plain(value: Any) -> str:
    return printable(value, longest=LONGEST_MESSAGE) if isinstance(value, str) else json.dumps(value)
