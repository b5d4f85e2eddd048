from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import AVAILABLE, alive, wait_for

from fvx import executors
from fvx.errors import FvxError, StoreError

THREADS = "OMP_NUM_THREADS"


def square(number: int) -> int:
    for _ in range(number):
        executors.step()
    return number**2


def refuse(number: int) -> int:
    raise StoreError(f"no room for {number}")


def test_results_come_in_order_in_this_process() -> None:
    seen: list[int] = []
    assert list(executors.run(square, [3, 1, 2], on_steps=seen.append)) == [9, 1, 4]
    assert seen == [1, 2, 3, 4, 5, 6]


def test_each_step_is_told_at_once_in_this_process() -> None:
    seen: list[int] = []
    results = executors.run(square, [2, 2], on_steps=seen.append)
    assert next(results) == 4
    assert seen == [1, 2]


@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing_to_do_starts_nothing(jobs: int) -> None:
    assert list(executors.run(square, [], jobs=jobs)) == []


def test_one_item_needs_no_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "ProcessPoolExecutor", None)
    assert list(executors.run(square, [3], jobs=8)) == [9]


def test_a_step_outside_a_run_counts_for_nothing() -> None:
    list(executors.run(square, [1], on_steps=lambda _: None))
    executors.step()


def test_an_error_of_a_task_comes_through() -> None:
    with pytest.raises(StoreError, match="no room for 1"):
        list(executors.run(refuse, [1, 2]))


def test_a_pool_gives_all_results_and_counts_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    import pooled

    monkeypatch.setenv(THREADS, "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    seen: list[int] = []
    results = list(executors.run(pooled.work, range(1, 7), jobs=2, on_steps=seen.append))
    assert sorted(number for number, _, _ in results) == [1, 2, 3, 4, 5, 6]
    assert {threads for _, _, threads in results} == {"1"}
    pids = {pid for _, pid, _ in results}
    assert os.getpid() not in pids
    assert len(pids) <= 2
    assert seen == sorted(seen)
    assert seen[-1] == 21
    assert os.environ[THREADS] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_a_worker_that_dies_is_told_and_what_was_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooled

    monkeypatch.delenv(THREADS, raising=False)
    items = [(tmp_path / str(number), number == 1) for number in range(4)]
    with pytest.raises(FvxError, match=r"a worker process died .*give the same command again"):
        list(executors.run(pooled.write_or_die, items, jobs=2))
    assert (tmp_path / "0").read_text() == "done"
    assert not (tmp_path / "1").exists()
    assert THREADS not in os.environ


POOL = """
import sys
from pathlib import Path
from fvx import executors
sys.path.insert(0, sys.argv[1])
import pooled
if __name__ == "__main__":
    list(executors.run(pooled.hang, [Path("0"), Path("1")], jobs=2))
"""


@pytest.mark.skipif(not AVAILABLE, reason="looks into /proc")
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(POOL)
    support = Path(__file__).parent / "support"
    parent = subprocess.Popen(
        [sys.executable, "pool.py", support], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    notes = [tmp_path / "0", tmp_path / "1"]
    try:
        wait_for(lambda: all(note.exists() and note.read_text() for note in notes))
        assert all(alive(int(note.read_text())) for note in notes)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(alive(int(note.read_text())) for note in notes))
