"""Extraction of altered copies; they are ordinary clips to the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import fakes
import numpy as np
import pytest
from makers import contents, tree

from fvx import extract as module
from fvx.audio import Audio
from fvx.augment import Recipe, add_copies, copy_audio
from fvx.augment.channel import Level, Noise
from fvx.conversion import convert
from fvx.datasets import Dataset
from fvx.errors import RecipeError, StoreError
from fvx.extract import Extraction
from fvx.feature import Feature
from fvx.store import Store

FEATURES: Sequence[Feature] = (fakes.Level(), fakes.Ends())
RECIPE = Recipe((Noise(), Level()), vocoders=("lpc",), vocoded_share=0.5, name="rough")
extract = partial(module.extract, jobs=0)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four clips a shard, so that a few clips make several."""
    monkeypatch.setattr(module, "_MIN_CLIPS_PER_SHARD", 4)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return tree(tmp_path / "c", 6)


def test_the_store_holds_what_the_features_give_of_the_copies(
    dataset: Dataset, tmp_path: Path
) -> None:
    done = extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, n_copies=2)
    assert done == Extraction(tmp_path / "s", 18, 18, 0, (), 12)
    store = Store.open(tmp_path / "s")
    clips = add_copies(dataset, RECIPE, 2).clips
    assert list(store.clips.index) == [clip.id for clip in clips]
    for clip in clips:
        audio = convert(copy_audio(Audio.read(dataset.audio_path(clip)), clip, RECIPE))
        for feature in FEATURES:
            np.testing.assert_array_equal(store[feature.name][clip.id], feature(audio))
        row = store.clips.loc[clip.id]
        assert (row["label"], row["system"]) == (clip.label.value, clip.system)
        if clip.extra:
            assert {**row[["original", "copy", "vocoded_by"]]} == dict(clip.extra)
    assert (store.clips["system"] == "vocoded:lpc").any()
    assert store.about["augmentation"] == RECIPE.settings


def test_workers_make_the_same_copies(dataset: Dataset, tmp_path: Path) -> None:
    extract(dataset, FEATURES, tmp_path / "here", recipe=RECIPE)
    extract(dataset, FEATURES, tmp_path / "there", recipe=RECIPE, jobs=2)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_given_again_nothing_is_done_and_more_copies_are_added(
    dataset: Dataset, tmp_path: Path
) -> None:
    extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, n_copies=1)
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").glob("*.h5")}
    again = extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, n_copies=1)
    assert (again.n_done, again.n_skipped) == (0, 12)
    more = extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, n_copies=3)
    assert (more.n_clips, more.n_done, more.n_copies) == (24, 12, 18)
    now = {path.name: path.read_bytes() for path in (tmp_path / "s").glob("*.h5")}
    assert before.items() <= now.items()
    extract(dataset, FEATURES, tmp_path / "at_once", recipe=RECIPE, n_copies=3)
    stores = [Store.open(tmp_path / name) for name in ("s", "at_once")]
    assert stores[0].clips.equals(stores[1].clips)


def test_a_run_that_stopped_goes_on(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Exception):
        pass

    def stop_after_two(*numbers: int) -> None:
        if numbers[0] >= 8:
            raise Stopped

    with pytest.raises(Stopped):
        extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, on_progress=stop_after_two)
    rest = extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE)
    assert 0 < rest.n_done < 12
    extract(dataset, FEATURES, tmp_path / "at_once", recipe=RECIPE)
    assert contents(tmp_path / "s") == contents(tmp_path / "at_once")


def test_a_limit_counts_originals_and_their_copies_keep_their_place(
    dataset: Dataset, tmp_path: Path
) -> None:
    few = extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, n_copies=2, limit=2)
    assert (few.n_clips, few.n_copies) == (6, 4)
    ids = [clip.id for clip in dataset.clips[:2]]
    expected = [*ids, *(f"{name}~{number}" for number in (1, 2) for name in ids)]
    assert list(Store.open(tmp_path / "s").clips.index) == expected
    extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE, n_copies=2)
    all_ids = [clip.id for clip in add_copies(dataset, RECIPE, 2).clips]
    assert list(Store.open(tmp_path / "s").clips.index) == all_ids


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (None, RECIPE, "was made without altered copies; extract into another store"),
        (RECIPE, None, r"was made with altered copies; give their recipe \(--augment\)"),
        (RECIPE, replace(RECIPE, seed=1), "was made by another recipe than rough; extract into"),
        (RECIPE, replace(RECIPE, steps=()), "was made by another recipe"),
        (RECIPE, replace(RECIPE, vocoded_share=0.4), "was made by another recipe"),
    ],
)
def test_a_store_of_another_recipe_is_refused_and_left_as_it_was(
    dataset: Dataset, tmp_path: Path, first: Recipe | None, second: Recipe | None, reason: str
) -> None:
    extract(dataset, FEATURES, tmp_path / "s", recipe=first)
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").glob("*.*")}
    with pytest.raises(StoreError, match=reason):
        extract(dataset, FEATURES, tmp_path / "s", recipe=second)
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").glob("*.*")} == before


def test_the_name_of_a_recipe_decides_nothing(dataset: Dataset, tmp_path: Path) -> None:
    extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE)
    again = extract(dataset, FEATURES, tmp_path / "s", recipe=replace(RECIPE, name="renamed"))
    assert again.n_done == 0


def test_features_are_added_to_originals_and_copies(dataset: Dataset, tmp_path: Path) -> None:
    extract(dataset, FEATURES[:1], tmp_path / "s", recipe=RECIPE)
    extract(dataset, FEATURES, tmp_path / "s", recipe=RECIPE)
    store = Store.open(tmp_path / "s")
    assert len(store.complete(("ends", "level"))) == 12


def test_a_copy_that_cannot_be_made_is_recorded_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fvx.augment import codecs

    monkeypatch.setitem(
        codecs._FORMS, "gsm", codecs._FORMS["gsm"]._replace(subtype="GSM_FULL_RATE")
    )
    recipe = Recipe((codecs.Codec(codecs=("gsm",)),))
    done = extract(tree(tmp_path / "c", 2), FEATURES, tmp_path / "s", recipe=recipe)
    assert {(f.clip[-2:], f.feature, f.error) for f in done.failures} == {("~1", "", "AudioError")}
    assert "cannot encode gsm" in done.failures[0].reason
    assert len(Store.open(tmp_path / "s").complete(("ends", "level"))) == 2


def test_a_corpus_with_a_clip_named_like_a_copy_is_refused(tmp_path: Path) -> None:
    dataset = tree(tmp_path / "c", 2)
    first, second = dataset.clips
    named = replace(dataset, clips=(first, replace(second, id=f"{first.id}~1")))
    with pytest.raises(RecipeError, match="no name for a copy"):
        extract(named, FEATURES, tmp_path / "s", recipe=RECIPE)
    assert not (tmp_path / "s").exists()
