import sys

import numpy as np
import pytest

from upres.bench.memory import peak_resident_mib, reset_peak, resident_mib


def test_the_peak_remembers_what_the_process_no_longer_holds():
    reset_peak()
    before = resident_mib()
    block = np.ones(64 * 2**20, np.uint8)
    assert resident_mib() - before > 60
    del block
    assert resident_mib() - before < 60
    assert peak_resident_mib() - before > 60


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_a_new_peak_begins_at_what_is_held():
    block = np.ones(64 * 2**20, np.uint8)
    del block
    reset_peak()
    assert peak_resident_mib() - resident_mib() < 30
