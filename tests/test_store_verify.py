from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import fakes
import h5py
import numpy as np
import pytest
from makers import clip, new_store, write_shard

from fvx.datasets import Clip, Label
from fvx.errors import StoreError
from fvx.feature import Feature
from fvx.store import Failure, ShardWriter, Store, group_failures, summarise, verify
from fvx.store.tables import SHA256, encode, fingerprint, write_column

LEVEL, ENDS, GRID = fakes.Level(), fakes.Ends(), fakes.Grid()
CLIPS = [clip("a", split="train"), clip("b", Label.SPOOF, split="train"), clip("c", Label.SPOOF)]
SHARDS = ("000000-a.h5", "000001-b.h5")


def rows(feature: Feature, n_rows: int, seed: int) -> np.typing.NDArray[np.float32]:
    shape = (1 if feature.hop_s is None else n_rows, len(feature.columns))
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def add_shard(path: Path, features: list[Feature], clips: list[Clip], first: int = 0) -> None:
    values = {
        (f.name, one.id): rows(f, 2_000 + i, i) for f in features for i, one in enumerate(clips)
    }
    write_shard(path, features, clips, values, first=first)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three clips, of which c failed, in two shards."""
    path = tmp_path / "s"
    new_store(path)
    add_shard(path / SHARDS[0], [LEVEL, GRID], CLIPS[:2])
    with ShardWriter(path / SHARDS[1], [LEVEL, GRID], 16_000) as shard:
        shard.add(2, CLIPS[2], {}, 0, "", [Failure("c", "", "AudioError", "empty file")])
    return path


def test_a_sound_store_has_nothing_to_be_told(store: Path) -> None:
    seen: list[tuple[int, int, int]] = []
    found = verify(store, lambda *step: seen.append(step))
    assert (found.damages, found.notes) == ((), ())
    assert (found.n_shards, found.n_clips) == (2, 3)
    assert found.n_bytes == sum(path.stat().st_size for path in store.glob("*.h5"))
    assert seen == [(0, 2, 0), (1, 2, 0), (2, 2, 0)]
    new_store(store.parent / "empty")
    assert verify(store.parent / "empty").damages == ()


def change(path: Path, name: str, how: Callable[[h5py.File], None]) -> None:
    with h5py.File(path / name, "r+") as file:
        how(file)


def reseal(file: h5py.File) -> None:
    """The checksum of the whole again, so that only what it says can be wrong."""
    file.attrs[SHA256] = fingerprint(file)


def set_value(file: h5py.File) -> None:
    file["features/level/values"][1_000, 0] += 1


def set_offset(file: h5py.File) -> None:
    file["features/level/offsets"][1] += 1


def set_label(file: h5py.File) -> None:
    file["clips/label"][0] = b"spoof"


def set_setting(file: h5py.File) -> None:
    record = json.loads(file["features/level"].attrs["record"])
    record["settings"]["gain"] = 2.0
    file["features/level"].attrs["record"] = json.dumps(record)


def lose_checksum(file: h5py.File) -> None:
    del file["clips/speaker"].attrs[SHA256]


def lose_failure(file: h5py.File) -> None:
    for column in Failure.__annotations__:
        del file[f"failures/{column}"]
        write_column(file["failures"], column, encode([]))
    reseal(file)


def twice_the_clip(file: h5py.File) -> None:
    del file["clips/id"]
    write_column(file["clips"], "id", encode(["a", "a"]))
    reseal(file)


def other_rate(file: h5py.File) -> None:
    file.attrs["rate_hz"] = 8_000
    reseal(file)


def other_settings(file: h5py.File) -> None:
    set_setting(file)
    reseal(file)


REDO = "delete it and give the same `fvx extract` again"
DAMAGES: dict[str, tuple[str, Callable[[h5py.File], None], str]] = {
    "a value": (SHARDS[0], set_value,
                f"features/level/values is not as it was written (checksum); {REDO}"),
    "an offset": (SHARDS[0], set_offset,
                  f"features/level/offsets is not as it was written (checksum); {REDO}"),
    "a label": (SHARDS[0], set_label, f"clips/label is not as it was written (checksum); {REDO}"),
    "a setting": (SHARDS[0], set_setting,
                  f"what it says of itself is not as it was written (checksum); {REDO}"),
    "a checksum": (SHARDS[0], lose_checksum, f"clips/speaker has no checksum; {REDO}"),
    "a failure": (SHARDS[1], lose_failure,
                  "1 clips have neither grid nor a failure that says why (e.g. 'c'); " + REDO),
    "a clip twice": (SHARDS[0], twice_the_clip, f"clip 'a' is in it 2 times; {REDO}"),
    "another rate": (SHARDS[0], other_rate, f"made at 8000 Hz, the store at 16000 Hz; {REDO}"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGES)
def test_damage_is_one_line_that_names_file_and_remedy(store: Path, case: str) -> None:
    shard, damage, line = DAMAGES[case]
    change(store, shard, damage)
    found = verify(store)
    assert found.damages[0] == f"{store / shard}: {line}"
    assert all(one.startswith(f"{store / shard}: ") and "\n" not in one for one in found.damages)


@pytest.mark.parametrize("share", np.linspace(0.01, 0.99, 33))
def test_a_bit_that_flipped_is_found_wherever_it_matters(store: Path, share: float) -> None:
    """Either it is reported, or what the store gives is what it gave before."""
    before = everything(store)
    path = store / SHARDS[0]
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 0x10
    path.write_bytes(data)
    found = verify(store)
    if not found.damages:
        assert everything(store) == before
    assert all(one.startswith(f"{path}: ") for one in found.damages)


def everything(path: Path) -> object:
    store = Store.open(path)
    values = {(f, c): store[f][c].tobytes() for f in store.features for c in store[f]}
    return values, store.clips.to_dict("records"), store.failures.to_dict("records")


def test_every_damaged_shard_is_told_and_not_the_first_alone(store: Path) -> None:
    (store / SHARDS[0]).write_bytes(b"no shard")
    (store / SHARDS[1]).write_bytes(b"")
    (store / "letter.h5").mkdir()
    found = verify(store)
    lines = [one.removeprefix(f"{store}/").partition(":")[0] for one in found.damages]
    assert lines == [*SHARDS, "letter.h5"]
    assert found.n_clips == 0


def test_a_disk_that_fails_is_not_taken_for_damage(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = h5py.File

    def failing(path: Path, *more: object) -> h5py.File:
        if Path(path).name == SHARDS[0]:
            raise OSError(errno.EIO, "Input/output error")
        return real(path, *more)

    monkeypatch.setattr(h5py, "File", failing)
    assert verify(store).damages == (f"{store / SHARDS[0]}: cannot be read (Input/output error)",)


def test_values_that_are_stored_twice_are_told_once_a_shard(store: Path) -> None:
    shutil.copy(store / SHARDS[0], store / "000002-c.h5")
    assert verify(store).damages == (
        f"{store / '000002-c.h5'}: grid of clip 'a' is in 000000-a.h5 too; delete one of them",
    )


def test_one_feature_with_two_settings_is_told(store: Path) -> None:
    add_shard(store / "000002-c.h5", [fakes.Level(2.0)], [clip("d")], first=3)
    (line,) = verify(store).damages
    assert line == (
        f"{store}: level is stored with two different settings; delete 000002-c.h5 or "
        "extract into another store"
    )


def test_what_is_left_to_do_is_no_damage(store: Path) -> None:
    add_shard(store / "000002-c.h5", [ENDS], CLIPS[:2])
    (store / ".000003-d.77.tmp.h5").touch()
    found = verify(store)
    assert found.damages == ()
    assert found.notes == (
        "1 clips have not been tried with ends yet; `fvx extract` goes on",
        "1 files that a run is writing, or that one left that was killed; the next `fvx extract` "
        "removes them",
    )


def test_a_damaged_table_is_told(store: Path) -> None:
    Store.open(store).save_table("windows", {"x": np.arange(3)}, {"length_s": 1.0})
    assert verify(store).damages == ()
    table = store / "tables" / "windows.h5"
    table.write_bytes(table.read_bytes()[:900])
    (line,) = verify(store).damages
    assert line.startswith(f"{table}: damaged (")
    assert line.endswith("); give `fvx window` again")


def test_without_a_store_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store there"):
        verify(tmp_path)


# What a store holds.


def test_a_summary_counts_clips_rows_bytes_and_failures(store: Path) -> None:
    Store.open(store).save_table("windows", {"x": np.arange(3)}, {"length_s": 1.0})
    summary = summarise(Store.open(store))
    assert (summary.dataset, summary.rate_hz, summary.format_version) == ("corpus", 16_000, 2)
    assert (summary.n_shards, summary.hours) == (2, pytest.approx(0.2 / 3600))
    assert summary.n_bytes == sum(path.stat().st_size for path in store.rglob("*.h5"))
    assert summary.clips.to_dict("index") == {
        "": {"bonafide": 0, "spoof": 1}, "train": {"bonafide": 1, "spoof": 1},
    }  # fmt: skip
    grid, level = summary.features
    assert (grid.record.name, grid.n_clips, grid.n_rows) == ("grid", 2, 4_001)
    assert (level.record.name, level.n_clips, level.n_rows) == ("level", 2, 4_001)
    assert 0 < level.n_bytes < grid.n_bytes < summary.n_bytes
    (group,) = summary.failures
    assert (group.feature, group.error, group.reason) == ("", "AudioError", "empty file")
    assert (group.n, group.example) == (1, "c")


def test_failures_are_grouped_the_most_frequent_first(tmp_path: Path) -> None:
    path = tmp_path / "s"
    new_store(path)
    with ShardWriter(path / "0.h5", [LEVEL], 16_000) as shard:
        for i, reason in enumerate(["rare", "often", "often"]):
            failure = Failure(f"c{i}", "level", "ValueError", reason)
            shard.add(i, clip(f"c{i}"), {}, 1_600, "", [failure])
    groups = group_failures(Store.open(path).failures)
    assert [(group.reason, group.n, group.example) for group in groups] == [
        ("often", 2, "c1"), ("rare", 1, "c0"),
    ]  # fmt: skip


def test_an_empty_store_can_be_summarised(tmp_path: Path) -> None:
    summary = summarise(new_store(tmp_path / "s"))
    assert (summary.n_shards, summary.hours, summary.features, summary.failures) == (0, 0, (), ())
