"""The protocol's figures: what is known beforehand comes out, and only what can be said is."""

from __future__ import annotations

import importlib
import json
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fvx import metrics
from fvx.errors import ScoreError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    sys.path.insert(0, str(ROOT / "training"))
    try:
        return importlib.import_module("figures")
    finally:
        sys.path.remove(str(ROOT / "training"))


def scored(n_sources: int = 6, n_each: int = 10, apart: float = 2.0, seed: int = 0) -> pd.DataFrame:
    """Sources with as many clips of each class, whose scores are ``apart`` in deviations."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "clip": f"{source}/{label}/{number}",
            "label": label,
            "source": f"source {source}",
            "kind": "natural" if label == "bonafide" else ("tts", "vc")[number % 2],
            "original_rate": (16000, 24000, "")[source % 3],
            "fold": source % 5,
            "score": float(rng.standard_normal()) + apart / 2 * (1 if label == "bonafide" else -1),
        }
        for source in range(n_sources)
        for label in ("bonafide", "spoof")
        for number in range(n_each)
    ]
    return pd.DataFrame(rows)


def perfect(**settings: int) -> pd.DataFrame:
    table = scored(**settings)
    return table.assign(score=np.where(table["label"] == "bonafide", 3.0, -3.0))


def sign(table: pd.DataFrame) -> pd.Series:
    return (table["label"] == "bonafide").map({True: 1.0, False: -1.0})


class TestWhatIsKnown:
    def test_perfect_scores_make_no_error(self, script: types.ModuleType) -> None:
        found = script.figures(perfect())
        assert found["within_source"] == {"eer": 0, "eer_ci95": [0, 0], "n_sources": 6}
        assert found["pooled"] == {"eer": 0, "eer_ci95": [0, 0]}
        assert found["calibration"]["cllr_min"] == 0
        assert found["calibration"]["n_strong"] == found["n_clips"] == 120
        assert found["calibration"]["strong_wrong"] == 0
        expected = 1 / (1 + np.exp(3))
        assert found["calibration"]["strong_wrong_expected"] == pytest.approx(expected)

    def test_constant_scores_say_nothing(self, script: types.ModuleType) -> None:
        found = script.figures(scored().assign(score=0.0))
        assert found["within_source"]["eer"] == found["pooled"]["eer"] == 0.5
        assert found["calibration"]["cllr"] == pytest.approx(1)
        assert found["calibration"]["n_strong"] == 0
        for name in ("strong_wrong", "strong_wrong_ci95", "strong_wrong_expected"):
            assert found["calibration"][name] is None

    def test_figures_are_those_of_fvx_metrics(self, script: types.ModuleType) -> None:
        table = scored()
        bonafide, spoof = script.split(table)
        found = script.figures(table)
        assert found["pooled"]["eer"] == metrics.eer(bonafide, spoof)[0]
        assert found["calibration"]["cllr"] == metrics.cllr(bonafide, spoof)
        mean = np.mean([row["eer"] for row in found["by_source"]])
        assert found["within_source"]["eer"] == pytest.approx(mean)

    def test_scores_are_only_compared_within_a_source(self, script: types.ModuleType) -> None:
        table = perfect()
        table["score"] += 10 * table["source"].str[-1].astype(int)
        found = script.figures(table)
        assert found["within_source"]["eer"] == 0
        assert found["pooled"]["eer"] > 0.3

    @pytest.mark.parametrize("seed", range(3))
    def test_intervals_hold_the_estimate(self, script: types.ModuleType, seed: int) -> None:
        table = scored(n_sources=12, seed=seed)
        found = script.figures(table.assign(score=2 * table["score"]), seed=seed)
        for part, name in (
            ("within_source", "eer"), ("pooled", "eer"),
            ("calibration", "cllr"), ("calibration", "strong_wrong"),
        ):  # fmt: skip
            low, high = found[part][f"{name}_ci95"]
            assert low <= found[part][name] <= high
            assert low < high

    def test_more_sources_make_a_narrower_interval(self, script: types.ModuleType) -> None:
        widths = [
            np.diff(script.within_source(scored(n_sources=n))["eer_ci95"])[0] for n in (5, 50)
        ]
        assert widths[1] < widths[0] / 2

    def test_strong_verdicts_weigh_the_classes_alike(self, script: types.ModuleType) -> None:
        table = perfect()
        some_spoof = table.index[table["label"] == "spoof"][:15]  # of 60
        table.loc[some_spoof, "score"] = 3.0
        few = table.drop(table.index[table["label"] == "bonafide"][:30])
        for clips in (table, few):
            found = script.calibration(clips)
            assert found["n_strong_wrong"] == 15
            assert found["strong_wrong"] == pytest.approx(0.25 / 2)

    def test_the_same_seed_gives_the_same_figures(self, script: types.ModuleType) -> None:
        first, again, other = (script.figures(scored(), seed=seed) for seed in (1, 1, 2))
        assert first == again != other


class TestParts:
    def test_sources_of_one_class_are_left_out_within(self, script: types.ModuleType) -> None:
        table = scored()
        table["score"] = np.where(table["source"] == "source 0", 0.0, 3 * sign(table))
        alone = table[(table["source"] != "source 0") | (table["label"] == "spoof")]
        assert script.within_source(alone) == {"eer": 0, "eer_ci95": [0, 0], "n_sources": 5}
        row = script.by_source(alone)[0]
        assert row["source"] == "source 0"
        assert (row["n_bonafide"], row["n_spoof"]) == (0, 10)
        assert row["eer"] is None
        assert row["mean_bonafide"] is None
        assert row["mean_spoof"] == 0

    def test_within_takes_five_clips_of_each_class(self, script: types.ModuleType) -> None:
        for n_each, n_sources in ((4, 0), (5, 6)):
            assert script.within_source(scored(n_each=n_each))["n_sources"] == n_sources

    def test_nothing_to_redraw_gives_no_interval(self, script: types.ModuleType) -> None:
        found = script.figures(scored(n_sources=1))
        assert found["within_source"]["eer"] == found["pooled"]["eer"]
        for part, name in (
            ("within_source", "eer"), ("pooled", "eer"),
            ("calibration", "cllr"), ("calibration", "strong_wrong"),
        ):  # fmt: skip
            assert found[part][f"{name}_ci95"] is None

    def test_native_rates_are_told_apart(self, script: types.ModuleType) -> None:
        table = perfect(n_sources=9)
        at_24k = table["original_rate"] == 24000
        table.loc[at_24k, "score"] = 1.0
        of_48k = scored(n_sources=2, n_each=12).assign(original_rate="48000")
        of_48k["clip"] = "other/" + of_48k["clip"]
        found = script.by_native_rate(pd.concat([table, of_48k]))
        assert [row["original_rate"] for row in found] == [16000, 24000, 48000, "not stated"]
        assert [row["n_spoof"] for row in found] == [30, 30, 24, 30]
        assert [row["eer"] for row in found] == [0, 0.5, None, 0]
        assert found[0]["spoof_called_bonafide"] == found[1]["bonafide_called_spoof"] == 0
        assert found[1]["spoof_called_bonafide"] == 1

    def test_kinds_are_compared_with_all_bona_fide(self, script: types.ModuleType) -> None:
        table = perfect()
        table.loc[table["kind"] == "vc", "score"] = 3.0
        rows = {row["kind"]: row for row in script.by_kind(table)}
        assert rows["tts"] == {"kind": "tts", "n_bonafide": 60, "n_spoof": 30, "eer": 0}
        assert rows["vc"]["eer"] == 0.5


class TestTurns:
    def arrivals(self, changed: dict[int, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Ten clips of each class, as is and by telephone; some scores become others."""
        table = perfect(n_sources=1).assign(score=lambda rows: sign(rows))
        as_is = table[["clip", "score"]].assign(way="as is")
        other = as_is.assign(way="telephone")
        for place, score in changed.items():
            other.iloc[place, other.columns.get_loc("score")] = score
        return pd.concat([other, as_is]), table

    def test_turned_and_undecided_are_counted_apart(self, script: types.ModuleType) -> None:
        # Of bona fide clips (scores 1) three turn and two become undecided; of spoof one turns.
        changed = {0: -1.0, 1: -0.5, 2: -9.0, 3: 0.3, 4: -0.4, 5: 0.41, 10: 0.5}
        [row] = script.turns(*self.arrivals(changed))
        assert row["way"] == "telephone"
        assert (row["n_bonafide"], row["n_spoof"]) == (10, 10)
        assert row["turned"] == pytest.approx(4 / 20)
        assert row["became_undecided"] == pytest.approx(2 / 20)
        assert row["was_undecided"] == 0
        assert row["eer_as_is"] == 0
        assert row["eer"] > 0.1
        assert row["shift_spoof"] == pytest.approx(0.15)
        shift = sum(score - 1 for place, score in changed.items() if place < 10) / 10
        assert row["shift_bonafide"] == pytest.approx(shift)

    def test_the_band_can_be_chosen(self, script: types.ModuleType) -> None:
        arrivals, table = self.arrivals({0: -0.5, 1: 0.5})
        [row] = script.turns(arrivals, table, undecided=0.6)
        assert (row["turned"], row["became_undecided"]) == (0, pytest.approx(2 / 20))
        [row] = script.turns(arrivals, table, undecided=1.0)
        assert (row["turned"], row["became_undecided"], row["was_undecided"]) == (0, 0, 1)

    def test_undecided_clips_do_not_turn(self, script: types.ModuleType) -> None:
        arrivals, table = self.arrivals({0: -1.0})
        arrivals.loc[arrivals["way"] == "as is", "score"] *= 0.1
        [row] = script.turns(arrivals, table)
        assert (row["turned"], row["became_undecided"], row["was_undecided"]) == (0, 0, 1)

    def test_a_way_is_compared_on_its_own_clips(self, script: types.ModuleType) -> None:
        arrivals, table = self.arrivals({})
        some = arrivals[(arrivals["way"] == "as is") | arrivals["clip"].str.endswith(("1", "2"))]
        [row] = script.turns(some, table)
        assert (row["n_bonafide"], row["n_spoof"]) == (2, 2)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda rows: rows[rows["way"] != "as is"], "nothing to compare with"),
            (lambda rows: rows.assign(clip="x"), "x came another way"),
            (lambda rows: pd.concat([rows, rows]), "is there twice"),
            (lambda rows: rows.assign(score=np.nan), "is not finite"),
        ],
    )
    def test_what_cannot_be_compared_is_an_error(
        self, script: types.ModuleType, change: Any, said: str
    ) -> None:
        arrivals, table = self.arrivals({})
        with pytest.raises(ScoreError, match=said):
            script.turns(change(arrivals), table)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.drop(columns=["kind", "fold"]), "no column kind, fold"),
        (lambda rows: rows.replace("spoof", "fake"), "labels are bonafide and spoof, got fake"),
        (lambda rows: pd.concat([rows, rows]), "is there twice"),
        (lambda rows: rows.assign(score=np.inf), "is not finite"),
    ],
)
def test_a_table_without_what_is_needed_is_an_error(
    script: types.ModuleType, change: Any, said: str
) -> None:
    with pytest.raises(ScoreError, match=said):
        script.figures(change(scored()))


def test_a_large_table_takes_seconds_and_all_of_it_is_written(script: types.ModuleType) -> None:
    table = scored(n_sources=160, n_each=15)
    ways = [table[["clip", "score"]].assign(way=way) for way in ("as is", "mp3", "room")]
    began = time.perf_counter()
    found = script.figures(table, pd.concat(ways))
    assert time.perf_counter() - began < 60  # about one, when nothing else runs
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    page = script.markdown(found)
    for heading in ("native rate", "kind of synthesis", "fold", "Coming another way", "source"):
        assert heading in page
    for row in found["by_source"]:
        assert f"| {row['source']} | 15 | 15 | {script.percent(row['eer'])} |" in page
    assert "| mp3 | 2400 | 2400 |" in page


def test_a_page_shows_what_cannot_be_said_as_a_dash(script: types.ModuleType) -> None:
    page = script.markdown(script.figures(scored(n_sources=1).assign(score=0.0)))
    assert "| EER pooled | 50.0 % | – |" in page
    assert "nan" not in page.lower().replace("natural", "")
    assert "None" not in page
