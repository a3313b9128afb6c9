"""The jobs of a sweep as commands of an executor."""

from collections.abc import Callable, Sequence

from upres.lab.studies.sweep.job import result_file
from upres.machine.executors.drive import Command, Tell, drive
from upres.machine.executors.executor import Executor
from upres.machine.ledger import Job, Ledger

LOGS = "logs"
"""Folder of what the jobs say in that of the sweep."""


def work(ledger: Ledger, executor: Executor, arguments: Callable[[Job], Sequence[str]], *, tell: Tell) -> bool:
    """Do the jobs of a sweep until none is left, or somebody wants to stop.

    Args:
        ledger: Of the sweep.
        executor: Where its jobs are done.
        arguments: Of a job the program and its arguments that call `upres.lab.studies.sweep.job.do`.
        tell: Told what happens.

    Returns:
        Whether the end was reached, see `upres.machine.executors.drive.drive`.

    Raises:
        UpresError: As `upres.machine.executors.drive.drive`.
    """

    def command(job: Job) -> Command:
        log = ledger.folder / LOGS / f"{job.name}.log"
        return Command(arguments=arguments(job), log=log, result=result_file(ledger.folder, job))

    return drive(ledger, executor, command, tell=tell)
