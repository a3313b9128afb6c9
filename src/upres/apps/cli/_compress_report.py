"""What came of ``upres compress``: the checkpoint, and figures before and after on standard output."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from upres.lab.subject import Compressed, Subject, save_compressed, weigh


def finish(arguments: argparse.Namespace, before: Subject, made: Compressed) -> int:
    """Count before and after, write the checkpoint unless the run is dry, print; returns the exit status.

    Args:
        arguments: Of the verb: ``output``, ``dry_run`` and ``json`` are read.
        before: The network that was given.
        made: What the operation made of it.
    """
    scale = before.card.scale
    was, becomes = weigh(before.network, scale=scale), weigh(made.network, scale=scale)
    if not arguments.dry_run:
        save_compressed(arguments.output, before, made)
    report: dict[str, Any] = {
        "model": before.card.name,
        "architecture": before.card.architecture,
        "transforms": [*before.card.spec.transforms, made.step],
        "parameters_before": was.parameters,
        "parameters_after": becomes.parameters,
        "flops_before": was.flops,
        "flops_after": becomes.flops,
        "input": f"{was.width}x{was.height}",
        "layers": list(made.layers),
        "output": None if arguments.dry_run else str(arguments.output),
    }
    print(json.dumps(report, indent=1) if arguments.json else _table(report))
    return 0


def _table(report: Mapping[str, Any]) -> str:
    """The figures as lines, for a person."""
    rows = [("", "before", "after", "")]
    for title, key in (("parameters", "parameters"), (f"FLOPs, {report['input']} in", "flops")):
        was, becomes = report[f"{key}_before"], report[f"{key}_after"]
        rows.append((title, f"{was:,}", f"{becomes:,}", f"{becomes / was - 1:+.1%}" if was else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    chain = " > ".join(str(step["name"]) for step in report["transforms"])
    count = len(report["layers"])
    head = f"{report['model']} ({report['architecture']}): {chain}, {count} layer{'s' * (count != 1)}"
    tail = f"wrote {report['output']}" if report["output"] else "nothing written"
    return "\n".join([head, *(line.rstrip() for line in lines), tail])
