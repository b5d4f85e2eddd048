"""Where work runs: in this process, in worker processes, or on a Dask cluster."""

from __future__ import annotations

import itertools
import logging
import pickle
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from fvx.errors import FvxError
from fvx.workers import Kind, Worker, counting, stop

T = TypeVar("T")
R = TypeVar("R")

_MOST_DEATHS = 3  # of workers over one item
_POLL_S = 0.2
_IN_FLIGHT = 64  # items a cluster is given at once, or twice as many as it has cores
_idle: list[Worker] = []  # in a Dask worker: workers of its own, for the next items


def run(
    task: Callable[[T], R],
    items: Sequence[T],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    on_steps: Callable[[int], None] = lambda _: None,
) -> Generator[R, None, None]:
    """Apply ``task`` to each item; yield results as they come.

    Parameters
    ----------
    task : callable
        Importable by name, so that it travels to a worker.
    jobs : int
        Worker processes; 0 runs in this process.
    scheduler : str or None
        Address of a Dask scheduler, whose cluster does the work instead.
    on_steps : callable
        Called with the number of steps done so far: after each, on a cluster after each item.

    Raises
    ------
    FvxError
        If one item costs the lives of several workers, or the cluster cannot be used. What
        other tasks wrote stays.
    """
    if not items:
        return
    if scheduler is not None:
        yield from _run_on_cluster(task, items, scheduler, on_steps)
    elif jobs == 0:
        yield from _run_here(task, items, on_steps)
    else:
        yield from _run_in_workers(task, items, min(jobs, len(items)), on_steps)


def _run_here(
    task: Callable[[T], R], items: Sequence[T], on_steps: Callable[[int], None]
) -> Iterator[R]:
    n_steps = itertools.count(1)
    for item in items:
        with counting(lambda: on_steps(next(n_steps))):
            result = task(item)
        yield result


def _run_in_workers(
    task: Callable[[T], R], items: Sequence[T], jobs: int, on_steps: Callable[[int], None]
) -> Iterator[R]:
    waiting = deque(range(len(items)))
    steps: Counter[int] = Counter()
    deaths: Counter[int] = Counter()
    busy: dict[Connection, tuple[Worker, int]] = {}

    def begin_next(worker: Worker) -> None:
        if waiting:
            index = waiting.popleft()
            busy[worker.give(pickle.dumps((task, items[index])))] = worker, index

    workers: list[Worker] = []
    try:
        workers.extend(Worker() for _ in range(jobs))
        for worker in workers:
            begin_next(worker)
        while busy:
            for connection in wait(list(busy)):
                worker, index = busy[connection]  # type: ignore[index]
                kind, content = worker.receive()
                if kind == "steps":
                    steps[index] = max(steps[index], content)  # one that is done again
                    on_steps(steps.total())
                    continue
                del busy[connection]  # type: ignore[arg-type]
                if kind == "failed":
                    raise content
                if kind == "died":
                    deaths[index] += 1
                    if deaths[index] == _MOST_DEATHS:
                        raise _died(f"exit code {content}")
                    waiting.appendleft(index)
                    workers.remove(worker)
                    worker = Worker()
                    workers.append(worker)
                begin_next(worker)
                if kind == "done":
                    yield content
    finally:
        stop(workers)


def _died(how: str) -> FvxError:
    return FvxError(
        f"worker processes died again and again over the same shard ({how}; killed, or out of "
        "memory); what was finished is kept: give the same command again"
    )


def _run_on_cluster(
    task: Callable[[T], R], items: Sequence[T], address: str, on_steps: Callable[[int], None]
) -> Iterator[R]:
    try:
        from distributed import CancelledError, Client, KilledWorker, as_completed
    except ImportError as error:
        raise FvxError(f"--scheduler needs Dask ({error}): pip install 'fvx[cluster]'") from error
    for name in ("distributed", "distributed.client"):  # what matters is raised below
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise FvxError(f"{address}: no Dask scheduler can be reached ({reason})") from error
    waiting, n_steps = iter(items), 0
    results = as_completed(loop=client.loop)
    with client:

        def submit() -> None:
            # No more than keeps the cluster busy: a million clips would fill its scheduler.
            n_wanted = max(_IN_FLIGHT, 2 * sum(client.ncores().values())) - results.count()
            for item in itertools.islice(waiting, max(0, n_wanted)):
                work = pickle.dumps((task, item))
                results.add(client.submit(_run_in_dask_worker, work, pure=False))

        submit()
        for future in results:
            try:
                content, n_of_item = future.result()
                submit()
            except ImportError as error:
                raise FvxError(
                    f"{address}: a worker cannot load what it needs ({error}); install the same "
                    "fvx and plugins on each machine"
                ) from error
            except KilledWorker as error:
                raise _died(f"the last was {error.last_worker.address}") from error
            except (CancelledError, OSError) as error:
                raise FvxError(
                    f"{address}: the scheduler was lost; what was finished is kept: give the "
                    "same command again"
                ) from error
            n_steps += n_of_item
            on_steps(n_steps)
            yield content


def _run_in_dask_worker(work: bytes) -> tuple[Any, int]:
    """Carry out pickled work in a process of one's own, as on one machine; count its steps."""
    for _ in range(_MOST_DEATHS):
        worker = _idle.pop() if _idle else Worker()
        try:
            kind, content, n_steps = _outcome(worker, work)
        except BaseException:  # Ctrl-C, too: a process left behind would go on
            stop([worker])
            raise
        if kind == "died":
            continue
        _idle.append(worker)
        if kind == "failed":
            raise content
        return content, n_steps
    raise _died(f"exit code {content}")


def _outcome(worker: Worker, work: bytes) -> tuple[Kind, Any, int]:
    n_steps = 0
    worker.give(work)
    while True:
        if worker.connection.poll(_POLL_S):
            kind, content = worker.receive()
            if kind != "steps":
                return kind, content, n_steps
            n_steps = content
        elif _is_cancelled():
            raise FvxError("nobody waits for this shard any more")


def _is_cancelled() -> bool:
    """Whether whoever asked for the running Dask task has given it up, or is gone."""
    from distributed import get_worker

    worker = get_worker()
    state = worker.state.tasks.get(worker.get_current_task())
    return state is None or state.state == "cancelled"
