"""What a window of steps tells of loss and speed."""

import time

import pytest
import torch

from upres.lab.training.pace import Pace
from upres.lab.training.state import RunPosition


def test_a_window_tells_loss_speed_and_waiting_without_what_happens_aside() -> None:
    progress = RunPosition(seconds=5.0)
    pace = Pace(progress)
    for loss in (1.0, 2.0, 6.0):
        pace.step(torch.tensor(loss))
        time.sleep(0.02)
    with pace.aside():
        time.sleep(0.3)
    window = pace.window(0.03)
    assert window.loss == pytest.approx(3.0)
    assert 3 / 0.25 < window.steps_per_s <= 3 / 0.06
    assert window.waiting_share == pytest.approx(0.03 * window.steps_per_s / 3)
    assert progress.seconds >= 5.36
    assert progress.step_seconds == pytest.approx(3 / window.steps_per_s)
    pace.step(torch.tensor(1.0))
    time.sleep(0.01)
    assert pace.window(0.03).waiting_share == 0, "waiting counts once"
    assert progress.waited_seconds == pytest.approx(0.03)
    assert pace.window(0.03).loss == 0, "an empty window is no error"
