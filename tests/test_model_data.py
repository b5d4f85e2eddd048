"""Windows in memory and streamed from a store are the windows that a clip is cut into."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from speechless import numbers_store

from fvx import Audio, Feature
from fvx.model import part as part_module
from fvx.model.background import Ahead
from fvx.model.data import WindowData
from fvx.model.part import Part
from fvx.model.reference import Reference
from fvx.store import Store
from fvx.windows import Geometry, Windows, cut


@dataclass(frozen=True)
class Fake(Feature):
    """Numbers.

    References
    ----------
    None.
    """

    name: ClassVar[str] = "fake"
    columns: ClassVar[tuple[str, ...]] = ("a", "b", "c")
    kind: ClassVar[str] = "matrix"
    perceptible: ClassVar[bool] = False
    hop_s: float | None = 0.01

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        raise NotImplementedError


class Coarse(Fake):
    name = "coarse"
    columns = ("level",)
    kind = "contour"


class Whole(Fake):
    name = "whole"
    columns = ("x", "y")
    kind = "per_clip"


FEATURES = (Fake(), Coarse(hop_s=0.016), Whole(hop_s=None))
GEOMETRY = Geometry(1.0, 0.3)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return numbers_store(tmp_path_factory.mktemp("numbers") / "store", FEATURES, 24)


def part(store: Store, **options: object) -> Part:
    records = [store[name].record for name in sorted(store.features)]
    return Part.over(store, records, GEOMETRY, list(store.clips.index), **options)


@pytest.fixture
def streamed(store: Store, monkeypatch: pytest.MonkeyPatch) -> Part:
    """As if the store were far larger than the memory."""
    monkeypatch.setattr(part_module, "_BLOCK_BYTES", 4_000)
    monkeypatch.setattr(part_module, "_MIXED_BYTES", 12_000)
    return part(store, held_bytes=0)


def test_windows_in_memory_are_those_a_clip_is_cut_into(store: Store) -> None:
    whole = part(store)
    data = WindowData.load(store, whole.features, whole.windows)
    got = data.batch(slice(None))
    for record in whole.features:
        expected = [
            cut(store[record.name][clip], GEOMETRY, GEOMETRY.starts_s(duration_s), record.hop_s)
            for clip, duration_s in store.clips["duration_s"].items()
        ]
        np.testing.assert_array_equal(got[record.name], np.concatenate(expected))


def test_rows_say_which_values_a_window_holds(store: Store) -> None:
    whole = part(store)
    for data in (
        WindowData.load(store, whole.features, whole.windows),
        WindowData.lazy(store, whole.features, whole.windows),
    ):
        got = data.batch(slice(None))
        for name in got:
            by_row = data.values[name][data.rows[name]]
            expected = got[name] if store.features[name].hop_s else got[name][:, np.newaxis]
            np.testing.assert_array_equal(by_row, expected)


def test_a_lazy_part_gives_the_same_reference(store: Store, streamed: Part) -> None:
    whole = part(store)
    references = [
        Reference.measure(one.features, one.lazy(), one.bonafide) for one in (whole, streamed)
    ]
    for name, record in store.features.items():
        for column in range(len(record.columns)):
            assert references[0].usual(name, column) == references[1].usual(name, column)


def test_a_streamed_part_is_read_in_many_blocks(streamed: Part) -> None:
    blocks = [data for _, data in streamed.blocks()]
    assert len(blocks) > 5
    assert sum(len(data) for data in blocks) == len(streamed)


def test_a_streamed_part_has_the_statistics_of_a_held_one(store: Store, streamed: Part) -> None:
    whole, pieces = part(store).statistics(), streamed.statistics()
    for name in whole:
        np.testing.assert_allclose(whole[name], pieces[name], rtol=1e-10)


def test_a_streamed_part_maps_in_order(store: Store, streamed: Part) -> None:
    def total(windows: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
        return windows["fake"].sum(axis=(1, 2), dtype=np.float64)

    np.testing.assert_array_equal(streamed.map(total, 3), part(store).map(total, 7))


@pytest.mark.parametrize("how", ["held", "streamed"])
def test_an_epoch_has_every_window_once_with_its_label(
    store: Store, streamed: Part, how: str
) -> None:
    chosen = streamed if how == "streamed" else part(store)
    in_order = part(store).map(lambda windows: windows["fake"][:, 0, 0].astype(np.float64))
    of_label = dict(zip(in_order, chosen.window_bonafide, strict=True))
    batches = list(chosen.shuffled(5, (0, 1)))
    drawn = np.concatenate([batch.windows["fake"][:, 0, 0] for batch in batches])
    assert sorted(drawn.astype(np.float64)) == sorted(in_order)
    targets = np.concatenate([batch.target[:, 0] for batch in batches])
    assert all(of_label[float(one)] == label for one, label in zip(drawn, targets, strict=True))


def test_every_feature_of_a_streamed_batch_is_of_the_same_windows(
    store: Store, streamed: Part
) -> None:
    whole = part(store).shuffled(1000, (0,))
    (everything,) = whole
    seen = {
        row[0, 0]: (coarse[0, 0], per_clip[0])
        for row, coarse, per_clip in zip(
            everything.windows["fake"], everything.windows["coarse"], everything.windows["whole"],
            strict=True,
        )
    }  # fmt: skip
    for batch in streamed.shuffled(4, (0,)):
        for row, coarse, per_clip in zip(
            batch.windows["fake"], batch.windows["coarse"], batch.windows["whole"], strict=True
        ):
            assert seen[row[0, 0]] == (coarse[0, 0], per_clip[0])


def test_the_order_is_the_seed_s(streamed: Part) -> None:
    def order(*seed: int) -> list[float]:
        batches = streamed.shuffled(5, seed)
        return np.concatenate([one.windows["fake"][:, 0, 0] for one in batches]).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)


def test_batches_mix_clips_from_all_over_a_streamed_part(streamed: Part) -> None:
    """Windows of a clip would otherwise come together, and of a class, where a corpus is sorted."""
    labels = [batch.target.mean() for batch in streamed.shuffled(12, (3,))]
    assert np.std(labels) < 0.4


def test_classes_weigh_the_same(store: Store) -> None:
    chosen = part(store)
    weights, bonafide = chosen.weights, chosen.window_bonafide
    assert weights[bonafide].sum() == pytest.approx(weights[~bonafide].sum(), rel=1e-5)
    assert weights.mean() == pytest.approx(1, rel=1e-5)


def test_balanced_sources_weigh_as_the_root_of_their_size(store: Store) -> None:
    chosen = part(store, balance=["source"])
    table = store.clips.loc[list(chosen.windows.clips)].iloc[chosen.windows.clip]
    cells = table.assign(weight=chosen.weights).groupby(["label", "source"])
    weight, size = cells["weight"].sum(), cells["weight"].size()
    assert len(size) == 4
    for label in ("bonafide", "spoof"):
        ratio = weight[label, "a"] / weight[label, "b"]
        assert ratio == pytest.approx(np.sqrt(size[label, "a"] / size[label, "b"]), rel=1e-4)
        assert weight[label].sum() == pytest.approx(len(chosen) / 2, rel=1e-5)


def test_the_sample_of_bona_fide_speech_is_bona_fide(store: Store, streamed: Part) -> None:
    for chosen in (part(store), streamed):
        values = np.concatenate([batch["fake"] for batch in chosen.bonafide_sample()])
        bonafide = [store["fake"][clip] for clip in store.clips.index[::2]]
        known = {float(value) for rows in bonafide for value in rows[:, 0]}
        assert len(values)
        assert {float(value) for value in values[:, :, 0].ravel()} <= known


def test_averages_of_clips_are_over_their_own_rows(store: Store, streamed: Part) -> None:
    """Also of those that are repeated to fill a window."""
    for chosen in (part(store), streamed):
        averages = chosen.averages()
        assert averages.shape == (24, 1 + 3 + 2)
        for row, clip in enumerate(store.clips.index):
            expected = [store[name][clip].mean(axis=0) for name in sorted(store.features)]
            np.testing.assert_allclose(averages[row], np.concatenate(expected), atol=1e-5)


@given(
    st.lists(st.floats(0.05, 4), min_size=1, max_size=5),
    st.integers(1, 200),
    st.sampled_from([0.005, 0.01, 0.016, 0.0125]),
)
def test_first_rows_are_the_first_of_the_rows(
    starts_s: list[float], n_stored: int, hop_s: float
) -> None:
    starts = np.array(starts_s)
    rows = GEOMETRY.rows(starts, n_stored, hop_s)
    many = GEOMETRY.first_rows(starts, np.full(len(starts), n_stored), hop_s)
    np.testing.assert_array_equal(rows[:, 0], many % n_stored)


class TestAhead:
    def test_items_come_in_order(self) -> None:
        assert list(Ahead(iter(range(100)))) == list(range(100))

    def test_what_the_maker_raises_is_raised_here(self) -> None:
        def items() -> Iterator[int]:
            yield 1
            raise ValueError("no more")

        ahead = iter(Ahead(items()))
        assert next(ahead) == 1
        with pytest.raises(ValueError, match="no more"):
            next(ahead)

    def test_no_more_than_the_depth_is_made_ahead(self) -> None:
        made = []

        def items() -> Iterator[int]:
            for i in range(100):
                made.append(i)
                yield i

        ahead = iter(Ahead(items(), depth=2))
        next(ahead)
        time.sleep(0.05)
        assert len(made) <= 5

    def test_the_maker_ends_when_nobody_takes_any_more(self) -> None:
        before = threading.active_count()
        ahead = iter(Ahead(iter(range(1000))))
        next(ahead)
        ahead.close()  # type: ignore[attr-defined]
        assert threading.active_count() == before


def test_some_clips_of_classes_that_take_turns_are_of_both(store: Store) -> None:
    assert set(part(store).some(12).bonafide) == {True, False}


def test_a_sample_is_found_where_bona_fide_clips_are_few(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_module, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(part_module, "_SAMPLE_BLOCKS", 2)
    spoof = [clip for clip in store.clips.index if store.clips.loc[clip, "label"] == "spoof"]
    records = [store[name].record for name in sorted(store.features)]
    clips = [*spoof[:5], store.clips.index[0], *spoof[5:]]
    few = Part.over(store, records, GEOMETRY, clips, held_bytes=0)
    assert sum(len(batch["fake"]) for batch in few.bonafide_sample()) > 0


def test_windows_are_a_view_of_a_part_s_clips(store: Store) -> None:
    few = part(store).some(5)
    assert len(few.windows.clips) == 5
    assert set(few.windows.clips) <= set(store.clips.index)
    assert isinstance(few.windows, Windows)
