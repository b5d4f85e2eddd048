from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pooled
import pytest
from processes import AVAILABLE, alive, wait_for

from fvx import executors, workers
from fvx.errors import FvxError, StoreError

THREADS = "OMP_NUM_THREADS"


def square(number: int) -> int:
    for _ in range(number):
        workers.step()
    return number**2


# In this process.


def test_results_come_in_order_in_this_process() -> None:
    seen: list[int] = []
    assert list(executors.run(square, [3, 1, 2], jobs=0, on_steps=seen.append)) == [9, 1, 4]
    assert seen == [1, 2, 3, 4, 5, 6]


def test_each_step_is_told_at_once_in_this_process() -> None:
    seen: list[int] = []
    results = executors.run(square, [2, 2], jobs=0, on_steps=seen.append)
    assert next(results) == 4
    assert seen == [1, 2]


def test_an_error_of_a_task_comes_through_in_this_process() -> None:
    with pytest.raises(StoreError, match="no room for 1"):
        list(executors.run(pooled.refuse, [1, 2], jobs=0))


def test_a_step_outside_a_run_counts_for_nothing() -> None:
    list(executors.run(square, [1], jobs=0, on_steps=lambda _: None))
    workers.step()


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_nothing_to_do_starts_nothing(jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "Worker", None)
    assert list(executors.run(square, [], jobs=jobs)) == []


# In workers.


def test_workers_give_all_results_and_count_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    seen: list[int] = []
    results = list(executors.run(pooled.work, range(1, 7), jobs=2, on_steps=seen.append))
    assert sorted(number for number, _, _ in results) == [1, 2, 3, 4, 5, 6]
    assert {threads for _, _, threads in results} == {"1"}
    pids = {pid for _, pid, _ in results}
    assert os.getpid() not in pids
    assert len(pids) == 2
    assert seen == list(range(1, 22))
    assert os.environ[THREADS] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_no_more_workers_are_started_than_there_are_items(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[workers.Worker] = []

    class Counted(workers.Worker):
        def __init__(self) -> None:
            super().__init__()
            started.append(self)

    monkeypatch.setattr(executors, "Worker", Counted)
    ((number, pid, _),) = executors.run(pooled.work, [3], jobs=8)
    assert (number, pid != os.getpid(), len(started)) == (3, True, 1)


def test_an_error_of_a_task_comes_through_from_a_worker() -> None:
    with pytest.raises(StoreError, match="no room for 1"):
        list(executors.run(pooled.refuse, [0, 1, 2], jobs=2))


def test_a_mistake_in_a_task_comes_with_its_trace() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(executors.run(pooled.blunder, [0]))
    assert "return 1 / number" in caught.value.__notes__[0]


def test_what_a_worker_cannot_import_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("only_here")
    exec("def task(item): ...", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(FvxError, match=r"worker on .* cannot load .*No module named 'only_here'"):
        list(executors.run(module.task, [1]))


def test_a_worker_that_is_killed_is_replaced_and_its_work_done_again(tmp_path: Path) -> None:
    items = [tmp_path / name for name in "abcd"]
    for path in items:
        path.write_text("xx" if path.name in "ac" else "")
    seen: list[int] = []
    results = executors.run(pooled.die, items, jobs=2, on_steps=seen.append)
    assert sorted(results) == ["a", "b", "c", "d"]
    assert seen == sorted(seen)
    assert seen[-1] == 8


def test_work_that_kills_each_worker_is_given_up_and_what_was_done_stays(tmp_path: Path) -> None:
    items = [(tmp_path / str(number), number == 1) for number in range(4)]
    with pytest.raises(FvxError, match=r"died again and again .*exit code 9.*the same command"):
        list(executors.run(pooled.write_or_die, items, jobs=2))
    assert (tmp_path / "0").read_text() == "done"
    assert not (tmp_path / "1").exists()


def pids_in(*notes: Path) -> list[int]:
    """Two from each note, once all have been written."""
    found = [int(pid) for note in notes if note.exists() for pid in note.read_text().split(" ")[:2]
             if pid]  # fmt: skip
    return found if len(found) == 2 * len(notes) else []


@pytest.mark.skipif(not AVAILABLE, reason="looks into /proc")
def test_workers_end_when_nobody_wants_the_rest(tmp_path: Path) -> None:
    notes = [tmp_path / "0", tmp_path / "1"]

    def stop(n_steps: int) -> None:
        wait_for(lambda: pids_in(*notes))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(executors.run(pooled.step_and_hang, notes, jobs=2, on_steps=stop))
    assert len(pids_in(*notes)) == 4
    assert not any(alive(pid) for pid in pids_in(*notes))


POOL = """
import sys
from pathlib import Path
from fvx import executors
sys.path.insert(0, sys.argv[1])
import pooled
list(executors.run(pooled.hang, [Path("0"), Path("1")], jobs=2))
"""


@pytest.mark.skipif(not AVAILABLE, reason="looks into /proc")
def test_workers_and_their_children_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(POOL)
    support = Path(__file__).parent / "support"
    parent = subprocess.Popen(
        [sys.executable, "pool.py", support], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    notes = [tmp_path / "0", tmp_path / "1"]
    try:
        wait_for(lambda: pids_in(*notes))
        pids = pids_in(*notes)
        assert len(set(pids)) == 4
        assert all(alive(pid) for pid in pids)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(alive(pid) for pid in pids))


# What can be handed to a worker.


def test_what_cannot_travel_is_told_apart() -> None:
    local = type("Local", (), {})()
    assert workers.travels(Path("a")) == ""
    assert "Local" in workers.travels(local)
    here = type("Here", (), {"__module__": "__main__"})()
    assert workers.travels(here) == "it is defined in the running script or session"


def test_a_worker_loads_no_more_than_it_needs() -> None:
    """Each of many pays for it, in time and memory."""
    code = "import sys, fvx.extract, fvx.measure, fvx.workers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "h5py" in loaded
    assert not loaded & {"pandas", "scipy.signal", "sklearn", "matplotlib", "ai_edge_litert"}
