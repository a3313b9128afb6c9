"""What came of ``upres train``, on standard output."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from upres.lab.studies.speed import SpeedComparison
from upres.lab.studies.summary import markdown
from upres.machine.environment import environment


def print_results(
    results: Sequence[Mapping[str, Any]], summaries: Sequence[Mapping[str, Any]], *, as_json: bool
) -> None:
    """Print a line for every run that succeeded and a table for every study, or one JSON object.

    Args:
        results: The fields of `TrainingResult` and ``error``.
        summaries: What `upres.lab.studies.run.sum_up` gave.
        as_json: Whether to print JSON.
    """
    if as_json:
        print(json.dumps({"runs": results, **({"studies": summaries} if summaries else {})}, indent=2, default=str))
        return
    for result in results:
        if result["error"] is None:
            print(
                f"{result['recipe']}: {result['best_psnr_db']:.3f} dB in validation at step {result['best_step']} "
                f"of {result['steps']}, {result['seconds']:.0f} s: {result['best']}"
            )
    for summary in summaries:
        print(f"\n## {summary['title']}\n\n{markdown(summary)}", end="")


def print_speeds(speeds: Sequence[SpeedComparison], *, as_json: bool) -> None:
    """Print a line for every comparison, or one JSON object with the machine."""
    if as_json:
        print(json.dumps({"environment": environment(), "speed": [asdict(each) for each in speeds]}, indent=2))
        return
    for each in speeds:
        print(
            f"{each.recipe}: {each.loop_steps_per_s:.2f} steps/s, a plain PyTorch loop {each.plain_steps_per_s:.2f}; "
            f"{each.waiting_share:.1%} of the time waiting for batches"
        )
