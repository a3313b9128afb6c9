"""What the process knows about its memory."""

import subprocess
import sys

import numpy as np
import pytest


def test_memory_in_use_is_seen_and_remembered():
    # in a process of its own: training tells this one's allocator to keep what it frees
    code = """
import numpy as np
from upres.machine.memory import peak_bytes, resident_bytes
before = resident_bytes()
held = np.ones(64 * 2**20, np.uint8)
assert resident_bytes() - before > 0.8 * held.nbytes
del held
assert peak_bytes() >= before + 0.8 * 64 * 2**20
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux hands the peak on to child processes")
def test_a_child_does_not_inherit_its_parent_s_peak():
    held = np.ones(256 * 2**20, np.uint8)
    code = "from upres.machine.memory import peak_bytes; print(peak_bytes())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(child.stdout) < held.nbytes / 2
