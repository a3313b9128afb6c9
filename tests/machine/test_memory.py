"""What the process knows about its memory."""

import subprocess
import sys

import numpy as np
import pytest

from upres.machine import memory
from upres.machine.memory import available_bytes


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


def test_what_is_free_is_less_than_what_there_is():
    free = available_bytes()
    if free is None:
        pytest.skip("this system does not tell")
    assert 0 <= free < 2**50


def test_the_least_of_machine_group_and_limit_counts(monkeypatch):
    files = {
        "/proc/meminfo": ["MemTotal: 900 kB", "MemAvailable:   500 kB"],
        "/sys/fs/cgroup/memory.max": ["400000"],
        "/sys/fs/cgroup/memory.current": ["150000"],
        "/sys/fs/cgroup/memory.stat": ["anon 1", "inactive_file 50000"],
    }
    monkeypatch.setattr(memory, "_lines", lambda path: files.get(path, []))
    assert available_bytes() == 300000
    files["/sys/fs/cgroup/memory.max"] = ["max"]
    assert available_bytes() == 512000
    files.clear()
    assert available_bytes() is None
