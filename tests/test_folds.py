"""Folds by source: whole sources, both classes everywhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fvx.model.calibrating import _cautious_scale
from fvx.model.folds import fold_by_source


def clips(
    sources: list[str | float], labels: list[str], speakers: list[str] | None = None
) -> pd.DataFrame:
    speakers = speakers or ["-"] * len(labels)
    return pd.DataFrame({"label": labels, "speaker": speakers, "source": sources})


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=60, max_size=200))
def test_no_source_is_in_two_folds_and_each_fold_has_both_classes(
    rows: list[tuple[int, bool]],
) -> None:
    table = clips([f"s{one}" for one, _ in rows], ["spoof" if x else "bonafide" for _, x in rows])
    fold, column = fold_by_source(table)
    assert len(fold) == len(table)
    if not column:
        assert (fold == 0).all()
        return
    assert column == "source"
    assert pd.DataFrame({"source": table["source"], "fold": fold}).groupby("source")[
        "fold"
    ].nunique().max() == 1  # fmt: skip
    both = pd.crosstab(fold, table["label"])
    assert both.shape == (5, 2)
    assert (both > 0).all(axis=None)


def test_folds_are_about_as_large_as_each_other() -> None:
    sources = [f"s{i // 10}" for i in range(400)]
    fold, _ = fold_by_source(clips(sources, ["bonafide", "spoof"] * 200))
    assert np.bincount(fold).tolist() == [80] * 5


def test_without_sources_speakers_are_kept_together() -> None:
    speakers = [f"p{i % 12}" for i in range(120)]
    table = clips(["-"] * 120, ["bonafide", "spoof"] * 60, speakers)
    fold, column = fold_by_source(table)
    assert column == "speaker"
    assert pd.Series(fold).groupby(speakers).nunique().max() == 1


@pytest.mark.parametrize("names", [["a", "b"], ["-", ""]])
def test_too_few_sources_and_speakers_make_no_folds(names: list[str]) -> None:
    table = clips(names * 20, ["bonafide", "spoof"] * 20, names * 20)
    fold, column = fold_by_source(table)
    assert column == ""
    assert not fold.any()


@pytest.mark.parametrize("nobody", ["-", "", float("nan")])
def test_clips_of_no_source_are_spread(nobody: str | float) -> None:
    sources: list[str | float] = [nobody] * 100 + [f"s{i % 10}" for i in range(100)]
    fold, column = fold_by_source(clips(sources, ["bonafide", "spoof"] * 100))
    assert column == "source"
    assert len(set(fold[:100])) == 5


def test_the_scale_is_more_cautious_the_more_sources_differ() -> None:
    rng = np.random.default_rng(0)
    sources = pd.Series(np.repeat([f"s{i}" for i in range(30)], 20))
    bonafide = np.tile([True, False], 300)
    clear = np.where(bonafide, 1.0, -1.0) + rng.standard_normal(600)
    shift = np.repeat(3 * rng.standard_normal(30), 20)
    alike, apart = (_cautious_scale(logits, bonafide, sources) for logits in (clear, clear + shift))
    assert 0 < apart < alike < 2.1  # 2 is what these Gaussians call for
