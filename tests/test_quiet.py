from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading

import pytest

from fvx.quiet import quiet


def native(descriptor: int, text: bytes = b"chatter\n") -> None:
    os.write(descriptor, text)


def test_what_native_code_writes_to_stderr_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet():
        native(2)
        native(1, b"a result\n")
    native(2, b"after\n")
    assert capfd.readouterr() == ("a result\n", "after\n")


def test_stdout_too_where_asked_with_what_the_c_library_still_holds(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with quiet(stdout=True):
        ctypes.CDLL(None).printf(b"chatter\n")
        native(2)
    ctypes.CDLL(None).fflush(None)
    print("a result", flush=True)
    assert capfd.readouterr() == ("a result\n", "")


@pytest.mark.parametrize("on_error", [False, True])
def test_it_is_shown_if_the_block_fails_unless_told_otherwise(
    capfd: pytest.CaptureFixture[str], on_error: bool
) -> None:
    def fail() -> None:
        with quiet(on_error=on_error):
            native(2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    native(2, b"after\n")
    assert capfd.readouterr().err == ("" if on_error else "chatter\n") + "after\n"


def test_one_inside_another_and_many_threads_leave_stderr_as_it_was(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work() -> None:
        for _ in range(50):
            with quiet(), quiet(stdout=True):
                native(2)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    native(2, b"after\n")
    assert capfd.readouterr() == ("", "after\n")


def test_without_a_stderr_there_is_nothing_to_hold_back() -> None:
    code = (
        "import os; from fvx.quiet import quiet\n"
        "os.close(2)\n"
        "with quiet(stdout=True): os.write(1, b'chatter')\n"
        "print('done')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "done\n"
