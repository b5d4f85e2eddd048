from __future__ import annotations

import tempfile
from pathlib import Path

import fakes
import h5py
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from makers import clip, new_store, write_shard

from fvx.errors import StoreError, WindowError
from fvx.feature import Feature
from fvx.store import Failure, ShardWriter, Store
from fvx.window import window
from fvx.windows import Geometry, Windows, cut, saved_geometry

HOPS_S = (0.005, 0.010, 0.020)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    length = draw(st.integers(1, 300))
    return Geometry(length / 100, draw(st.integers(1, length)) / 100)


DURATIONS = st.integers(3_200, 400_000).map(lambda n_samples: n_samples / 16_000)


def n_stored(duration_s: float, hop_s: float) -> int:
    return 1 + round(duration_s * 16_000) // round(hop_s * 16_000)


@given(geometry=geometries(), duration_s=DURATIONS)
def test_windows_cover_every_ten_milliseconds_and_go_forward(
    geometry: Geometry, duration_s: float
) -> None:
    starts_s = geometry.starts_s(duration_s)
    assert starts_s.dtype == np.float64
    assert starts_s[0] == 0
    assert (np.diff(starts_s) > 1e-9).all()
    covered = np.zeros(max(int(duration_s * 100 + 1e-6), 1), bool)
    for start_s in starts_s:
        assert start_s * 100 == pytest.approx(round(start_s * 100), abs=1e-6)
        covered[round(start_s * 100) : round((start_s + geometry.length_s) * 100)] = True
    assert covered.all()
    if duration_s >= geometry.length_s:
        assert starts_s[-1] + geometry.length_s <= duration_s + 1e-6
    else:
        assert len(starts_s) == 1
    # All but the last, which is flush with the end, are a hop apart.
    np.testing.assert_allclose(np.diff(starts_s)[:-1], geometry.hop_s, atol=1e-6)


@given(geometry=geometries(), duration_s=DURATIONS, hop_s=st.sampled_from([*HOPS_S, 0.0125, 0.1]))
def test_rows_are_those_of_the_clip_and_of_the_window(
    geometry: Geometry, duration_s: float, hop_s: float
) -> None:
    starts_s, stored = geometry.starts_s(duration_s), n_stored(duration_s, hop_s)
    assume(geometry.length_s >= hop_s)
    rows = geometry.rows(starts_s, stored, hop_s)
    assert rows.dtype == np.int64
    assert rows.shape == (len(starts_s), geometry.n_frames(hop_s))
    assert rows.min() >= 0
    assert rows.max() < stored
    if duration_s >= geometry.length_s and stored >= geometry.n_frames(hop_s):
        assert (np.diff(rows, axis=1) == 1).all()
        # The same span for every feature, to within half of its own hop.
        assert (np.abs(rows[:, 0] * hop_s - starts_s) <= hop_s / 2 + 1e-9).all()
        ends_s = rows[:, -1] * hop_s + hop_s
        assert (np.abs(ends_s - starts_s - geometry.length_s) <= hop_s + 1e-9).all()


@given(duration_s=DURATIONS, length=st.integers(1, 50), hop=st.integers(1, 50))
def test_where_the_hops_divide_every_feature_has_exactly_the_same_span(
    duration_s: float, length: int, hop: int
) -> None:
    geometry = Geometry(max(length, hop) / 50, hop / 50)
    starts_s = geometry.starts_s(max(duration_s, geometry.length_s))
    regular = starts_s[np.abs(starts_s * 50 - np.round(starts_s * 50)) < 1e-6]
    for hop_s in HOPS_S:
        rows = geometry.rows(regular, n_stored(max(duration_s, geometry.length_s), hop_s), hop_s)
        np.testing.assert_allclose(rows[:, 0] * hop_s, regular, atol=1e-9)
        np.testing.assert_allclose((rows[:, -1] + 1) * hop_s, regular + geometry.length_s)


def test_windows_of_two_seconds_at_the_default_geometry() -> None:
    geometry = Geometry()
    np.testing.assert_array_equal(geometry.starts_s(2.0), [0, 0.5, 1.0])
    np.testing.assert_array_equal(geometry.starts_s(2.3), [0, 0.5, 1.0, 1.3])
    np.testing.assert_array_equal(geometry.starts_s(1.0), [0])
    np.testing.assert_array_equal(geometry.starts_s(0.2), [0])
    rows = geometry.rows(geometry.starts_s(2.3), 231, 0.010)
    assert rows[:, 0].tolist() == [0, 50, 100, 130]
    assert rows[-1, -1] == 229


def test_a_short_clip_is_repeated_from_its_beginning() -> None:
    values = np.arange(21, dtype=np.float32)[:, None]
    (window_,) = cut(values, Geometry(0.5, 0.5), Geometry(0.5, 0.5).starts_s(0.2), 0.010)
    assert window_[:, 0].tolist() == [*range(21), *range(21), *range(8)]


def test_a_per_clip_feature_goes_with_every_window() -> None:
    geometry = Geometry()
    starts_s = geometry.starts_s(2.3)
    windows = cut(np.array([[3.0, 4.0]], np.float32), geometry, starts_s, None)
    np.testing.assert_array_equal(windows, [[3, 4]] * 4)


@given(duration_s=DURATIONS, geometry=geometries())
def test_cutting_gives_what_the_rows_say(duration_s: float, geometry: Geometry) -> None:
    stored = n_stored(duration_s, 0.010)
    values = np.arange(2 * stored, dtype=np.float32).reshape(stored, 2)
    starts_s = geometry.starts_s(duration_s)
    windows = cut(values, geometry, starts_s, 0.010)
    assert windows.dtype == np.float32
    for start_s, one in zip(starts_s, windows, strict=True):
        first = int(one[0, 0]) // 2
        assert first == round(start_s * 100)
        expected = np.resize(values[first:], one.shape) if len(starts_s) > 1 else None
        if expected is not None:
            np.testing.assert_array_equal(one, expected)


@pytest.mark.parametrize(
    ("length_s", "hop_s", "reason"),
    [
        (0.0, 0.0, "window length 0.0 s is not a positive multiple of 10 ms"),
        (-1.0, 0.5, "window length -1.0 s is not a positive"),
        (0.015, 0.01, "window length 0.015 s is not a positive"),
        (0.005, 0.005, "window length 0.005 s is not a positive"),
        (1.0, 0.0, "window hop 0.0 s is not a positive"),
        (1.0, -0.5, "window hop -0.5 s is not a positive"),
        (1.0, 0.333, "window hop 0.333 s is not a positive"),
        (float("nan"), 0.5, "window length nan s is not a positive"),
        (1.0, float("nan"), "window hop nan s is not a positive"),
        (float("inf"), 0.5, "window length inf s is not a positive"),
        (1.0, 1.01, "window hop 1.01 s exceeds the length 1.0 s: some of the clip would be in no"),
    ],
)
def test_impossible_geometries_are_refused(length_s: float, hop_s: float, reason: str) -> None:
    with pytest.raises(WindowError, match=reason.replace(".", r"\.")):
        Geometry(length_s, hop_s)


@pytest.mark.parametrize("hundredths", range(1, 200, 7))
def test_every_multiple_of_ten_milliseconds_will_do(hundredths: int) -> None:
    assert Geometry(hundredths / 100, 0.01).n_frames(0.010) == hundredths


def test_a_window_shorter_than_half_a_hop_is_refused(tmp_path: Path) -> None:
    assert Geometry(0.06, 0.06).n_frames(0.1) == 1
    with pytest.raises(WindowError, match=r"a window of 0\.04 s is too short for frames 0\.1 s"):
        Geometry(0.04, 0.04).n_frames(0.1)
    path = tmp_path / "s"
    new_store(path)
    feature = fakes.Level(hop_s=0.1)
    write_shard(path / "0.h5", [feature], [clip("a")], {("level", "a"): np.ones((2, 1), "f4")})
    with pytest.raises(WindowError, match="too short for frames"):
        window(Store.open(path), Geometry(0.04, 0.04))
    assert saved_geometry(Store.open(path)) is None


# Over a store.


def store_of(path: Path, seconds: dict[str, float], failed: tuple[str, ...] = ()) -> Store:
    features: tuple[Feature, ...] = (fakes.Level(), fakes.Ends())
    new_store(path)
    with ShardWriter(path / "0.h5", features, 16_000) as shard:
        for position, (name, duration_s) in enumerate(seconds.items()):
            n_samples = round(duration_s * 16_000)
            values = {
                "level": np.ones((1 + n_samples // 160, 1), np.float32),
                "ends": np.ones((1, 2), np.float32),
            }
            failures = [Failure(name, "ends", "ValueError", "no")] if name in failed else []
            if failures:
                del values["ends"]
            shard.add(position, clip(name), values, n_samples, "", failures)
    return Store.open(path)


def test_windows_are_laid_over_the_clips_that_have_all_features(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", {"a": 2.0, "b": 0.3, "c": 5.0, "d": 1.25}, failed=("c",))
    windows = window(store, Geometry(1.0, 0.5))
    assert windows.clips == ("a", "b", "d")
    assert windows.clip.tolist() == [0, 0, 0, 1, 2, 2]
    assert windows.start_s.tolist() == [0, 0.5, 1.0, 0, 0, 0.25]
    assert len(windows) == 6


def test_the_saved_geometry_is_found_by_those_who_train(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", {"a": 2.0})
    assert saved_geometry(store) is None
    window(store, Geometry(0.6, 0.2))
    assert saved_geometry(Store.open(tmp_path / "s")) == Geometry(0.6, 0.2)
    window(store, Geometry(1.5, 1.5))
    assert saved_geometry(store) == Geometry(1.5, 1.5)
    with h5py.File(tmp_path / "s" / "tables" / "windows.h5") as file:
        assert file["start_s"][:].tolist() == [0, 0.5]
        assert list(file["clip_id"].asstr()) == ["a"]


def test_a_damaged_index_is_told(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", {"a": 2.0})
    store.save_table("windows", {}, {"length_s": 1.0})
    with pytest.raises(WindowError, match="its windows are damaged; give `fvx window` again"):
        saved_geometry(store)
    (tmp_path / "s" / "tables" / "windows.h5").write_text("x")
    with pytest.raises(StoreError, match="give `fvx window` again"):
        saved_geometry(store)


def test_no_clip_with_all_features_is_an_error(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", {"a": 2.0}, failed=("a",))
    with pytest.raises(WindowError, match="no clip has all of ends, level"):
        window(store, Geometry())
    with pytest.raises(WindowError, match="no clip has all of -"):
        window(new_store(tmp_path / "t"), Geometry())
    assert saved_geometry(store) is None


def test_a_clip_that_is_not_there_has_no_windows(tmp_path: Path) -> None:
    store = store_of(tmp_path / "s", {"a": 2.0, "b": 0.0})
    for lost in ("z", "b"):
        with pytest.raises(WindowError, match=f"no clip '{lost}' with audio"):
            Windows.over(store, Geometry(), ["a", lost])
    assert len(Windows.over(store, Geometry(), [])) == 0


@settings(max_examples=20)
@given(seconds=st.lists(st.integers(20, 500).map(lambda n: n / 100), min_size=1, max_size=5))
def test_an_index_over_a_store_is_that_of_each_clip(seconds: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        named = {f"c{i}": duration_s for i, duration_s in enumerate(seconds)}
        store = store_of(Path(folder) / "s", named)
        order = list(reversed(named))
        windows = Windows.over(store, Geometry(0.5, 0.2), order)
    for position, name in enumerate(order):
        mine = windows.start_s[windows.clip == position]
        np.testing.assert_array_equal(mine, Geometry(0.5, 0.2).starts_s(named[name]))
