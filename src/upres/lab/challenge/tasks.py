"""What the pictures of a challenge go through, by the task of its contenders."""

from collections.abc import Mapping
from pathlib import Path

from upres.errors import DataError
from upres.evaluation.faults import Fault
from upres.evaluation.layouts import find_paired
from upres.models.card import Task

FAULTS: Mapping[Task, Fault] = {"denoise": Fault(noise=50), "deblock": Fault(jpeg=10)}
"""What befalls true pictures where nothing else is asked for; a sigma of 50 as in NTIRE's challenges of denoising."""


def fault_for(task: Task, data: str | Path, fault: Fault | None = None) -> Fault | None:
    """What befalls the pictures of a data set; ``None`` where they are enlarged, or come in pairs.

    Args:
        task: Of all contenders.
        data: Folder of the data set.
        fault: What was asked for instead of the task's own.

    Raises:
        DataError: If one was asked for and pictures are enlarged, or none is known for the task and the pictures are
            true ones.
    """
    if task == "upscale":
        if fault is not None:
            raise DataError(f"{fault}: for contenders that restore, and these enlarge; name the task")
        return None
    if fault is not None or find_paired(Path(data)) is not None:
        return fault
    if task not in FAULTS:
        raise DataError(
            f"{data}: true pictures alone, and nothing is known that stands for {task}; take a set of pairs"
        )
    return FAULTS[task]
