"""Where work runs: in this process or in a pool of processes."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from fvx.errors import FvxError

T = TypeVar("T")
R = TypeVar("R")

_POLL_S = 0.2
_on_step: Callable[[], None] | None = None  # what a finished step of a task sets off

# A worker does one clip at a time: more threads in BLAS or FFT would only fight the pool.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def step() -> None:
    """Say, from inside a task, that one step (a clip) of it is done."""
    if _on_step is not None:
        _on_step()


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
        Called with the number of steps done so far: after each in this process, else a few
        times a second.

    Raises
    ------
    FvxError
        If a worker process dies. What other tasks wrote stays.
    """
    if jobs == 1 or len(items) <= 1:
        yield from _run_here(task, items, on_steps)
        return
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    saved = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))  # read by the spawned workers
    pool = ProcessPoolExecutor(
        min(jobs, len(items)), mp_context=context, initializer=_begin_worker, initargs=(counter,)
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


def _run_here(
    task: Callable[[T], R], items: Sequence[T], on_steps: Callable[[int], None]
) -> Iterator[R]:
    global _on_step
    n_steps = itertools.count(1)

    def count() -> None:
        on_steps(next(n_steps))

    before, _on_step = _on_step, count
    try:
        for item in items:
            yield task(item)
    finally:
        _on_step = before


def _begin_worker(counter: Any) -> None:
    """Have a worker count its steps, and end with the process that started it."""
    global _on_step

    def count() -> None:
        with counter.get_lock():
            counter.value += 1

    _on_step = count
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A parent that is killed cannot end its pool, whose workers would wait for it for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
