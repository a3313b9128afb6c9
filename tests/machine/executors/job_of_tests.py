"""A job of `test_drive`: ``python -m job_of_tests FOLDER NAME WHAT``."""

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

from upres.machine.executors.lifeline import hold_lifeline


def main(folder: Path, name: str, what: str) -> None:
    """Do, wait, fail, be deaf to interrupts, or say nothing of what was done."""

    def save(*_: object) -> None:
        (folder / f"{name}.saved").touch()
        sys.exit(130)

    hold_lifeline()
    with (folder / "begun").open("a") as file:
        file.write(name + "\n")
    (folder / f"{name}.pid").write_text(str(os.getpid()))
    signal.signal(signal.SIGINT, save)
    if what == "fail":
        sys.stdout.write("".join(f"line {number}\n" for number in range(30)))
        sys.exit("it is broken")
    while what == "wait" and not (folder / "go").exists():
        time.sleep(0.02)
    if what == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        time.sleep(600)
    if what != "silent":
        start = "warm" if multiprocessing.parent_process() else "cold"
        result = {"threads": os.environ["OMP_NUM_THREADS"], "nice": os.nice(0), "start": start}
        (folder / f"{name}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
