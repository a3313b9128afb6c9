"""How a sweep goes, on the terminal: a line for what happens, counts, and what failed."""

import sys
import time
from typing import TextIO

from upres.apps.cli.terminal import say
from upres.machine.executors.drive import Event
from upres.machine.ledger import Ledger, Standing

_LOG_LINES = 5


class Progress:
    """Tells of a sweep on stderr as it goes.

    Args:
        ledger: Of the sweep.
        quiet: Tell of failures only.
    """

    def __init__(self, ledger: Ledger, *, quiet: bool) -> None:
        self.ledger, self.quiet = ledger, quiet
        self.began: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """A job began or ended."""
        if event.kind == "begun":
            self.began[event.job] = time.monotonic()
            return
        seconds = time.monotonic() - self.began.pop(event.job, time.monotonic())
        if event.kind == "failed":
            say(f"upres: {event.job} failed: {event.says}", sys.stderr)
        elif not self.quiet:
            standing = self.ledger.standing()
            counted = f"{standing.count('done')} of {len(standing.states)} done, {standing.count('running')} running"
            left = "" if standing.eta_s is None else f", {duration(standing.eta_s)} left"
            say(f"{event.job}: {event.kind} after {duration(seconds)} ({counted}{left})", sys.stderr)


def print_standing(standing: Standing) -> None:
    """The counts, and what runs where."""
    counts = standing.to_dict()
    for name in ("jobs", "done", "running", "failed", "waiting"):
        print(f"{name:8s}{counts[name]:6d}")
    print(f"{'left':8s}{'-' if standing.eta_s is None else duration(standing.eta_s):>6s}")
    for name, host in standing.hosts.items():
        say(f"  runs: {name} on {host}", sys.stdout)


def print_failures(ledger: Ledger, standing: Standing, stream: TextIO) -> None:
    """Of every job that failed the last lines of what it said."""
    for name, state in standing.states.items():
        failure = ledger.failure(name) if state == "failed" else None
        if failure is not None:
            say(f"  failed: {name}, {failure['error']}", stream)
            for line in failure["log"][-_LOG_LINES:]:
                say(f"    {line}", stream)


def duration(seconds: float) -> str:
    """Seconds as people say them, ``3.2 h``.

    Example:
        >>> duration(42), duration(600), duration(11_520)
        ('42 s', '10 min', '3.2 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
