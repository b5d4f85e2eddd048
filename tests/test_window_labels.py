"""Where only spans of a clip are synthetic, its windows have labels of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from fakes import Grid
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from speechless import numbers_store

from fvx import metrics
from fvx.augment import Recipe
from fvx.augment.copies import add_copies
from fvx.datasets import Dataset, Label, open_dataset
from fvx.datasets.spans import parse_spans
from fvx.errors import DatasetError, RecipeError
from fvx.model import part as part_module
from fvx.model.part import Part
from fvx.model.window_labels import WindowLabels
from fvx.store import Store
from fvx.windows import Geometry, Windows

GEOMETRY = Geometry(1.0, 0.2)
SPANS = dict.fromkeys(range(3, 24, 2), "0.3-0.9")  # of every spoof clip but the first


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("partial") / "store"
    return numbers_store(folder, [Grid()], 24, seconds=(1.7, 2.6), spans=SPANS)


def part(store: Store, **options: object) -> Part:
    records = [store["grid"].record]
    return Part.over(store, records, GEOMETRY, list(store.clips.index), **options)


def labels(store: Store, geometry: Geometry, spans: str) -> dict[float, str]:
    """What each window of a spoof clip of 2.6 s is, by its start."""
    table = store.clips.loc[["003.wav"]].assign(spans=spans)
    windows = Windows.over(store, geometry, ["003.wav"])
    found = WindowLabels.of(windows, table)
    words = np.where(found.bonafide, "bona fide", np.where(found.clear, "spoof", "between"))
    assert found.of_their_own
    return dict(zip(windows.start_s.tolist(), words.tolist(), strict=True))


class TestLabels:
    def test_half_a_window_makes_a_spoof_and_a_tenth_does_not(self, store: Store) -> None:
        found = labels(store, Geometry(0.5, 0.05), "1.0-2.0")
        for start_s, word in found.items():
            overlap_s = min(start_s + 0.5, 2.0) - max(start_s, 1.0)
            if overlap_s > 0.2501:
                assert word == "spoof"
            elif 0.0501 < overlap_s < 0.2499:
                assert word == "between"
            elif overlap_s < 0.0499:
                assert word == "bona fide"
        assert (found[0.75], found[0.55]) == ("spoof", "bona fide")  # half and a tenth, exactly

    def test_half_of_a_span_that_is_shorter_than_the_window_is_enough(self, store: Store) -> None:
        found = labels(store, Geometry(0.5, 0.05), "1.0-1.2")
        assert found[0.6] == "spoof"
        assert found[0.55] == "between"
        assert found[0.5] == "bona fide"

    def test_two_spans_that_fill_half_a_window_together_make_a_spoof(self, store: Store) -> None:
        found = labels(store, Geometry(1.0, 0.1), "0.0-0.7;1.3-2.0")
        assert found[0.5] == "between"
        found = labels(store, Geometry(1.0, 0.1), "0.0-0.75;1.25-2.0")
        assert found[0.5] == "spoof"

    def test_a_bona_fide_clip_has_bona_fide_windows(self, store: Store) -> None:
        whole = part(store)
        of_bonafide = whole.bonafide[whole.windows.clip]
        assert whole.window_bonafide[of_bonafide].all()
        assert whole.labels.clear[of_bonafide].all()

    def test_a_spoof_clip_without_spans_is_a_spoof_throughout(self, store: Store) -> None:
        whole = part(store)
        of_clip = whole.windows.clip == list(whole.windows.clips).index("001.wav")
        assert of_clip.any()
        assert not whole.window_bonafide[of_clip].any()
        assert whole.labels.clear[of_clip].all()

    def test_without_the_column_windows_are_as_their_clips(
        self, tmp_path: Path, store: Store
    ) -> None:
        plain = numbers_store(tmp_path / "store", [Grid()], 24, seconds=(1.7, 2.6))
        for one in (plain, numbers_store(tmp_path / "empty", [Grid()], 24, spans={})):
            chosen = part(one)
            assert not chosen.labels.of_their_own
            np.testing.assert_array_equal(
                chosen.window_bonafide, chosen.bonafide[chosen.windows.clip]
            )
            assert chosen.labels.clear.all()

    @given(
        st.lists(st.floats(0.0, 2.4), min_size=2, max_size=6, unique=True),
        st.sampled_from([0.2, 0.5, 1.0]),
    )
    def test_a_window_is_at_most_one_of_both(
        self, store: Store, edges_s: list[float], length_s: float
    ) -> None:
        edges = sorted({round(one, 3) for one in edges_s})
        edges = edges[: len(edges) // 2 * 2]
        if not edges:
            return
        text = ";".join(f"{a}-{b}" for a, b in zip(edges[::2], edges[1::2], strict=True))
        found = labels(store, Geometry(length_s, 0.1), text)
        for start_s, word in found.items():
            steps = np.arange(start_s, start_s + length_s, 0.001) + 0.0005
            inside = np.zeros(len(steps), bool)
            for a, b in zip(edges[::2], edges[1::2], strict=True):
                inside |= (steps >= a) & (steps < b)
            if not inside.any():
                assert word == "bona fide"
            if inside.mean() > 0.51:
                assert word == "spoof"


class TestTraining:
    @pytest.mark.parametrize("how", ["held", "streamed"])
    def test_an_epoch_has_every_clear_window_once_and_no_other(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        monkeypatch.setattr(part_module, "_BLOCK_BYTES", 4_000)
        chosen = part(store, **({"held_bytes": 0} if how == "streamed" else {}))
        clear = chosen.labels.clear
        assert 0 < (~clear).sum() < len(chosen)
        first = chosen.map(lambda windows: windows["grid"][:, 0, 0].astype(np.float64))
        known = dict(zip(first[clear], chosen.window_bonafide[clear], strict=True))
        batches = list(chosen.shuffled(5, (0, 1)))
        drawn = np.concatenate([one.windows["grid"][:, 0, 0] for one in batches])
        targets = np.concatenate([one.target[:, 0] for one in batches])
        assert sorted(drawn.astype(np.float64)) == sorted(known)
        assert all(known[float(x)] == y for x, y in zip(drawn, targets, strict=True))
        assert all((one.weight > 0).all() for one in batches)

    def test_classes_of_windows_weigh_the_same(self, store: Store) -> None:
        for balance in ([], ["source"]):
            chosen = part(store, balance=balance)
            weights, bonafide = chosen.weights, chosen.window_bonafide
            clear = chosen.labels.clear
            assert not weights[~clear].any()
            assert weights[clear & bonafide].sum() == pytest.approx(
                weights[clear & ~bonafide].sum(), rel=1e-5
            )
            assert weights[clear].mean() == pytest.approx(1, rel=1e-5)

    def test_the_sample_of_bona_fide_speech_leaves_spans_out(self, store: Store) -> None:
        for held_bytes in (1 << 28, 0):
            chosen = part(store, held_bytes=held_bytes)
            first = chosen.map(lambda windows: windows["grid"][:, 0, 0].astype(np.float64))
            got = np.concatenate([one["grid"][:, 0, 0] for one in chosen.bonafide_sample()])
            assert set(got.astype(np.float64)) <= set(first[chosen.window_bonafide])

    def test_windows_are_judged_one_by_one(self, store: Store) -> None:
        chosen = part(store)
        logits = np.where(chosen.window_bonafide, 1.0, -1.0)
        logits[~chosen.labels.clear] = 50.0
        values, bonafide = chosen.judged(logits)
        assert len(values) == chosen.labels.clear.sum()
        assert metrics.eer(values[bonafide], values[~bonafide])[0] == 0

    def test_clips_are_judged_where_no_spans_are_known(self, tmp_path: Path) -> None:
        chosen = part(numbers_store(tmp_path / "store", [Grid()], 24))
        values, bonafide = chosen.judged(np.ones(len(chosen)))
        assert len(values) == 24
        np.testing.assert_array_equal(bonafide, chosen.bonafide)

    def test_spans_beyond_the_end_are_refused(self, tmp_path: Path) -> None:
        wrong = numbers_store(tmp_path / "store", [Grid()], 4, seconds=(1.0,), spans={3: "0.5-1.2"})
        with pytest.raises(DatasetError, match=r"clip 003\.wav: spans .* ends at 1\.000 s"):
            part(wrong)


class TestTheColumn:
    @pytest.mark.parametrize(
        ("text", "spans"),
        [
            ("", ()),
            ("-", ()),
            ("0.994-1.409", ((0.994, 1.409),)),
            (" 2.2 - 2.9 ; 0.31-0.94", ((0.31, 0.94), (2.2, 2.9))),
            ("1-2;2-3", ((1.0, 2.0), (2.0, 3.0))),
        ],
    )
    def test_spans_are_seconds(self, text: str, spans: tuple) -> None:
        assert parse_spans(text, "a.wav", Label.SPOOF) == spans

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("0.4", "expected seconds"),
            ("0.4-0.9;", "expected seconds"),
            ("-0.4-0.9", "expected seconds"),
            ("0.4-nan", "expected seconds"),
            ("0.9-0.4", "does not last"),
            ("0.4-0.4", "does not last"),
            ("0.4-0.9;0.8-1.0", "before another ends"),
        ],
    )
    def test_what_are_no_spans_is_refused_by_clip_and_value(self, text: str, why: str) -> None:
        with pytest.raises(DatasetError, match=why) as caught:
            parse_spans(text, "a.wav", Label.SPOOF)
        assert "a.wav" in str(caught.value)
        assert repr(text) in str(caught.value)

    def test_a_bona_fide_clip_has_none(self) -> None:
        with pytest.raises(DatasetError, match="its label says bona fide"):
            parse_spans("0.1-0.2", "a.wav", Label.BONAFIDE)

    def test_a_manifest_with_bad_spans_is_refused_when_it_is_read(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match=r"clip b\.wav: spans is '0\.1 to 0\.5'"):
            manifest(tmp_path, "0.1 to 0.5")

    def test_spans_of_a_manifest_reach_the_clip(self, tmp_path: Path) -> None:
        dataset = manifest(tmp_path, "0.1-0.5")
        assert [clip.extra["spans"] for clip in dataset.clips] == ["", "0.1-0.5"]

    def test_copies_are_not_trimmed_where_spans_are_known(self, tmp_path: Path) -> None:
        trims = Recipe.of({"step": [{"kind": "trim"}]})
        with pytest.raises(RecipeError, match=r"b\.wav has spans, and a recipe that trims"):
            add_copies(manifest(tmp_path, "0.1-0.5"), trims, 1)
        assert add_copies(manifest(tmp_path, ""), trims, 1)


def manifest(folder: Path, spans: str) -> Dataset:
    silence: NDArray[np.float32] = np.zeros(16_000, np.float32)
    for name in ("a.wav", "b.wav"):
        soundfile.write(folder / name, silence, 16_000)
    rows = ["file,label,spans", "a.wav,bona-fide,", f"b.wav,spoof,{spans}"]
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return open_dataset(folder / "clips.csv")
