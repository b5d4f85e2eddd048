"""Code that may hang, die or eat memory: run in a child process that is watched and replaced.

The child is forked from a process of one thread, which costs about a millisecond, so that one
that dies costs little more. Before each step it notes in shared memory which it is: whoever
finds it dead or overdue knows where.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Generic, NoReturn, Self, TypeVar

A = TypeVar("A")
R = TypeVar("R")

_TICK_S = 0.05
_REAP_S = 1.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """What one step may take.

    Attributes
    ----------
    seconds : float
        By the clock, the time in which the machine stood still not counted.
    memory_mb : int
        Resident memory of the child, in megabytes (10⁶ bytes).
    """

    seconds: float = 60.0
    memory_mb: int = 2_000


class Lost(Exception):
    """The child ended, or had to be ended, in a step.

    Attributes
    ----------
    step : int
        As announced.
    error, reason : str
        What it was, as the name of an error, and in words.
    overdue : bool
        Whether it took too long.
    """

    def __init__(self, step: int, error: str, reason: str, overdue: bool = False) -> None:
        super().__init__(step, error, reason, overdue)
        self.step = step
        self.error = error
        self.reason = reason
        self.overdue = overdue


class Abandoned(Exception):
    """Nobody waits for the result any more: whoever asked for it is gone."""


class Child(Generic[A, R]):
    """Calls one function in a child process, again and again.

    Parameters
    ----------
    function : callable
        Takes an argument and a function of a step's number, to be called before each step;
        yields what it makes part by part, so that the child need not hold all of it.
    limits : Limits
    lifeline : Connection or None
        Where the end of whoever wants the results shows.

    Notes
    -----
    To be used where there is no other thread: a lock that another thread held would be held in
    the child for ever.
    """

    def __init__(
        self,
        function: Callable[[A, Callable[[int], None]], Iterable[R]],
        limits: Limits,
        lifeline: Connection | None = None,
    ) -> None:
        self._function = function
        self._limits = limits
        self._lifeline = lifeline
        self._board = memoryview(mmap.mmap(-1, 16)).cast("q")  # steps begun, and the last one
        self._pid = 0

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        self._end()

    def renew(self) -> None:
        """See that there is a child, and one with room: end one that has grown over the time."""
        if self._pid and _resident_bytes(self._pid) > self._limits.memory_mb * 1e6 / 2:
            self._end()
        if not self._pid:
            self._fork()

    def call(self, argument: A) -> list[R]:
        """Return the parts of ``function(argument, begin)``, computed in the child.

        Raises
        ------
        Lost
            If the child dies or exceeds a limit; the next call has a new one.
        Abandoned
            If the lifeline is cut.
        RuntimeError
            If the function raises; with the trace.
        """
        if not self._pid:
            self._fork()
        watched = [self._pipe, *([self._lifeline] if self._lifeline else [])]
        n_begun, spent_s = self._board[0], 0.0
        self._board[1] = 0
        parts: list[R] = []
        try:
            self._pipe.send(argument)
            while True:
                before_s = time.monotonic()
                ready = wait(watched, _TICK_S)
                if self._lifeline in ready:
                    raise Abandoned
                if ready:
                    if self._receive(parts):
                        return parts
                    continue
                # Not the time that all were stopped, or the machine slept.
                spent_s += min(time.monotonic() - before_s, 2 * _TICK_S)
                if n_begun != self._board[0]:
                    n_begun, spent_s = self._board[0], 0.0
                self._refuse_excess(spent_s)
        except (EOFError, ConnectionError):
            raise Lost(self._board[1], "ProcessDied", _obituary(self._end())) from None

    def _receive(self, parts: list[R]) -> bool:
        """Take what the child has to tell; whether it was the last."""
        kind, content = self._pipe.recv()
        if kind == "failed":
            raise RuntimeError(content)
        if kind == "part":
            parts.append(content)
        return bool(kind == "done")

    def _refuse_excess(self, spent_s: float) -> None:
        if spent_s > self._limits.seconds:
            self._end()
            reason = f"took longer than {self._limits.seconds:g} s (--clip-timeout)"
            raise Lost(self._board[1], "TimeoutError", reason, overdue=True)
        if _resident_bytes(self._pid) > self._limits.memory_mb * 1e6:
            self._end()
            reason = f"took more than {self._limits.memory_mb} MB of memory (--clip-memory)"
            raise Lost(self._board[1], "MemoryError", reason)
        # A process that the child left behind may hold the pipe open.
        if os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            raise EOFError

    def _fork(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            ours.close()
            if self._lifeline:
                self._lifeline.close()
            self._serve(theirs, parent)
        theirs.close()
        self._pipe, self._pid = ours, pid

    def _serve(self, pipe: Connection, parent: int) -> NoReturn:
        """Be the child. Nothing of the parent's is unwound: its files are its own."""
        try:
            _prepare_child(parent)
            while True:
                argument = pipe.recv()
                try:
                    for part in self._function(argument, self._begin):
                        pipe.send(("part", part))
                        del part  # before the next is made
                    told = "done", ""
                except ConnectionError:  # nobody is there any more
                    raise
                except Exception:  # noqa: BLE001 - to be raised where it is seen
                    told = "failed", traceback.format_exc()
                pipe.send(told)
        except (EOFError, ConnectionError):
            os._exit(0)
        finally:
            os._exit(70)

    def _begin(self, step: int) -> None:
        self._board[1] = step
        self._board[0] += 1

    def _end(self) -> int | None:
        """End the child with all that it started; its exit code, if it does end."""
        if not self._pid:
            return None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        pid, self._pid = self._pid, 0
        self._pipe.close()
        deadline_s = time.monotonic() + _REAP_S
        # One that waits for a lost drive cannot be ended, and is left behind.
        while time.monotonic() < deadline_s:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.001)
        return None


def _prepare_child(parent: int) -> None:
    os.setpgid(0, 0)  # so that what a plugin starts can be ended with it
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:  # Linux
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
        with suppress(OSError):  # if memory is short, this is the process to end
            Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash for each clip would fill the disk
    os.dup2(2, 1)  # what a plugin prints is no result
    gc.freeze()


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):  # it has just ended, or this is not Linux
        return 0


def _obituary(code: int | None) -> str:
    if code is None:
        return "its process was lost"
    if code >= 0:
        return f"ended its process (exit code {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"its process was killed ({name}{', perhaps out of memory' * (name == 'SIGKILL')})"
