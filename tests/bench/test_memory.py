"""The peak of a process's memory, and how it is reset."""

import subprocess
import sys

import pytest

PREAMBLE = """
import numpy as np
from upres.bench.memory import peak_resident_mib, reset_peak, resident_mib
"""


def _run(code: str) -> None:
    """In a process of its own: training tells this one's allocator to keep what it frees."""
    subprocess.run([sys.executable, "-c", PREAMBLE + code], check=True)


def test_the_peak_remembers_what_the_process_no_longer_holds():
    _run("""
reset_peak()
before = resident_mib()
block = np.ones(64 * 2**20, np.uint8)
assert resident_mib() - before > 60
del block
assert resident_mib() - before < 60
assert peak_resident_mib() - before > 60
""")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_a_new_peak_begins_at_what_is_held():
    _run("""
block = np.ones(64 * 2**20, np.uint8)
del block
reset_peak()
assert peak_resident_mib() - resident_mib() < 30
""")
