"""`upres doctor`: what this machine and this installation can do."""

import argparse
import json
from typing import Any

from upres.machine.cache import cache_folder

EPILOG = """Runs the default x2 model through every engine that is here and compares their outputs.
Exit status 1 where something is wrong.

examples:
  upres doctor
  upres doctor --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 if all is well."""
    from upres.engines.self_test import diagnose

    diagnosis = diagnose()
    if args.json:
        print(json.dumps(diagnosis.to_dict(), indent=2))
    else:
        print("\n".join(_lines(diagnosis)))
    return 1 if diagnosis.problems else 0


def _lines(diagnosis: Any) -> list[str]:
    machine = diagnosis.environment
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"cpu      {machine['cpu']}, {machine['cores']} cores" + f", machine {machine['name']}" * bool(machine["name"]),
        f"         {' '.join(machine['instruction_sets']) or 'instruction sets unknown'}",
        f"system   {machine['system']} {machine['machine']}, Python {machine['python']}",
        f"versions {versions}",
        f"weights  {diagnosis.models} models in {diagnosis.weights}",
        f"cache    {cache_folder()}",
        f"engines  auto takes {diagnosis.auto or 'none'}",
    ]
    lines += [f"  {_engine(report)}" for report in diagnosis.engines]
    return (
        lines + [f"problem  {problem}" for problem in diagnosis.problems] + ["all is well"] * (not diagnosis.problems)
    )


def _engine(report: Any) -> str:
    if not report.available:
        return f"{report.name:12s} no   {report.reason}"
    facts = "; ".join(f"{key.replace('_', ' ')} {', '.join(value)}" for key, value in report.facts.items())
    parts = [report.version or "", facts]
    if report.latency_ms is not None:
        parts.append(f"{report.latency_ms:.2f} ms ({report.precision})")
    if report.difference is not None:
        parts.append(f"differs by {report.difference:.1g}")
    return f"{report.name:12s} yes  " + "; ".join(part for part in parts if part)
