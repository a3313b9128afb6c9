"""C libraries kept from the terminal, and Python not."""

import os
import subprocess
import sys
import textwrap


def run(program, **options):
    program = "import ctypes, os, sys, threading\nfrom upres.machine.quiet import quiet_libraries\n" + textwrap.dedent(
        program
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, **options
    )
    return done.stdout, done.stderr


def test_what_goes_past_python_is_dropped_and_python_is_heard():
    _, said = run(
        """
        os.write(2, b"before ")
        with quiet_libraries():
            os.write(2, b"LIBRARY")
            print("python", file=sys.stderr)
        os.write(2, b"after")
        """
    )
    assert said == "before python\nafter"


def test_overlapping_uses_in_threads_put_it_back_once():
    _, said = run(
        """
        inside, leave = threading.Event(), threading.Event()
        def other():
            with quiet_libraries():
                inside.set()
                leave.wait()
                os.write(2, b"LIBRARY")
        thread = threading.Thread(target=other)
        with quiet_libraries():
            thread.start()
            inside.wait()
        os.write(2, b"LIBRARY")
        print("python", file=sys.stderr)
        leave.set()
        thread.join()
        os.write(2, b"after")
        """
    )
    assert said == "python\nafter"


def test_an_error_inside_puts_it_back_and_no_descriptor_is_lost():
    said, _ = run(
        """
        def count():
            return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        with quiet_libraries():
            pass
        before = count()
        for _ in range(50):
            try:
                with quiet_libraries():
                    raise ValueError
            except ValueError:
                pass
        print(count() - before, sys.stderr is sys.__stderr__)
        """
    )
    assert said == "0 True\n"


def test_a_closed_stderr_is_left_closed():
    said, _ = run(
        """
        os.close(2)
        with quiet_libraries():
            pass
        try:
            os.fstat(2)
        except OSError:
            print("closed")
        """
    )
    assert said == "closed\n"


def test_a_redirected_stderr_of_python_is_not_touched(capfd):
    from upres.machine.quiet import quiet_libraries

    with quiet_libraries():
        os.write(2, b"LIBRARY")
        sys.stderr.write("python\n")
    os.write(2, b"after")
    assert capfd.readouterr().err == "python\nafter"
