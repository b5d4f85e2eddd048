from __future__ import annotations

import errno
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import fakes
import h5py
import numpy as np
import pandas as pd
import pytest
from makers import clip, new_store
from numpy.typing import NDArray

from fvx.datasets import Label
from fvx.datasets.clip import Columns
from fvx.errors import StoreError, UnknownFeature
from fvx.store import Failure, ShardWriter, Store, export, export_hdf5, export_parquet
from fvx.store.sink import Sink

FEATURES = [fakes.Level(), fakes.Ends(), fakes.Grid()]
NAMES = ["ends", "grid", "level"]
CLIPS = [
    clip("Zoë", speaker="Ann", split="train", extra=Columns(("age", "a/b"), ("7", "x"))),
    clip("two\nlines", Label.SPOOF, system="A1"),
    clip("silent", Label.SPOOF),
    clip("last", Label.BONAFIDE),
]


def rows(feature: fakes.Feature, seed: int) -> NDArray[np.float32]:
    n_rows = 1 if feature.hop_s is None else 3 + seed
    shape = n_rows, len(feature.columns)
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four clips over three shards, out of order; one failed, one lacks the grid."""
    path = tmp_path / "s"
    new_store(path)
    for number, members in enumerate(([3], [0, 2], [1])):
        with ShardWriter(path / f"{number:06d}-x.h5", FEATURES, 16_000) as shard:
            for i in members:
                values = {f.name: rows(f, i) for f in FEATURES}
                failures = []
                if CLIPS[i].id == "silent":
                    values, failures = {}, [Failure("silent", "", "AudioError", "silence")]
                if CLIPS[i].id == "last":
                    del values["grid"]
                    failures = [Failure("last", "grid", "ValueError", "no")]
                shard.add(i, CLIPS[i], values, 1_600 * bool(values), f"{i}" * 64, failures)
    return Store.open(path)


@pytest.fixture(params=[1, 2, 1_000])
def few_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(export, "_CLIPS_AT_ONCE", request.param)
    return int(request.param)


def as_others_read(path: Path) -> dict[str, object]:
    with h5py.File(path, "r") as file:
        found: dict[str, object] = {"": dict(file.attrs)}

        def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset):
                # No filter and no chunks: plain.
                assert (item.compression, item.chunks, item.fletcher32) == (None, None, False)
                text = h5py.check_string_dtype(item.dtype)
                found[name] = item.asstr()[:] if text else item[:]
            else:
                found[name] = dict(item.attrs)

        file.visititems(visit)
    return found


def test_one_hdf5_file_holds_all_of_a_store(store: Store, tmp_path: Path, few_at_once: int) -> None:
    seen: list[tuple[int, int, int]] = []
    export_hdf5(store, tmp_path / "one.h5", on_progress=lambda *step: seen.append(step))
    found = as_others_read(tmp_path / "one.h5")
    assert list(found["clips/id"]) == [one.id for one in CLIPS]
    assert list(found["clips/label"]) == ["bonafide", "spoof", "spoof", "bonafide"]
    assert list(found["clips/n_samples"]) == [1_600, 1_600, 0, 1_600]
    assert list(found["clips/age"]) == ["7", "", "", ""]
    assert list(found["clips/a_b"]) == ["x", "", "", ""]
    for feature in FEATURES:
        values, offsets = (found[f"features/{feature.name}/{p}"] for p in ("values", "offsets"))
        assert values.dtype == np.float32
        assert len(offsets) == len(CLIPS) + 1
        for i, one in enumerate(CLIPS):
            stored = store[feature.name]
            expected = stored[one.id] if one.id in stored else np.empty((0, values.shape[1]))
            np.testing.assert_array_equal(values[offsets[i] : offsets[i + 1]], expected)
    about = found["features/level"]
    assert list(about["columns"]) == ["level"]
    assert (about["version"], about["kind"], about["hop_s"]) == (1, "contour", 0.010)
    assert json.loads(about["settings"]) == {"gain": 1.0, "hop_s": 0.01}
    assert "hop_s" not in found["features/ends"]
    assert found[""]["dataset"] == "corpus"
    assert "offsets[i + 1]" in found[""]["readme"]
    assert [n for n, _, _ in seen] == sorted(n for n, _, _ in seen)
    assert seen[-1] == (12, 12, 0)


def test_only_the_features_asked_for_are_exported(store: Store, tmp_path: Path) -> None:
    export_hdf5(store, tmp_path / "one.h5", ["level"])
    with h5py.File(tmp_path / "one.h5") as file:
        assert list(file["features"]) == ["level"]
    with pytest.raises(UnknownFeature, match="no feature 'mfcc'; installed: ends, grid, level"):
        export_hdf5(store, tmp_path / "two.h5", ["mfcc"])
    assert not (tmp_path / "two.h5").exists()


def test_parquet_holds_the_same(store: Store, tmp_path: Path, few_at_once: int) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    seen: list[tuple[int, int, int]] = []
    export_parquet(store, tmp_path / "out", on_progress=lambda *step: seen.append(step))
    clips = pd.read_parquet(tmp_path / "out" / "clips.parquet")
    assert list(clips["id"]) == [one.id for one in CLIPS]
    assert list(clips["label"]) == list(store.clips["label"])
    assert sorted(path.stem for path in (tmp_path / "out" / "features").iterdir()) == NAMES
    for feature in FEATURES:
        path = tmp_path / "out" / "features" / f"{feature.name}.parquet"
        table = pd.read_parquet(path)
        time_s = ["time_s"] if feature.hop_s else []
        assert list(table.columns) == ["clip", *time_s, *feature.columns]
        for name in store[feature.name]:
            of_clip = table[table["clip"] == name]
            np.testing.assert_array_equal(of_clip[[*feature.columns]], store[feature.name][name])
            if feature.hop_s:
                expected_s = np.arange(len(of_clip)) * feature.hop_s
                np.testing.assert_allclose(of_clip["time_s"], expected_s)
        assert set(table["clip"]) == set(store[feature.name])
        metadata = parquet.read_schema(path).metadata
        assert json.loads(metadata[b"settings"]) == json.dumps(feature.settings, sort_keys=True)
    assert seen[-1] == (12, 12, 0)
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_without_pyarrow_the_way_out_is_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StoreError, match=r"Parquet needs pyarrow .*pip install 'fvx\[parquet\]'"):
        export_parquet(store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@dataclass(frozen=True)
class Clash(fakes.Grid):
    """A feature with a column of a name that the table has already."""

    name = "clash"
    columns = ("time_s", "b", "c")


def test_a_column_that_clashes_is_told(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    path = tmp_path / "s"
    new_store(path)
    with ShardWriter(path / "0.h5", [Clash()], 16_000) as shard:
        shard.add(0, clip("a"), {"clash": np.ones((2, 3), np.float32)}, 1_600, "")
    with pytest.raises(StoreError, match="clash: has a column 'time_s' itself; use --hdf5"):
        export_parquet(Store.open(path), tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["s"]


def test_nothing_is_overwritten_and_nothing_put_into_the_store(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "there").write_text("mine")
    for write in (export_hdf5, export_parquet):
        with pytest.raises(StoreError, match="there: exists already; delete it, or name another"):
            write(store, tmp_path / "there")
        with pytest.raises(StoreError, match="lies in the store itself; name a place outside"):
            write(store, store.path / "one.h5")
    assert (tmp_path / "there").read_text() == "mine"
    assert Store.open(store.path).features


def test_a_place_that_cannot_be_written_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match=r"one\.h5: cannot be written \(No such file or dir"):
        export_hdf5(store, tmp_path / "none" / "one.h5")

    def full(self: Sink, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Sink, "put", full)
    with pytest.raises(StoreError, match=r"one\.h5: cannot be written \(No space left on dev"):
        export_hdf5(store, tmp_path / "one.h5")
    assert os.listdir(tmp_path) == ["s"]


def test_a_damaged_shard_stops_the_export_and_leaves_nothing(store: Store, tmp_path: Path) -> None:
    path = store.path / "000001-x.h5"
    with h5py.File(path, "r") as file:
        chunk = file["features/grid/values"].id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[chunk.byte_offset + chunk.size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"000001-x\.h5: damaged shard"):
        export_hdf5(store, tmp_path / "one.h5")
    assert os.listdir(tmp_path) == ["s"]


def test_an_empty_store_can_be_exported(tmp_path: Path) -> None:
    store = new_store(tmp_path / "s")
    export_hdf5(store, tmp_path / "one.h5")
    with h5py.File(tmp_path / "one.h5") as file:
        assert len(file["clips/id"]) == 0
