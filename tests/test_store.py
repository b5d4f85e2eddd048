from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fakes
import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from makers import clip, new_store, write_shard
from numpy.typing import NDArray

from fvx.datasets import Clip, Label
from fvx.datasets.clip import Columns
from fvx.errors import FeatureError, StoreError, UnknownFeature
from fvx.feature import Feature
from fvx.store import Failure, FeatureRecord, ShardWriter, Store
from fvx.store.tables import write_column

FEATURES: dict[str, Feature] = {
    feature.name: feature for feature in (fakes.Level(), fakes.Ends(), fakes.Grid())
}
CLIPS = [
    clip("b", speaker="Ann", split="train", extra=Columns(("age",), ("7",))),
    clip("a", Label.SPOOF, speaker="Ann", system="Z9", split="test"),
    clip("c", Label.SPOOF),
]


def rows(feature: Feature, n_rows: int, seed: int) -> NDArray[np.float32]:
    shape = (1 if feature.hop_s is None else n_rows, len(feature.columns))
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def small_store(path: Path) -> tuple[Store, dict[tuple[str, str], NDArray[np.float32]]]:
    values = {
        (name, one.id): rows(feature, 3 + i, i)
        for name, feature in FEATURES.items()
        for i, one in enumerate(CLIPS)
    }
    new_store(path)
    write_shard(path / "000000-a.h5", FEATURES.values(), CLIPS, values)
    return Store.open(path), values


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[str], list[tuple[int, int, list[str], dict[str, int]]]]:
    """Clips, and shards: first clip, last clip, features, rows of a clip (0: it failed)."""
    names = [f"clip {i}" for i in draw(st.permutations(range(draw(st.integers(1, 6)))))]
    shards = []
    for features in draw(st.lists(st.sets(st.sampled_from(sorted(FEATURES)), min_size=1),
                                  min_size=1, max_size=4)):  # fmt: skip
        first = draw(st.integers(0, len(names) - 1))
        last = draw(st.integers(first + 1, len(names)))
        sizes = {name: draw(st.integers(0, 5)) for name in names[first:last]}
        shards.append((first, last, sorted(features), sizes))
    return names, shards


@given(plan=plans(), rng=st.randoms(use_true_random=False))
def test_a_store_is_the_union_of_its_shards(plan: Any, rng: Any) -> None:
    names, shards = plan
    oracle: dict[tuple[str, str], NDArray[np.float32]] = {}
    attempted: dict[str, set[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"
        new_store(path)
        for number, (first, last, features, sizes) in enumerate(shards):
            shard = path / f"{number:06d}-x.h5"
            with ShardWriter(shard, [FEATURES[name] for name in features], 16_000) as writer:
                for position in range(first, last):
                    name = names[position]
                    # Whoever writes the same clip and feature again writes the same numbers.
                    seed = 31 * position
                    found = {f: rows(FEATURES[f], sizes[name], seed) for f in features}
                    if sizes[name] == 0:
                        failures = [Failure(name, "", "AudioError", "no")]
                        writer.add(position, clip(name), {}, 0, "", failures)
                    else:
                        writer.add(position, clip(name), found, 160 * sizes[name], "0")
                        oracle |= {(f, name): values for f, values in found.items()}
                    attempted.setdefault(name, set()).update(features)
        store = Store.open(path)
        assert list(store.features) == sorted({f for _, _, fs, _ in shards for f in fs})
        assert list(store.clips.index) == [name for name in names if name in attempted]
        assert store.attempted() == attempted
        extracted = {name: {f for f, n in oracle if n == name} for name in {n for _, n in oracle}}
        assert store.extracted() == extracted
        for feature in store.features:
            view = store[feature]
            there = [name for name in names if (feature, name) in oracle]
            assert sorted(view) == sorted(there)
            assert len(view) == len(there)
            for name in there:
                np.testing.assert_array_equal(view[name], oracle[feature, name])
                assert view.n_rows(name) == len(oracle[feature, name])
            order = [rng.choice(there) for _ in range(4)] if there else []
            values, offsets = view.gather(order)
            assert len(values) == offsets[-1]
            for i, name in enumerate(order):
                taken = values[offsets[i] : offsets[i + 1]]
                np.testing.assert_array_equal(taken, oracle[feature, name])
        everything = tuple(store.features)
        assert store.complete(everything) == [
            name for name in names if all((f, name) in oracle for f in everything)
        ]
        failed = {
            name
            for _, _, features, sizes in shards
            for name, size in sizes.items()
            if size == 0 and not all((f, name) in oracle for f in features)
        }
        assert set(store.failures["clip"]) == failed


def test_the_clip_table_keeps_what_the_dataset_knows(tmp_path: Path) -> None:
    store, _ = small_store(tmp_path / "s")
    assert list(store.clips.index) == ["b", "a", "c"]
    row = store.clips.loc["b"]
    assert (row["label"], row["speaker"], row["system"], row["split"]) == (
        "bonafide", "Ann", "-", "train",
    )  # fmt: skip
    assert (row["path"], row["age"], row["n_samples"]) == ("b.wav", "7", 1_600)
    assert row["duration_s"] == pytest.approx(0.1)
    assert store.clips.loc["a", "label"] == "spoof"


def test_a_shard_made_before_notes_were_kept_has_none(tmp_path: Path) -> None:
    new_store(tmp_path)
    write_shard(tmp_path / "a.h5", [fakes.Level()], [clip("x"), clip("y")], {})
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["clips/audio_notes"]
    assert list(Store.open(tmp_path).clips["audio_notes"]) == ["", ""]


def test_a_clip_that_could_be_read_in_one_shard_only_shows_its_length(tmp_path: Path) -> None:
    path = tmp_path / "s"
    new_store(path)
    with ShardWriter(path / "0.h5", [fakes.Level()], 16_000) as shard:
        shard.add(0, CLIPS[0], {}, 0, "", [Failure("b", "", "AudioError", "no")])
    write_shard(path / "1.h5", [fakes.Ends()], CLIPS[:1], {("ends", "b"): np.ones((1, 2), "f4")})
    store = Store.open(path)
    assert store.clips.loc["b", "n_samples"] == 1_600
    # Ends could be extracted later on, but there still is no level.
    assert store.failures.to_dict("records") == [
        {"clip": "b", "feature": "", "error": "AudioError", "reason": "no"}
    ]
    assert store.extracted() == {"b": {"ends"}}


def test_an_empty_store_has_an_empty_table(tmp_path: Path) -> None:
    store = new_store(tmp_path / "s")
    assert (len(store.clips), len(store.failures), store.features) == (0, 0, {})
    assert store.complete(()) == []


def test_a_feature_that_is_not_stored_names_those_that_are(tmp_path: Path) -> None:
    store, _ = small_store(tmp_path / "s")
    with pytest.raises(UnknownFeature, match="no feature 'mfcc'; installed: ends, grid, level"):
        store["mfcc"]
    with pytest.raises(StoreError, match="no level stored for clip 'z'"):
        store["level"]["z"]


def test_opening_needs_no_plugin(tmp_path: Path) -> None:
    small_store(tmp_path / "s")
    code = """
import sys
from pathlib import Path
import fvx.registry
def refuse(*_): raise RuntimeError("a plugin was looked for")
fvx.registry.discover = fvx.registry.entry_points = refuse
from fvx.store import Store
store = Store.open(Path(sys.argv[1]))
print(store["level"]["b"].shape, store.features["grid"].columns, "fakes" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "s"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "(3, 1) ('a', 'b', 'c') False\n"


def test_a_record_says_all_that_decides_the_numbers() -> None:
    record = FeatureRecord.of(fakes.Level(2.0))
    assert FeatureRecord.from_json(record.to_json()) == record
    assert record.same_numbers(FeatureRecord.of(fakes.Level(2.0)))
    assert not record.same_numbers(FeatureRecord.of(fakes.Level(3.0)))
    assert not record.same_numbers(FeatureRecord(**{**vars(record), "version": 2}))


@pytest.mark.parametrize("setting", [object(), float("nan"), np.float32(1)])
def test_a_setting_that_cannot_be_stored_is_an_error_of_the_feature(setting: object) -> None:
    with pytest.raises(FeatureError, match="fixed: a setting cannot be stored"):
        FeatureRecord.of(fakes.Fixed(setting))


# What is wrong with a store, and what is said of it.


def overwrite(path: Path, at: float, data: bytes = b"\xff" * 64) -> None:
    whole = bytearray(path.read_bytes())
    where = int(at * len(whole))
    whole[where : where + len(data)] = data
    path.write_bytes(bytes(whole))


def truncate(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def change(path: Path, **attributes: object) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs.update(attributes)


def drop(path: Path, name: str) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]


def replace(path: Path, name: str, data: object) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = data


def reseal(path: Path, offsets: list[int]) -> None:
    """Other offsets, with the checksum that goes with them."""
    with h5py.File(path, "r+") as file:
        del file["features/level/offsets"]
        write_column(file["features/level"], "offsets", np.asarray(offsets, np.int64))


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = 1


SHARD_DAMAGE = {
    "truncated": (lambda p: truncate(p, 0.5), "damaged shard"),
    "cut at the end": (lambda p: truncate(p, 0.99), "damaged shard"),
    "empty": (lambda p: p.write_bytes(b""), "damaged shard"),
    "text": (lambda p: p.write_text("no shard"), "damaged shard"),
    "overwritten start": (lambda p: overwrite(p, 0.0), "damaged shard"),
    "foreign": (foreign, "not an fvx shard"),
    "earlier format": (
        lambda p: change(p, format_version=1),
        r"shard format 1, this fvx reads 2; extract into another store \(--store\)",
    ),
    "no clips": (lambda p: drop(p, "clips"), "damaged shard"),
    "no failures": (lambda p: drop(p, "failures"), "damaged shard"),
    "no values": (lambda p: drop(p, "features/level/values"), "damaged shard"),
    "no offsets": (lambda p: drop(p, "features/level/offsets"), "damaged shard"),
    "clips no group": (lambda p: replace(p, "clips", 3), "damaged shard"),
    "changed offsets": (
        lambda p: replace(p, "features/level/offsets", [0, 1, 2, 3]),
        "damaged shard",
    ),
    "wrong offsets": (lambda p: reseal(p, [0, 1, 2, 3]), "rows of level do not add up"),
    "falling offsets": (lambda p: reseal(p, [0, 8, 4, 12]), "rows of level do not add up"),
    "late offsets": (lambda p: reseal(p, [3, 6, 9, 12]), "rows of level do not add up"),
    "few offsets": (lambda p: reseal(p, [0, 12]), "rows of level do not add up"),
    "other rate": (lambda p: change(p, rate_hz=8_000), "made at 8000 Hz, the store at 16000"),
}


@pytest.mark.parametrize("case", SHARD_DAMAGE)
def test_a_damaged_shard_is_named(tmp_path: Path, case: str) -> None:
    damage, reason = SHARD_DAMAGE[case]
    small_store(tmp_path / "s")
    path = tmp_path / "s" / "000000-a.h5"
    damage(path)
    with pytest.raises(StoreError, match=reason) as error:
        Store.open(tmp_path / "s")
    assert str(path) in str(error.value)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    small_store(tmp_path / "s")
    for record in ("{", '{"name": "level"}'):
        with h5py.File(tmp_path / "s" / "000000-a.h5", "r+") as file:
            file["features/level"].attrs["record"] = record
        with pytest.raises(StoreError, match="damaged shard"):
            Store.open(tmp_path / "s")


def chunk_of(path: Path, dataset: str) -> tuple[int, int]:
    """Where the first chunk of a dataset lies in the file, and how long it is."""
    with h5py.File(path, "r") as file:
        chunk = file[dataset].id.get_chunk_info(0)
        return chunk.byte_offset, chunk.size


def test_values_that_changed_on_disk_are_noticed(tmp_path: Path) -> None:
    store, _ = small_store(tmp_path / "s")
    path = tmp_path / "s" / "000000-a.h5"
    whole = path.read_bytes()
    first, size = chunk_of(path, "features/grid/values")
    for place in range(first, first + size):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(StoreError, match=r"000000-a\.h5: damaged shard .*delete it to redo"):
            store["grid"]["b"]


def test_a_table_that_changed_on_disk_is_noticed(tmp_path: Path) -> None:
    store, _ = small_store(tmp_path / "s")
    path = tmp_path / "s" / "000000-a.h5"
    with h5py.File(path, "r+") as file:
        file["clips/n_samples"][0] = 7
    with pytest.raises(StoreError, match=r"\(clips/n_samples is not as it was writ"):
        _ = store.clips
    with h5py.File(path, "r+") as file:
        file["clips/id"][0] = b"z"
    with pytest.raises(StoreError, match=r"\(clips/id is not as it was written\)"):
        Store.open(tmp_path / "s")


def test_a_file_that_cannot_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody should be told to delete a shard because the network is down."""
    store, _ = small_store(tmp_path / "s")
    path = tmp_path / "s" / "000000-a.h5"

    class Failing(io.FileIO):
        n_reads = 0

        def readinto(self, into: object) -> int:
            self.n_reads += 1
            if self.n_reads > 6:
                raise OSError(errno.EIO, "Input/output error")
            return super().readinto(into)  # type: ignore[arg-type]

    file = h5py.File
    with monkeypatch.context() as patch, Failing(path) as failing:
        patch.setattr(h5py, "File", lambda _, mode: file(failing, mode))
        with pytest.raises(StoreError, match=r"a\.h5: cannot be read \(Input/output error\)$"):
            store["grid"]["b"]
    path.unlink()
    with pytest.raises(StoreError, match=r"a\.h5: cannot be read \(No such file or directory\)$"):
        store["grid"].gather(["b"])


@pytest.mark.parametrize("share", np.linspace(0.02, 0.98, 17))
def test_whatever_byte_is_damaged_the_answer_is_right_or_a_store_error(
    tmp_path: Path, share: float
) -> None:
    _, values = small_store(tmp_path / "s")
    overwrite(tmp_path / "s" / "000000-a.h5", share, b"\xa5" * 16)
    try:
        store = Store.open(tmp_path / "s")
        found = {(f, c): store[f][c] for f in store.features for c in store[f]}
    except StoreError:
        return
    for key, rows_ in found.items():
        np.testing.assert_array_equal(rows_, values[key])


ABOUT = {
    "format": "fvx-store", "format_version": 2, "dataset": "d", "rate_hz": 16_000,
    "clips_per_shard": 16,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "store.json cannot be read"),
        ("[]", "store.json is not an fvx store's"),
        ('{"format": "zarr"}', "store.json is not an fvx store's"),
        (
            json.dumps({**ABOUT, "format_version": 1}),
            r"store format 1, this fvx reads 2; extract again, into another store \(--store\)",
        ),
        ('{"format": "fvx-store"}', "store format None, this fvx reads 2"),
        (json.dumps({**ABOUT, "rate_hz": "x"}), "store.json is damaged: rate_hz is 'x'"),
        (json.dumps({**ABOUT, "dataset": None}), "store.json is damaged: dataset is None"),
    ],
)
def test_a_damaged_or_foreign_store_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(StoreError, match=reason):
        Store.open(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match=r"store\.json cannot be read"):
        Store.open(tmp_path)


def test_no_store_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store there; `fvx extract` makes one"):
        Store.open(tmp_path / "none")


def test_another_dataset_or_rate_is_refused(tmp_path: Path) -> None:
    new_store(tmp_path / "s")
    with pytest.raises(StoreError, match="made with dataset 'corpus', not 'other'; name another"):
        new_store(tmp_path / "s", dataset="other")
    with pytest.raises(StoreError, match="made with rate_hz 16000, not 8000"):
        new_store(tmp_path / "s", rate_hz=8_000)
    assert new_store(tmp_path / "s", clips_per_shard=99).about["clips_per_shard"] == 16


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="not empty, and not a store; choose another folder"):
        new_store(tmp_path)
    assert os.listdir(tmp_path) == ["letter.txt"]
    with pytest.raises(StoreError, match=r"letter\.txt: cannot be written"):
        new_store(tmp_path / "letter.txt")


def test_what_a_killed_run_left_is_no_shard_and_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.mkdir()
    (path / ".store.77.tmp.json").write_text("{")
    new_store(path)
    (path / ".000000-a.77.tmp.h5").write_bytes(b"half")
    store = Store.open(path)
    assert store.features == {}
    with store.locked():
        assert not (path / ".000000-a.77.tmp.h5").exists()


def test_one_feature_with_two_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    new_store(path)
    for number, gain in enumerate((1.0, 2.0)):
        feature = fakes.Level(gain)
        values = {("level", "b"): rows(feature, 3, 0)}
        write_shard(path / f"{number}.h5", [feature], CLIPS[:1], values)
    with pytest.raises(StoreError, match=r"level is stored with two different settings; delete 1"):
        Store.open(path)


# The lock.

HOLD = """
import sys
from fvx.store import Store
with Store.open(sys.argv[1]).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_run_is_told_who_holds_the_store(tmp_path: Path) -> None:
    store = new_store(tmp_path / "s")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "s"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(StoreError, match=f"in use by process {holder.pid} on .*; wait for it"),
            store.locked(),
        ):
            pass
        holder.kill()
        holder.wait()
        with store.locked():  # whose holder died is free
            assert f"process {os.getpid()} " in (tmp_path / "s" / ".lock").read_text()
    with store.locked():
        pass


# Where nothing can be written.


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """As a user who may read the folder; root may write wherever it likes."""
    folder.chmod(0o555)
    try:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(65_534)
        try:
            yield
        finally:
            os.seteuid(0)
    finally:
        folder.chmod(0o755)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_read_only_folder_is_a_store_error(open_folder: Path) -> None:
    store, _ = small_store(open_folder / "s")
    with (
        read_only(open_folder),
        pytest.raises(StoreError, match=r"new: cannot be written \(Permission denied\)"),
    ):
        new_store(open_folder / "new")
    with read_only(open_folder / "s"):
        with (
            pytest.raises(StoreError, match=r"s: cannot be written \(Permission denied\)"),
            store.locked(),
        ):
            pass
        with pytest.raises(StoreError, match=r"x\.h5: cannot be written \(Permission denied\)"):
            write_shard(open_folder / "s" / "x.h5", [fakes.Level()], [], {})
        with pytest.raises(StoreError, match=r"tables.*: cannot be written \(Permission denied\)"):
            store.save_table("t", {"x": np.ones(1)}, {})
        np.testing.assert_array_equal(Store.open(open_folder / "s")["level"]["b"],
                                      store["level"]["b"])  # fmt: skip
    assert sorted(os.listdir(open_folder / "s")) == ["000000-a.h5", "store.json"]


FULL = """
import resource, signal, sys
import numpy as np
sys.path.insert(0, sys.argv[3])
import fakes
from makers import clip, write_shard
from fvx.errors import StoreError
from fvx.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
store = Store.open(sys.argv[1])
big = np.random.default_rng(0).standard_normal((20_000, 3), np.float32)
n_written = 0
def values():
    global n_written
    for n_written in range(1, 30):
        yield clip(f"c{n_written}")
class Any(dict):
    def items(self): return [(("grid", f"c{n_written}"), big)]
for attempt in (
    lambda: write_shard(store.path / "big.h5", [fakes.Grid()], values(), Any()),
    lambda: store.save_table("t", {"x": big}, {}),
):
    try:
        attempt()
    except StoreError as error:
        print(error)
print("clips", n_written)
"""


@pytest.mark.parametrize("limit", [0, 1_000, 100_000, 3_000_000])
def test_a_full_disk_is_a_store_error_and_leaves_no_half_written_file(
    tmp_path: Path, limit: int
) -> None:
    """A limit on file sizes fails a write just as a full disk does; HDF5 must not crash."""
    new_store(tmp_path / "s")
    support = Path(__file__).parent / "support"
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "s", str(limit), support],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{tmp_path / 's' / 'big.h5'}: cannot be written (File too large)"
    if limit < 200_000:
        assert lines[1] == f"{tmp_path / 's' / 'tables' / 't.h5'}: cannot be written " \
            "(File too large)"  # fmt: skip
    # It stops at the clip that did not fit, and not when all have been worked on.
    assert int(lines[-1].split()[1]) < 29
    found = sorted(str(p.relative_to(tmp_path / "s")) for p in (tmp_path / "s").rglob("*.*"))
    tables = ["tables/t.h5"] if limit > 200_000 else []
    assert found == ["store.json", *tables]


def test_an_error_among_the_clips_leaves_no_shard(tmp_path: Path) -> None:
    def broken() -> Iterator[Clip]:
        yield CLIPS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "a.h5", [fakes.Level()], broken(), {})
    with pytest.raises(StoreError, match=r"a\.h5: a clip's text cannot be stored"):
        write_shard(tmp_path / "a.h5", [fakes.Level()], [clip("a\0b")], {})
    assert os.listdir(tmp_path) == []


# Tables.


def test_a_table_is_kept_beside_the_shards(tmp_path: Path) -> None:
    store, _ = small_store(tmp_path / "s")
    assert store.table_attributes("t") == {}
    store.save_table("t", {"x": np.arange(3), "id": ["a", "é", "c"]}, {"length_s": 1.5})
    store.save_table("t", {"x": np.arange(3), "id": ["a", "é", "c"]}, {"length_s": 2.5})
    assert store.table_attributes("t") == {"length_s": 2.5}
    with h5py.File(tmp_path / "s" / "tables" / "t.h5") as file:
        assert list(file["id"].asstr()) == ["a", "é", "c"]
    assert len(Store.open(tmp_path / "s").clips) == 3
    (tmp_path / "s" / "tables" / "t.h5").write_text("x")
    with pytest.raises(StoreError, match=r"t\.h5: damaged .*give `fvx window` again"):
        store.table_attributes("t")
