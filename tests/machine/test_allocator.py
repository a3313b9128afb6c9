"""glibc is told how to keep what is freed; in processes of their own, as it stays told."""

import subprocess
import sys

import pytest

CODE = """
import sys, resource, numpy as np
from upres.machine.allocator import expect_large_blocks
told = sys.argv[1] == "told" and expect_large_blocks()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

np.ones(2**20)
before = faults()
for _ in range(8):
    np.ones(2**20)  # 8 MiB, which the stock allocator maps anew until it has learned
    np.ones(2**21)
print(told, faults() - before)
"""


def run(how):
    done = subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True)
    told, faults = done.stdout.split()
    return told == "True", int(faults)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_large_blocks_keep_their_pages():
    told, faults = run("told")
    if not told:
        pytest.skip("not glibc")
    assert faults < run("stock")[1]
