"""Where work runs: in this process or in a pool of processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from fvx.errors import FvxError

T = TypeVar("T")
R = TypeVar("R")

_POLL_S = 0.2
_counter: Any = None  # in a worker: the pool's shared count of finished steps

# A worker does one clip at a time: more threads in BLAS or FFT would only fight the pool.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def step() -> None:
    """Say, from inside a task, that one step (a clip) of it is done."""
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += 1


def run(
    task: Callable[[T], R],
    items: Sequence[T],
    *,
    jobs: int = 1,
    on_steps: Callable[[int], None] = lambda _: None,
) -> Iterator[R]:
    """Apply ``task`` to each item; yield results as they come.

    Parameters
    ----------
    task : callable
        Importable by name, so that it travels to a worker.
    jobs : int
        Worker processes; 1 runs in this process.
    on_steps : callable
        Called a few times a second with the number of steps done so far.

    Raises
    ------
    FvxError
        If a worker process dies. What other tasks wrote stays.
    """
    global _counter
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    if jobs == 1 or len(items) == 1:
        _counter = counter
        try:
            for item in items:
                result = task(item)
                on_steps(counter.value)
                yield result
        finally:
            _counter = None
        return
    saved = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # read by the spawned workers
    pool = ProcessPoolExecutor(
        min(jobs, len(items)), mp_context=context, initializer=_count_in, initargs=(counter,)
    )
    try:
        pending: set[Future[R]] = {pool.submit(task, item) for item in items}
        while pending:
            done, pending = wait(pending, timeout=_POLL_S, return_when=FIRST_COMPLETED)
            on_steps(counter.value)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise FvxError(
            "a worker process died (killed, or out of memory); what it had finished is kept: "
            "give the same command again"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _count_in(counter: Any) -> None:
    global _counter
    _counter = counter
