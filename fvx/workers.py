"""Worker processes: started fresh, given one task after another, ended with whoever began them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Literal, NoReturn

from fvx.errors import FvxError

Kind = Literal["steps", "done", "failed", "died"]

_PATIENCE_S = 10.0  # for a worker to end by itself
_on_step: Callable[[], None] | None = None  # what a finished step of a task sets off
_asker: Connection | None = None  # in a worker: whoever wants its results
_endings: list[Callable[[], object]] = []  # in a worker

# A worker does one clip at a time: more threads in BLAS or FFT would only fight the others.
_ONE_THREAD = dict.fromkeys(
    (
        "BLIS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)  # fmt: skip
# Large arrays come from the system and go back to it at once, where the C library is glibc:
# else holes between what is kept would grow with the length of clips.
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 22), "MALLOC_TRIM_THRESHOLD_": str(1 << 25)}
# It finds what this process finds, and does not run this process's script again.
_PROGRAM = (
    "import sys; fd, sys.path[:] = int(sys.argv[1]), sys.argv[2:]; "
    "from fvx.workers import serve; serve(fd)"
)


def step() -> None:
    """Say, from inside a task, that one step (a clip) of it is done."""
    if _on_step is not None:
        _on_step()


@contextmanager
def counting(on_step: Callable[[], None]) -> Iterator[None]:
    """Call ``on_step`` for each `step` meanwhile."""
    global _on_step
    before, _on_step = _on_step, on_step
    try:
        yield
    finally:
        _on_step = before


def lifeline() -> Connection | None:
    """In a worker, the connection that ends with whoever wants its results; elsewhere None."""
    return _asker


def at_end(do: Callable[[], object]) -> None:
    """Have ``do`` called when this worker ends."""
    _endings.append(do)


def travels(content: object) -> str:
    """Say why ``content`` cannot go to a worker; nothing if it can."""
    if type(content).__module__ == "__main__":
        return "it is defined in the running script or session"
    try:
        pickle.loads(pickle.dumps(content))
    except Exception as error:  # noqa: BLE001 - what a plugin defines may fail in any way
        return " ".join(str(error).split())
    return ""


class Worker:
    """One worker process.

    Attributes
    ----------
    connection : Connection
        Ready to be waited for while it has something to tell.
    """

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        # Ctrl-C is for the process that began it, which then ends this one.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), *sys.path],
                env={**os.environ, **_ONE_THREAD, **_MEMORY},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a plugin prints is no result
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def give(self, work: bytes) -> Connection:
        """Hand over a pickled task and its argument."""
        with suppress(ConnectionError):  # `receive` tells of its end
            self.connection.send_bytes(work)
        return self.connection

    def receive(self) -> tuple[Kind, Any]:
        """Wait for the next it has to tell.

        Returns
        -------
        kind, content
            "steps" with their number so far, "done" with the result, "failed" with the
            exception, or "died" with the exit code.
        """
        try:
            told: tuple[Kind, Any] = self.connection.recv()
        except (EOFError, ConnectionError):
            stop([self])
            return "died", self._process.returncode
        return told

    def _wait(self) -> None:
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop(workers: Sequence[Worker]) -> None:
    """End workers; what they have begun to write, they remove."""
    for worker in workers:
        worker.connection.close()
    for worker in workers:
        worker._wait()


def serve(descriptor: int) -> NoReturn:
    """Be a worker: carry out what comes, until nobody is there to tell the result to."""
    global _asker
    _asker = Connection(descriptor)
    try:
        while True:
            work = _asker.recv_bytes()
            _asker.send(_carry_out(work, _asker))
    except (EOFError, ConnectionError):
        pass
    finally:
        for do in _endings:
            do()
        os._exit(0)  # at once: all that was to be kept is on disk


def _carry_out(work: bytes, asker: Connection) -> tuple[Kind, Any]:
    n_steps = 0

    def count() -> None:
        nonlocal n_steps
        n_steps += 1
        asker.send(("steps", n_steps))

    try:
        task, argument = pickle.loads(work)
        with counting(count):
            return "done", task(argument)
    except ConnectionError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is for the other process
        return "failed", _portable(error)


def _portable(error: Exception) -> Exception:
    """The error, if it can travel; with its trace, which cannot, unless it says all there is."""
    if isinstance(error, ImportError | AttributeError):
        name = os.uname().nodename
        return FvxError(f"a worker on {name} cannot load what it needs ({error})")
    if not isinstance(error, FvxError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever keeps it from travelling
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
