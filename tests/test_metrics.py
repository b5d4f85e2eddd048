from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
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

    @pytest.mark.parametrize("name", GOLDEN["cases"])
    def test_agrees_with_the_published_formulas_computed_plainly(self, name: str) -> None:
        case, asv = GOLDEN["cases"][name], GOLDEN["asv"]
        scores = case["bonafide"], case["spoof"]
        rates = metrics.asv_rates(asv["target"], asv["nontarget"], asv["spoof"])
        assert metrics.min_tdcf(*scores, rates) == pytest.approx(case["min_tdcf"], abs=1e-12)
        assert metrics.min_tdcf_2019(*scores, rates) == pytest.approx(
            case["min_tdcf_2019"], abs=1e-12
        )
        assert metrics.eer_hull(*scores) == pytest.approx(case["eer_hull"], abs=1e-12)
        assert metrics.brier(*scores) == pytest.approx(case["brier"], abs=1e-12)
        for fpr, key in ((0.01, "tpr_at_fpr_1pct"), (0.1, "tpr_at_fpr_10pct")):
            assert metrics.tpr_at_fpr(*scores, fpr) == pytest.approx(case[key], abs=1e-12)

    def test_the_predecessor_has_an_eer_of_4_10_percent_at_its_size(self) -> None:
        # Its published scores are of 13,677 bona fide and 8,101 spoof clips; these have the
        # same sizes and the same rate, by the quantiles of two normal distributions.
        separation = -scipy.stats.norm.ppf(0.041)
        bonafide, spoof = (
            scipy.stats.norm.ppf((np.arange(n) + 0.5) / n) + sign * separation
            for n, sign in ((13_677, 1), (8_101, -1))
        )
        assert 100 * eer_rate(bonafide, spoof) == pytest.approx(4.10, abs=0.005)
        assert 100 * metrics.eer_asvspoof(bonafide, spoof)[0] == pytest.approx(4.10, abs=0.005)


class TestHull:
    @SETTINGS
    @given(classes)
    def test_rate_is_never_above_the_interpolated_one_nor_above_half(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        rate = metrics.eer_hull(*scores)
        assert rate <= min(eer_rate(*scores), 0.5) + 1e-12

    @SETTINGS
    @given(classes)
    def test_does_not_change_under_a_strictly_increasing_map(
        self, scores: tuple[np.ndarray, np.ndarray]
    ) -> None:
        assert metrics.eer_hull(np.arctan(scores[0]), np.arctan(scores[1])) == metrics.eer_hull(
            *scores
        )

    @pytest.mark.parametrize("mean", [1.0, 0.1, 0.0, -0.5])
    def test_of_many_scores_is_that_of_isotonic_regression(self, mean: float) -> None:
        bonafide, spoof = gaussian(8_000, 5_000, mean)
        false_alarms, hits = metrics.hull(bonafide, spoof)
        truth = np.repeat([1, 0], [8_000, 5_000])
        weights = np.repeat([1 / 8_000, 1 / 5_000], [8_000, 5_000])
        pooled = np.concatenate((bonafide, spoof))
        fitted = IsotonicRegression().fit(pooled, truth, weights).predict(pooled)
        slopes = np.diff(hits) / np.maximum(np.diff(false_alarms) + np.diff(hits), 1e-300)
        np.testing.assert_allclose(slopes, np.unique(fitted.round(12))[::-1], atol=1e-9)

    def test_rises_ever_less_steeply(self) -> None:
        false_alarms, hits = metrics.hull(*gaussian(20_000, 20_000))
        assert (false_alarms[0], hits[0], false_alarms[-1], hits[-1]) == (0, 0, 1, 1)
        angles = np.arctan2(np.diff(hits), np.diff(false_alarms))
        assert (np.diff(angles) < 0).all()


class TestTprAtFpr:
    @SETTINGS
    @given(classes, st.sampled_from([0.0, 0.01, 0.1, 0.25, 1.0]))
    def test_is_the_best_point_of_scikit_learns_curve(
        self, scores: tuple[np.ndarray, np.ndarray], fpr: float
    ) -> None:
        truth = np.repeat([1, 0], [len(scores[0]), len(scores[1])])
        false_alarms, hits, _ = roc_curve(truth, np.concatenate(scores), drop_intermediate=False)
        expected = hits[false_alarms <= fpr + 1e-9].max()
        assert metrics.tpr_at_fpr(*scores, fpr) == pytest.approx(expected, abs=1e-12)

    def test_one_percent_of_three_hundred_are_three(self) -> None:
        spoof = np.arange(300.0)
        assert metrics.tpr_at_fpr([295.5, 297.5, 400.0], spoof, 0.01) == pytest.approx(2 / 3)

    @pytest.mark.parametrize("fpr", [-0.1, 1.1, float("nan")])
    def test_a_rate_that_is_none_is_refused(self, fpr: float) -> None:
        with pytest.raises(ScoreError, match="lies between 0 and 1"):
            metrics.tpr_at_fpr([1.0], [0.0], fpr)


class TestTandem:
    ASV = metrics.AsvRates(0.0188, 0.01881, 0.46071)  # ASVspoof 5, pooled

    def test_rates_are_taken_at_the_equal_error_rate_of_verification(self) -> None:
        asv = GOLDEN["asv"]
        rates = metrics.asv_rates(asv["target"], asv["nontarget"], asv["spoof"])
        assert rates == metrics.AsvRates(asv["miss"], asv["false_alarm"], asv["spoof_false_alarm"])

    def test_a_perfect_countermeasure_costs_what_verification_costs(self) -> None:
        c0 = 0.9405 * 0.0188 + 0.0095 * 10 * 0.01881
        c2 = 0.05 * 10 * 0.46071
        assert metrics.min_tdcf([1.0], [0.0], self.ASV) == pytest.approx(c0 / (c0 + c2))
        assert metrics.min_tdcf_2019([1.0], [0.0], self.ASV) == 0.0

    def test_a_useless_countermeasure_costs_one(self) -> None:
        assert metrics.min_tdcf([0.0], [0.0], self.ASV) == pytest.approx(1.0)
        assert metrics.min_tdcf_2019([0.0], [0.0], self.ASV) == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("rates", "message"),
        [
            (metrics.AsvRates(0.01, 0.01, 0.0), "accepts no spoof"),
            (metrics.AsvRates(1.0, 0.5, 0.5), "rejecting all is cheaper"),
        ],
    )
    def test_verification_that_leaves_nothing_to_do_is_refused(
        self, rates: metrics.AsvRates, message: str
    ) -> None:
        for function in (metrics.min_tdcf, metrics.min_tdcf_2019):
            with pytest.raises(ScoreError, match=message):
                function([1.0], [0.0], rates)

    def test_a_dcf_agrees_with_the_published_formula_computed_plainly(self) -> None:
        asv = GOLDEN["asv"]
        cost = metrics.a_dcf(asv["target"], asv["nontarget"], asv["spoof"])
        assert cost == pytest.approx(asv["a_dcf"], abs=1e-12)

    def test_a_dcf_is_one_for_scores_that_say_nothing_and_none_for_perfect_ones(self) -> None:
        assert metrics.a_dcf([0.0], [0.0], [0.0]) == pytest.approx(1.0)
        assert metrics.a_dcf([3.0, 2.0], [1.0], [0.0, 1.5]) == 0.0


class TestReliability:
    def test_true_log_likelihood_ratios_lie_on_the_diagonal(self) -> None:
        bonafide, spoof = gaussian(50_000, 20_000)
        found = metrics.reliability(2 * bonafide, 2 * spoof)
        np.testing.assert_allclose(found.found, found.stated, atol=0.03)
        assert found.error < 0.01
        assert found.n.sum() == 70_000

    def test_boasting_scores_lie_off_it(self) -> None:
        bonafide, spoof = gaussian(5_000, 5_000)
        assert metrics.reliability(20 * bonafide, 20 * spoof).error > 0.1

    def test_both_classes_weigh_the_same(self) -> None:
        bonafide, spoof = gaussian(500, 300)
        once = metrics.reliability(bonafide, spoof)
        again = metrics.reliability(bonafide, np.tile(spoof, 7))
        np.testing.assert_allclose(again.found, once.found)
        assert again.error == pytest.approx(once.error)

    def test_brier_score_is_a_quarter_for_scores_that_say_nothing(self) -> None:
        assert metrics.brier([0.0, 0.0], [0.0]) == 0.25
        assert metrics.brier([-1e4], [1e4]) == 1.0

    def test_calibration_loss_is_what_pav_would_save(self) -> None:
        bonafide, spoof = gaussian()
        loss = metrics.calibration_loss(bonafide, spoof)
        assert loss == metrics.cllr(bonafide, spoof) - metrics.cllr_min(bonafide, spoof)
        assert loss > 0

    def test_one_bin_is_none(self) -> None:
        with pytest.raises(ScoreError, match="two bins at least, got 1"):
            metrics.reliability([1.0], [0.0], n_bins=1)


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


class TestCostSettings:
    @pytest.mark.parametrize("settings", [(0.0, 1, 1), (1.0, 1, 1), (0.5, 0, 1), (0.5, 1, -1)])
    def test_priors_and_costs_that_are_none_are_refused(
        self, settings: tuple[float, float, float]
    ) -> None:
        for function in (metrics.min_dcf, metrics.act_dcf):
            with pytest.raises(ScoreError, match="a prior lies between 0 and 1"):
                function([1.0], [0.0], *settings)

    def test_other_costs_give_the_formula(self) -> None:
        # One of four bona fide clips is missed at the best threshold: (1 - 0.2) * 3 / 4.
        cost = metrics.min_dcf([0.0, 2.0, 3.0, 4.0], [1.0], 0.2, 3.0, 20.0)
        assert cost == pytest.approx(0.8 * 3 * 0.25 / min(0.8 * 3, 0.2 * 20))


@pytest.mark.parametrize(
    "function",
    [
        metrics.roc,
        metrics.hull,
        metrics.eer_hull,
        metrics.brier,
        metrics.calibration_loss,
        metrics.reliability,
        lambda b, s: metrics.tpr_at_fpr(b, s, 0.1),
        lambda b, s: metrics.resampled_figures(b, s),
        lambda b, s: metrics.paired_difference((b, s), (b, s)),
        lambda b, s: metrics.min_tdcf(b, s, metrics.AsvRates(0.1, 0.1, 0.5)),
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
