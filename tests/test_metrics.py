from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from fvx import metrics
from fvx.errors import ScoreError

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("metrics.json").read_text())
SETTINGS = settings(derandomize=True, deadline=None, max_examples=150, database=None)

# Whole numbers, so that ties are common and monotone maps stay strict in floating point.
few_levels = st.lists(st.integers(-5, 5), min_size=1, max_size=40).map(np.float64)
many_levels = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40).map(np.float64)
classes = st.one_of(st.tuples(few_levels, few_levels), st.tuples(many_levels, many_levels))


def gaussian(
    n_bonafide: int = 2000, n_spoof: int = 2000, mean: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Scores about ±mean with unit deviation: 2 * mean * score is the true LLR."""
    rng = np.random.default_rng(seed)
    return rng.normal(mean, 1, n_bonafide), rng.normal(-mean, 1, n_spoof)


def eer_rate(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    return metrics.eer(bonafide, spoof)[0]


class TestRoc:
    @SETTINGS
    @given(classes)
    def test_agrees_with_scikit_learn(self, scores: tuple[np.ndarray, np.ndarray]) -> None:
        truth = np.repeat([1, 0], [len(scores[0]), len(scores[1])])
        theirs = roc_curve(truth, np.concatenate(scores), drop_intermediate=False)
        for ours, expected in zip(metrics.roc(*scores), theirs, strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-12)

    @SETTINGS
    @given(classes)
    def test_area_agrees_with_scikit_learn(self, scores: tuple[np.ndarray, np.ndarray]) -> None:
        truth = np.repeat([1, 0], [len(scores[0]), len(scores[1])])
        expected = roc_auc_score(truth, np.concatenate(scores))
        assert metrics.auc(*scores) == pytest.approx(expected, abs=1e-12)


class TestEer:
    def test_gaussians_have_the_textbook_rate(self) -> None:
        bonafide, spoof = gaussian(200_000, 100_000)
        rate, threshold = metrics.eer(bonafide, spoof)
        assert rate == pytest.approx(scipy.stats.norm.cdf(-1), abs=0.002)
        assert threshold == pytest.approx(0, abs=0.02)

    def test_separable_scores_have_none_and_a_threshold_in_the_gap(self) -> None:
        assert metrics.eer([2.0, 3.0], [-1.0, 0.0]) == (0.0, 1.0)

    def test_reversed_scores_have_one_hundred_percent(self) -> None:
        assert metrics.eer([-1.0, 0.0], [2.0, 3.0])[0] == 1.0

    def test_half_when_all_scores_are_the_same_but_all_by_the_asvspoof_arithmetic(self) -> None:
        same = np.full(10, 0.25)
        assert metrics.eer(same, same) == (0.5, 0.25)
        assert metrics.eer_asvspoof(same, same)[0] == 1.0

    def test_rounding_spoils_the_asvspoof_figure_and_hardly_ours(self) -> None:
        bonafide, spoof = gaussian()
        assert eer_rate(bonafide, spoof) == pytest.approx(0.1665, abs=1e-9)
        assert metrics.eer_asvspoof(bonafide, spoof)[0] == pytest.approx(0.1665, abs=1e-9)
        coarse = np.clip(np.round(bonafide), -1, 1), np.clip(np.round(spoof), -1, 1)
        assert eer_rate(*coarse) == pytest.approx(0.19258, abs=1e-5)
        assert metrics.eer_asvspoof(*coarse)[0] == pytest.approx(0.3095, abs=1e-9)

    @SETTINGS
    @given(classes)
    def test_is_the_crossing_of_the_interpolated_roc(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        false_alarms, hits, _ = metrics.roc(*scores)
        # Along the curve false_alarms + hits grows strictly, and is 1 where the errors meet.
        crossing = np.interp(1.0, false_alarms + hits, false_alarms)
        assert eer_rate(*scores) == pytest.approx(crossing, abs=1e-12)

    @SETTINGS
    @given(classes, st.sampled_from([np.arctan, np.cbrt, lambda s: 3 * s - 7, lambda s: s**3]))
    def test_does_not_change_under_a_strictly_increasing_map(
        self, scores: tuple[np.ndarray, np.ndarray], stretch: object
    ) -> None:
        mapped = stretch(scores[0] / 8), stretch(scores[1] / 8)
        assert eer_rate(*mapped) == eer_rate(*scores)

    @SETTINGS
    @given(classes)
    def test_of_negated_scores_is_the_complement_ties_or_not(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        assert eer_rate(-scores[0], -scores[1]) == pytest.approx(1 - eer_rate(*scores), abs=1e-12)

    @SETTINGS
    @given(classes)
    def test_of_swapped_classes_is_the_complement(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        assert eer_rate(scores[1], scores[0]) == pytest.approx(1 - eer_rate(*scores), abs=1e-12)

    @SETTINGS
    @given(classes)
    def test_no_threshold_has_more_even_errors(self, scores: tuple[np.ndarray, np.ndarray]) -> None:
        bonafide, spoof = scores

        def unevenness(threshold: float) -> float:
            return abs((bonafide < threshold).mean() - (spoof >= threshold).mean())

        _, _, thresholds = metrics.roc(*scores)
        best = min(unevenness(threshold) for threshold in thresholds)
        assert unevenness(metrics.eer(*scores)[1]) == pytest.approx(best, abs=1e-12)

    def test_threshold_survives_neighbouring_floats(self) -> None:
        low, high = 1.0, np.nextafter(1.0, 2.0)
        threshold = metrics.eer([high, high], [low, low])[1]
        assert low < threshold <= high


class TestReferences:
    @pytest.mark.parametrize("name", GOLDEN["cases"])
    def test_agrees_with_the_asvspoof_5_scripts(self, name: str) -> None:
        case = GOLDEN["cases"][name]
        scores = case["bonafide"], case["spoof"]
        assert metrics.eer_asvspoof(*scores) == (case["eer_asvspoof"], case["threshold_asvspoof"])
        assert metrics.min_dcf(*scores) == pytest.approx(case["min_dcf"], abs=1e-12)
        assert metrics.act_dcf(*scores) == pytest.approx(case["act_dcf"], abs=1e-12)
        assert metrics.cllr(*scores) == pytest.approx(case["cllr"], abs=1e-12)
        assert metrics.cllr_min(*scores) == pytest.approx(case["cllr_min"], abs=1e-12)


class TestCosts:
    def test_the_better_constant_decision_costs_one(self) -> None:
        assert metrics.min_dcf([0.0], [0.0]) == pytest.approx(1.0)
        assert metrics.act_dcf([0.0, 1.0], [0.0, 5.0]) == pytest.approx(1.0)  # accepts everything

    def test_rejecting_everything_costs_more_than_accepting_it(self) -> None:
        assert metrics.act_dcf([-1.0], [-1.0]) == pytest.approx(1.9)

    def test_act_dcf_decides_at_minus_0_642(self) -> None:
        assert metrics.act_dcf([-0.641], [-0.643]) == 0.0
        assert metrics.act_dcf([-0.643], [-0.641]) == pytest.approx(2.9)
        on_it = -np.log(0.95 / 0.5)
        assert metrics.act_dcf([on_it], [on_it]) == pytest.approx(1.0)  # accepted, both

    @SETTINGS
    @given(classes)
    def test_min_dcf_is_never_above_act_dcf_nor_one(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        assert metrics.min_dcf(*scores) <= min(metrics.act_dcf(*scores), 1.0) + 1e-12


class TestCllr:
    def test_is_one_for_scores_that_say_nothing(self) -> None:
        assert metrics.cllr([0.0, 0.0], [0.0]) == pytest.approx(1.0)
        assert metrics.cllr_min([3.0, 3.0], [3.0]) == pytest.approx(1.0)

    def test_is_nothing_for_sure_and_right_scores(self) -> None:
        assert metrics.cllr([50.0], [-50.0]) == pytest.approx(0.0, abs=1e-12)
        assert metrics.cllr_min([0.2], [0.1]) == 0.0

    def test_of_a_true_log_likelihood_ratio_is_hardly_above_the_minimum(self) -> None:
        bonafide, spoof = gaussian(20_000, 20_000)
        loss = metrics.cllr(2 * bonafide, 2 * spoof) - metrics.cllr_min(bonafide, spoof)
        assert 0 <= loss < 0.005

    def test_stays_finite_for_absurd_scores(self) -> None:
        assert metrics.cllr([-1e6], [1e6]) == pytest.approx(1e6 / np.log(2))

    @SETTINGS
    @given(classes)
    def test_minimum_lies_between_zero_and_any_affine_calibration(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        least = metrics.cllr_min(*scores)
        assert 0 <= least <= 1 + 1e-12
        assert least <= metrics.cllr(scores[0] / 3 + 1, scores[1] / 3 + 1) + 1e-12


class TestConfusion:
    def test_counts_and_rates(self) -> None:
        counts = metrics.confusion([1.0, 2.0, 3.0, -1.0], [0.5, 0.0], 0.5)
        assert (counts.tp, counts.fn, counts.fp, counts.tn) == (3, 1, 1, 1)
        assert counts.accuracy == pytest.approx(4 / 6)
        assert counts.balanced_accuracy == pytest.approx((3 / 4 + 1 / 2) / 2)
        assert counts.f1 == pytest.approx(6 / 8)

    def test_a_score_on_the_threshold_is_accepted(self) -> None:
        counts = metrics.confusion([0.5], [0.5], 0.5)
        assert (counts.tp, counts.fp) == (1, 1)

    def test_rejecting_everything_leaves_an_f1_of_zero(self) -> None:
        assert metrics.confusion([1.0], [0.0], 9.0).f1 == 0.0

    def test_a_threshold_that_is_no_number_is_refused(self) -> None:
        with pytest.raises(ScoreError, match="threshold must be a finite number, got nan"):
            metrics.confusion([1.0], [0.0], float("nan"))


class TestCalibration:
    @pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.02, 30.0), (40.0, -7.0)])
    @pytest.mark.parametrize("n_spoof", [20_000, 2_000])
    def test_recovers_a_known_affine_distortion(
        self, scale: float, offset: float, n_spoof: int
    ) -> None:
        bonafide, spoof = gaussian(20_000, n_spoof)
        distorted = 2 * bonafide * scale + offset, 2 * spoof * scale + offset
        slope, level = metrics.fit_calibration(*distorted)
        assert slope * scale == pytest.approx(1, rel=0.06)
        assert level + slope * offset == pytest.approx(0, abs=0.08)
        calibrated = slope * distorted[0] + level, slope * distorted[1] + level
        assert metrics.cllr(*calibrated) == pytest.approx(
            metrics.cllr(2 * bonafide, 2 * spoof), abs=0.002
        )

    def test_does_not_depend_on_how_many_clips_each_class_has(self) -> None:
        bonafide, spoof = gaussian(500, 500)
        scale, offset = metrics.fit_calibration(bonafide, spoof)
        again = metrics.fit_calibration(bonafide, np.tile(spoof, 20))
        assert again == pytest.approx((scale, offset), abs=1e-6)

    def test_separable_scores_claim_no_more_than_the_clips_support(self) -> None:
        scale, offset = metrics.fit_calibration(np.full(100, 7.0), np.full(100, 3.0))
        assert scale * 7.0 + offset == pytest.approx(np.log(101), rel=1e-6)
        assert scale * 3.0 + offset == pytest.approx(-np.log(101), rel=1e-6)

    @pytest.mark.parametrize("sign", [-1, 0])
    def test_scores_that_do_not_tell_the_classes_keep_their_order_and_say_nothing(
        self, sign: int
    ) -> None:
        bonafide, spoof = gaussian(300, 300)
        scale, offset = metrics.fit_calibration(sign * bonafide + 5, sign * spoof + 5)
        assert scale > 0
        ratios = scale * (sign * np.concatenate((bonafide, spoof)) + 5) + offset
        assert np.abs(ratios).max() < 0.01

    @SETTINGS
    @given(classes)
    def test_is_finite_positive_and_not_worse_than_saying_nothing(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        scale, offset = metrics.fit_calibration(*scores)
        assert 0 < scale < np.inf
        calibrated = scale * scores[0] + offset, scale * scores[1] + offset
        # Beyond 1 by no more than the least slope and the smoothed targets allow.
        assert metrics.cllr(*calibrated) < 1.01

    def test_an_outlier_a_thousand_deviations_away_hardly_matters(self) -> None:
        bonafide, spoof = gaussian(200, 200)
        without = metrics.fit_calibration(bonafide, spoof)
        scale, offset = metrics.fit_calibration(np.append(bonafide, 1e3), spoof)
        assert scale == pytest.approx(without[0], rel=0.15)
        assert offset == pytest.approx(without[1], abs=0.05)


class TestBootstrap:
    def test_interval_of_a_mean_is_the_textbook_one(self) -> None:
        bonafide, spoof = gaussian(400, 400)
        low, high = metrics.bootstrap_ci(bonafide, spoof, lambda b, _: float(b.mean()))
        error = bonafide.std() / np.sqrt(len(bonafide))
        assert low == pytest.approx(bonafide.mean() - 1.96 * error, abs=0.3 * error)
        assert high == pytest.approx(bonafide.mean() + 1.96 * error, abs=0.3 * error)

    def test_interval_covers_the_true_rate(self) -> None:
        truth, covered = scipy.stats.norm.cdf(-1), 0
        for seed in range(100):
            low, high = metrics.bootstrap_ci(
                *gaussian(80, 80, seed=seed), eer_rate, n_resamples=200, seed=seed
            )
            covered += low <= truth <= high
        assert 88 <= covered <= 100

    def test_only_resampling_speakers_covers_when_clips_of_a_speaker_are_alike(self) -> None:
        truth = scipy.stats.norm.cdf(-1 / np.hypot(1, 0.3))
        n_speakers, n_clips = 20, 10
        speakers = np.repeat(np.arange(n_speakers), n_clips).astype(str)
        by_speaker = by_clip = 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            voices = rng.normal(0, 1, (2, n_speakers)).repeat(n_clips, axis=1)
            clips = voices + rng.normal(0, 0.3, voices.shape) + [[1], [-1]]
            groups = np.char.add("b", speakers), np.char.add("s", speakers)
            low, high = metrics.bootstrap_ci(*clips, eer_rate, *groups, n_resamples=200)
            by_speaker += low <= truth <= high
            low, high = metrics.bootstrap_ci(*clips, eer_rate, n_resamples=200)
            by_clip += low <= truth <= high
        assert by_speaker >= 50
        assert by_clip <= 40

    def test_a_speaker_of_both_classes_is_drawn_as_one(self) -> None:
        speakers = np.repeat(["ann", "bob", "cy"], [1, 2, 3])
        scores = np.arange(6.0)

        def surplus(bonafide: np.ndarray, spoof: np.ndarray) -> float:
            return len(bonafide) - len(spoof)

        both = metrics.bootstrap_ci(scores, scores, surplus, speakers, speakers)
        others = metrics.bootstrap_ci(scores, scores, surplus, speakers, np.char.upper(speakers))
        assert both == (0, 0)
        assert others[0] < 0 < others[1]

    def test_each_class_keeps_its_number_of_units(self) -> None:
        def n_bonafide(bonafide: np.ndarray, spoof: np.ndarray) -> float:
            return len(bonafide)

        assert metrics.bootstrap_ci([1.0, 2.0], np.zeros(50), n_bonafide) == (2, 2)

    def test_the_statistic_gets_scores_sorted_upwards(self) -> None:
        def is_sorted(bonafide: np.ndarray, spoof: np.ndarray) -> float:
            return float((np.diff(bonafide) >= 0).all() and (np.diff(spoof) >= 0).all())

        assert metrics.bootstrap_ci(*gaussian(50, 50), is_sorted, n_resamples=20) == (1, 1)

    def test_same_seed_same_interval(self) -> None:
        scores = gaussian(50, 50)
        first, again, other = (
            metrics.bootstrap_ci(*scores, eer_rate, seed=seed) for seed in (1, 1, 2)
        )
        assert first == again != other

    def test_one_unit_cannot_be_resampled(self) -> None:
        with pytest.raises(ScoreError, match="two spoof clips or speakers at least"):
            metrics.bootstrap_ci([1.0, 2.0], [0.0], eer_rate)
        with pytest.raises(ScoreError, match="two bona fide clips or speakers at least"):
            metrics.bootstrap_ci([1.0, 2.0], [0.0, 1.0], eer_rate, ["ann", "ann"])

    def test_a_group_for_each_score_is_needed(self) -> None:
        with pytest.raises(ScoreError, match="2 bona fide scores but 1 groups"):
            metrics.bootstrap_ci([1.0, 2.0], [0.0, 1.0], eer_rate, ["ann"])


@pytest.mark.parametrize(
    "function",
    [
        metrics.roc,
        metrics.eer,
        metrics.eer_asvspoof,
        metrics.auc,
        metrics.min_dcf,
        metrics.act_dcf,
        metrics.cllr,
        metrics.cllr_min,
        metrics.fit_calibration,
        lambda b, s: metrics.confusion(b, s, 0.0),
        lambda b, s: metrics.bootstrap_ci(b, s, eer_rate),
    ],
)
class TestRefusals:
    def test_an_empty_class_is_refused_with_counts(self, function: object) -> None:
        with pytest.raises(ScoreError, match="got 0 bona fide and 2 spoof"):
            function([], [1.0, 2.0])
        with pytest.raises(ScoreError, match="got 1 bona fide and 0 spoof"):
            function([1.0], [])

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
    def test_nan_and_infinity_are_refused_with_counts(self, function: object, bad: float) -> None:
        with pytest.raises(ScoreError, match="1 of 3 bona fide and 0 of 2 spoof"):
            function([1.0, bad, 2.0], [1.0, 2.0])

    def test_a_matrix_is_refused(self, function: object) -> None:
        with pytest.raises(ScoreError, match="flat arrays"):
            function(np.ones((2, 2)), [1.0, 2.0])
