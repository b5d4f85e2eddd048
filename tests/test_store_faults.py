"""Disks that are full, fail, or cannot be written: what was done is kept, and gone on with."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fakes
import pytest
from makers import contents, install_plugin, tree

from fvx.conversion import CONVERSION
from fvx.datasets import Dataset
from fvx.errors import StoreError
from fvx.extract import extract
from fvx.store import Store, verify
from fvx.store.sink import Sink

SUPPORT = Path(__file__).parent / "support"
FEATURES = (fakes.Grid(), fakes.Level())
N_CLIPS, N_SHARDS = 40, 3


# A disk that fails, through a fake.


class Failing(io.FileIO):
    """A file whose n-th write, of all such files together, fails; and perhaps those after it."""

    n_writes = 0
    fails_at = -1
    goes_on = True  # once it failed

    def write(self, data: Any) -> int:
        Failing.n_writes += 1
        late = Failing.n_writes - Failing.fails_at
        if Failing.fails_at > 0 and (late == 0 or (late > 0 and not Failing.goes_on)):
            raise OSError(errno.EIO, "Input/output error")
        return super().write(data)


@pytest.fixture
def failing() -> Iterator[type[Failing]]:
    Sink.__bases__ = (Failing,)
    Failing.n_writes, Failing.fails_at, Failing.goes_on = 0, -1, True
    yield Failing
    Sink.__bases__ = (io.FileIO,)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tree(tmp_path_factory.mktemp("corpus") / "c", N_CLIPS)


@pytest.fixture(scope="module")
def whole(corpus: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that nothing disturbed."""
    store = tmp_path_factory.mktemp("undisturbed") / "s"
    extract(corpus, FEATURES, store, jobs=0)
    assert len(shards(store)) == N_SHARDS
    return store


@pytest.fixture(scope="module")
def undisturbed(whole: Path) -> dict[str, Any]:
    return contents(whole)


def shards(store: Path) -> list[str]:
    return sorted(path.name for path in store.glob("*.h5"))


def assert_kept_and_resumed(corpus: Dataset, store: Path, undisturbed: dict[str, Any]) -> None:
    """What is there is whole and right; the same call makes the rest, as if undisturbed."""
    assert not [name for name in os.listdir(store) if ".tmp" in name]
    found = contents(store)
    assert found.items() <= undisturbed.items()
    if (store / "store.json").exists():
        assert verify(store).damages == ()
    n_kept = len(shards(store))
    done = extract(corpus, FEATURES, store, jobs=0)
    assert done.n_skipped == min(16 * n_kept, N_CLIPS)
    assert contents(store) == undisturbed
    assert verify(store).damages == ()


@pytest.mark.parametrize("goes_on", [True, False], ids=["once", "for good"])
@pytest.mark.parametrize("share", [i / 16 for i in range(16)])
def test_a_disk_that_fails_at_any_write_costs_the_shard_being_written(
    corpus: Dataset,
    tmp_path: Path,
    failing: type[Failing],
    undisturbed: dict[str, Any],
    share: float,
    goes_on: bool,
) -> None:
    extract(corpus, FEATURES, tmp_path / "count", jobs=0)
    n_writes, failing.n_writes = failing.n_writes, 0
    failing.fails_at, failing.goes_on = 1 + int(share * n_writes), goes_on
    with pytest.raises(StoreError, match=r"\.h5: cannot be written \(Input/output error\)$"):
        extract(corpus, FEATURES, tmp_path / "s", jobs=0)
    failing.fails_at = -1
    n_kept = len(shards(tmp_path / "s"))
    assert n_kept == int(share * N_SHARDS) or 0 < share < 1
    assert_kept_and_resumed(corpus, tmp_path / "s", undisturbed)


def fail(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(os, "fsync"), (Path, "replace"), (io.FileIO, "close")],
    ids=["flush", "rename", "close"],
)
def test_a_disk_that_fails_at_the_last_step_leaves_no_shard(
    corpus: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, Any],
    owner: object,
    name: str,
) -> None:
    store = Store.create(
        tmp_path / "s", dataset="c", rate_hz=16_000, clips_per_shard=16, conversion=CONVERSION
    )
    with monkeypatch.context() as patch:
        if owner is io.FileIO:
            patch.setattr(Sink, "close", closing_badly(Sink.close), raising=False)
        else:
            patch.setattr(owner, name, fail)
        with pytest.raises(StoreError, match=r"\.h5: cannot be written \(Input/output error\)$"):
            extract(corpus, FEATURES, store.path, jobs=0)
    assert shards(store.path) == []
    assert_kept_and_resumed(corpus, store.path, undisturbed)


def closing_badly(close: Callable[[Sink], None]) -> Callable[[Sink], None]:
    """A network drive may tell only then that what was written did not arrive."""

    def badly(self: Sink) -> None:
        was_open = not self.closed
        close(self)
        if was_open:
            fail()

    return badly


# A real one that is full, and one that is read-only.


@pytest.fixture(scope="module")
def private_mounts() -> list[str]:
    """What to put before a command so that it may mount what nobody else sees."""
    for options in (["-m"], ["-rm"]):
        command = ["unshare", *options, "--propagation", "private", "sh", "-c"]
        try:
            probe = subprocess.run(
                [*command, "mount -t tmpfs none /mnt"], capture_output=True, check=False
            )
        except FileNotFoundError:
            pytest.skip("unshare is not installed")
        if probe.returncode == 0:
            return command[:-2]
    pytest.skip(f"may not mount anything: {probe.stderr.decode().strip()}")


@pytest.mark.parametrize("size_kb", [4, 120])
def test_a_full_disk_costs_the_shards_that_did_not_fit(
    tmp_path: Path, private_mounts: list[str], corpus: Dataset, whole: Path, size_kb: int
) -> None:
    install_plugin(tmp_path / "site", "fvx-fakes", "fakes")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        [*private_mounts, sys.executable, SUPPORT / "full_disk.py", place, corpus.root,
         whole, str(size_kb)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(SUPPORT)])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    told = json.loads(done.stdout)
    full, read_only, again = told["full"], told["read_only"], told["again"]
    (line,) = full["lines"]
    assert full["code"] == 1
    assert line.endswith(": cannot be written (No space left on device)")
    assert told["damages"] == []
    assert not [name for name in full["files"] if ".tmp" in name]
    # As many whole shards as there was room for; of 16 clips, and the last of what is left.
    n_of_shard = {"000000": 16, "000001": 16, "000002": 8}
    kept = [n_of_shard[name[:6]] for name in full["files"] if name.endswith(".h5")]
    assert told["kept"] == sum(kept) < N_CLIPS

    assert read_only["code"] == 1
    assert [one.rpartition(": ")[2] for one in read_only["lines"]] == [
        "cannot be written (Read-only file system)"
    ]
    assert read_only["files"] == full["files"]
    assert told["readable"] == len(kept)

    assert again["code"] == 0, again["lines"]
    assert f"({N_CLIPS - told['kept']} extracted now, {told['kept']} there already)" in again["out"]
    assert told["equal"]
    assert full["tracebacks"] + read_only["tracebacks"] + again["tracebacks"] == 0


@pytest.mark.parametrize("room", [0, 3, 10])
def test_what_a_full_disk_refused_is_still_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    put = Sink.put

    def little_room(self: Sink, data: memoryview) -> int:
        if self.tell() >= room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(self, data[: room - self.tell()])

    monkeypatch.setattr(Sink, "put", little_room)
    expected = bytearray(30)
    with Sink(tmp_path / "file", "w+") as sink:
        for offset, data in ((0, b"abcdefgh"), (12, b"ijklmnop"), (4, b"WXYZ")):
            sink.seek(offset)
            assert sink.write(data) == len(data)
            assert sink.tell() == offset + len(data)
            expected[offset : offset + len(data)] = data
        found = bytearray(b"?" * 30)
        sink.seek(0)
        assert sink.readinto(found) == 30
        assert found == expected
        with pytest.raises(OSError, match="No space left"):
            sink.check()
