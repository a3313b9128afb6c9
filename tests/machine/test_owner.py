"""Whether a process has ended, as far as it can be known."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from upres.machine.owner import Owner, this_process

pytestmark = pytest.mark.skipif(not this_process().system, reason="needs /proc")


def test_a_process_that_runs_has_not_ended():
    assert not this_process().ended
    assert Owner.from_dict(this_process().to_dict()) == this_process()


def test_a_process_that_is_gone_or_not_waited_for_has_ended():
    command = "from upres.machine.owner import this_process; import json; print(json.dumps(this_process().to_dict()))"
    code = f"import sys; {command}; sys.stdout.flush(); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    owner = Owner.from_dict(json.loads(process.stdout.readline()))
    assert not owner.ended
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still to be waited for
    assert owner.ended
    process.communicate()
    assert owner.ended


def test_a_number_that_came_again_is_another_process():
    assert replace(this_process(), began="1").ended


def test_of_another_machine_nothing_is_known():
    assert not replace(this_process(), system="another boot", pid=1).ended
    assert not replace(this_process(), system="", pid=1, began="1").ended


@pytest.mark.parametrize("data", [None, [], {}, {"host": "a"}, {"host": 1, "system": "", "pid": "1", "began": ""}])
def test_what_is_no_owner_is_none(data):
    assert Owner.from_dict(data) is None
