"""How far a film is, on the terminal, and Ctrl-C that waits."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from upres.apps.cli import terminal

if TYPE_CHECKING:
    from upres.video.report import Progress

Show = Callable[[Path, "Progress"], None]


@contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Show | None]:
    """A function that shows how far a film is; ``None`` where nobody looks."""
    if hidden or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(
        unit="frame", leave=False, file=sys.stderr, bar_format="{desc} {n_fmt}/{total_fmt} {bar} {postfix}"
    ) as bar:

        def show(source: Path, now: "Progress") -> None:
            left = now.seconds_left
            eta = "" if left is None else f", {int(left) // 3600}:{int(left) // 60 % 60:02}:{int(left) % 60:02} left"
            bar.total = now.total
            bar.set_description_str(f"{source.name}: {now.stage}", refresh=False)
            bar.set_postfix_str(f"{now.fps:.1f} fps{eta}", refresh=False)
            bar.n = now.done
            bar.update(0)

        yield show


@contextmanager
def awaited_stop() -> Iterator[Event]:
    """An event that the first Ctrl-C sets; the second one ends at once."""
    stop = Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        terminal.say("upres: finishing the frames at hand; Ctrl-C again stops at once and loses only these", sys.stderr)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
