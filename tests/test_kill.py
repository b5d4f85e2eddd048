"""Killed at any moment: what was finished stays, and the same call ends as if undisturbed."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import extraction
import pytest
from makers import contents, tree, write_tree
from processes import AVAILABLE, children, group, wait_for

from fvx import extract as module
from fvx.datasets import Dataset, open_dataset
from fvx.store import Store
from fvx.store.sink import Sink

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="looks into /proc")

SUPPORT = Path(__file__).parent / "support"
N_CLIPS = 160


def whole_shards(store: Path) -> set[str]:
    return {path.name for path in store.glob("[!.]*.h5")}


def undisturbed(dataset: Dataset, store: Path) -> dict[str, Any]:
    module.extract(dataset, extraction.FEATURES, store, jobs=0)
    return contents(store)


def test_killed_at_thirty_random_points(tmp_path: Path) -> None:
    """The coordinator, a worker, its child, or all of them; begun again and again."""
    chance = random.Random(20)
    write_tree(tmp_path / "c", N_CLIPS)
    (tmp_path / "pace").write_text("0.002")
    expected = undisturbed(open_dataset(tmp_path / "c"), tmp_path / "u")
    killed: Counter[str] = Counter()
    stores = [tmp_path / "0"]
    while killed.total() < 30 or len(killed) < 4:  # of each kind some, on however slow a machine
        if begin_and_kill(stores[-1], chance, killed) == 0:
            stores.append(tmp_path / str(len(stores)))
    assert begin(stores[-1]).wait() == 0
    for store in stores:
        assert contents(store) == expected
        assert sorted(os.listdir(store)) == sorted(os.listdir(tmp_path / "u"))


def begin(store: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, SUPPORT / "extraction.py", "c", store.name, "2"],
        cwd=store.parent,
        env={**os.environ, "FVX_TEST_SLOW": str(store.parent / "pace")},
        start_new_session=True,
    )


def begin_and_kill(store: Path, chance: random.Random, killed: Counter[str]) -> int:
    """Begin an extraction, kill parts of it, at last all; its exit code, 0 if it ended well."""
    there = whole_shards(store)
    run = begin(store)
    try:
        wait_for(lambda: run.poll() is not None or list(store.glob(".*.tmp.h5")))
        last = chance.choice(("coordinator", "all"))
        for victim in (*chance.sample(("worker", "child"), 2), last):
            time.sleep(chance.uniform(0.0, 0.15))
            wait_for(lambda: run.poll() is not None or processes_of(run, victim))  # noqa: B023
            pids = processes_of(run, victim)
            if run.poll() is None and pids:
                with suppress(ProcessLookupError):
                    kill = os.killpg if victim == "all" else os.kill
                    kill(chance.choice(pids), signal.SIGKILL)
                    killed[victim] += 1
    finally:
        run.kill()
        code = run.wait()
    wait_for(lambda: not group(run.pid))
    assert there <= whole_shards(store)
    assert len(Store.open(store).clips) == 16 * len(whole_shards(store))
    return code


def processes_of(run: subprocess.Popen[bytes], kind: str) -> list[int]:
    """Its workers, or their children, that are there at the moment; else its own."""
    if kind in ("coordinator", "all"):
        return [run.pid]
    workers = children(run.pid)
    return workers if kind == "worker" else [pid for one in workers for pid in children(one)]


def watch(happens: Callable[[str], None]) -> None:
    """Have ``happens`` called before everything that is done to a shard's file."""
    for owner, name in (
        (Sink, "write"), (Sink, "truncate"), (os, "fsync"), (Path, "replace"), (Path, "unlink"),
    ):  # fmt: skip
        original = getattr(owner, name)

        def watched(*a: Any, _name: str = name, _do: Any = original, **k: Any) -> Any:
            happens(_name)
            return _do(*a, **k)

        setattr(owner, name, watched)


def forked(task: Callable[[], object]) -> int:
    """Run in a forked process, which does not come back; its exit code."""
    pid = os.fork()
    if not pid:
        try:
            task()
        finally:
            os._exit(sys.exc_info()[1] is not None)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_killed_at_thirty_steps_of_writing_a_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two writes, and just before each flush and renaming."""
    monkeypatch.setattr(module, "_MIN_CLIPS_PER_SHARD", 3)
    dataset = tree(tmp_path / "c", 6)
    expected = undisturbed(dataset, tmp_path / "u")
    listed = sorted(os.listdir(tmp_path / "u"))

    def extract(store: Path, last: int | None = None, log: Path = Path(os.devnull)) -> None:
        n_before = itertools.count()

        def happens(what: str) -> None:
            if next(n_before) == last:
                os.kill(os.getpid(), signal.SIGKILL)
            with log.open("a") as file:
                file.write(f"{what}\n")

        watch(happens)
        module.extract(dataset, extraction.FEATURES, store, jobs=0)

    assert forked(lambda: extract(tmp_path / "whole", log=tmp_path / "log")) == 0
    log = (tmp_path / "log").read_text().split()
    rare = [point for point, what in enumerate(log) if what in ("fsync", "replace")]
    assert len(rare) >= 6
    often = [point for point in range(len(log)) if point not in rare]
    points = [*rare, *random.Random(21).sample(often, 32 - len(rare))]
    for point in points:
        store = tmp_path / str(point)
        assert forked(lambda: extract(store, point)) == -signal.SIGKILL  # noqa: B023 - at once
        found = contents(store)
        assert found == {key: expected[key] for key in found}
        assert forked(lambda: extract(store)) == 0  # noqa: B023
        assert contents(store) == expected
        assert sorted(os.listdir(store)) == listed
