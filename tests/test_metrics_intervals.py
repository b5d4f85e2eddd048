"""Intervals, resampled figures, and differences of two systems."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from fvx import metrics
from fvx.errors import ScoreError


def gaussian(
    n_bonafide: int = 2000, n_spoof: int = 2000, mean: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Scores about ±mean with unit deviation: 2 * mean * score is the true LLR."""
    rng = np.random.default_rng(seed)
    return rng.normal(mean, 1, n_bonafide), rng.normal(-mean, 1, n_spoof)


def eer_rate(bonafide: np.ndarray, spoof: np.ndarray) -> float:
    return metrics.eer(bonafide, spoof)[0]


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


FIGURES = {
    "eer": eer_rate,
    "auc": metrics.auc,
    "tpr_at_fpr_1pct": lambda b, s: metrics.tpr_at_fpr(b, s, 0.01),
    "tpr_at_fpr_0.1pct": lambda b, s: metrics.tpr_at_fpr(b, s, 0.001),
    "min_dcf": metrics.min_dcf,
    "act_dcf": metrics.act_dcf,
    "cllr": metrics.cllr,
    "brier": metrics.brier,
    "accuracy": lambda b, s: metrics.confusion(b, s, 0.5).accuracy,
    "balanced_accuracy": lambda b, s: metrics.confusion(b, s, 0.5).balanced_accuracy,
    "f1": lambda b, s: metrics.confusion(b, s, 0.5).f1,
}


class TestResampledFigures:
    SPEAKERS = ("ann", "bob", "cy", "di", "eve")

    @pytest.mark.parametrize("with_speakers", [True, False])
    @pytest.mark.parametrize("name", FIGURES)
    def test_interval_is_that_of_the_general_bootstrap(
        self, name: str, with_speakers: bool
    ) -> None:
        bonafide, spoof = (scores.round(1) for scores in gaussian(60, 90))  # ties among them
        groups = (self.SPEAKERS * 12, self.SPEAKERS * 18) if with_speakers else (None, None)
        resampled = metrics.resampled_figures(
            bonafide, spoof, *groups, threshold=0.5, n_resamples=50, seed=3
        )
        expected = metrics.bootstrap_ci(
            bonafide, spoof, FIGURES[name], *groups, n_resamples=50, seed=3
        )
        assert metrics.percentile_ci95(resampled[name]) == pytest.approx(expected, abs=1e-12)

    def test_all_figures_are_there_and_only_those_wanted(self) -> None:
        scores = gaussian(20, 20)
        assert metrics.resampled_figures(*scores, threshold=0.0, n_resamples=2).keys() == (
            FIGURES.keys()
        )
        assert list(metrics.resampled_figures(*scores, figures=("eer",), n_resamples=2)) == ["eer"]
        assert "accuracy" not in metrics.resampled_figures(*scores, n_resamples=2)

    def test_many_scores_are_drawn_block_by_block(self) -> None:
        scores = gaussian(400_000, 200_000)
        rates = metrics.resampled_figures(*scores, figures=("eer",), n_resamples=3)["eer"]
        assert rates.shape == (3,)
        assert np.abs(rates - scipy.stats.norm.cdf(-1)).max() < 0.002
        assert len(set(rates)) == 3


class TestPairs:
    def test_a_system_does_not_differ_from_itself(self) -> None:
        scores = gaussian(100, 100)
        found = metrics.paired_difference(scores, (2 * scores[0] + 1, 2 * scores[1] + 1))
        assert found == metrics.Difference(0.0, (0.0, 0.0), 1.0)

    def test_a_better_system_is_found_better(self) -> None:
        bonafide, spoof = gaussian(300, 300)
        noise = np.random.default_rng(1).normal(0, 2, (2, 300))
        found = metrics.paired_difference(
            (bonafide, spoof), (bonafide + noise[0], spoof + noise[1])
        )
        assert found.value > 0.05
        assert 0 < found.ci95[0] < found.value < found.ci95[1]
        assert found.p_value < 0.01

    def test_equal_systems_are_rarely_told_apart(self) -> None:
        n_found = 0
        for seed in range(60):
            bonafide, spoof = gaussian(60, 60, seed=seed)
            noise = np.random.default_rng(seed + 100).normal(0, 0.7, (4, 60))
            first = bonafide + noise[0], spoof + noise[1]
            second = bonafide + noise[2], spoof + noise[3]
            n_found += metrics.paired_difference(first, second, n_resamples=200).p_value < 0.05
        assert n_found <= 8

    def test_pairing_makes_the_interval_narrow(self) -> None:
        bonafide, spoof = gaussian(200, 200)
        noise = np.random.default_rng(1).normal(0, 0.1, 200)
        paired = metrics.paired_difference((bonafide, spoof), (bonafide + noise, spoof + noise))
        alone = metrics.bootstrap_ci(bonafide, spoof, eer_rate)
        assert paired.ci95[1] - paired.ci95[0] < 0.6 * (alone[1] - alone[0])

    def test_other_clips_are_refused_with_counts(self) -> None:
        with pytest.raises(ScoreError, match="2 and 3 bona fide, 2 and 2 spoof"):
            metrics.paired_difference(([1.0, 2.0], [0.0, 1.0]), ([1.0, 2.0, 3.0], [0.0, 1.0]))

    @pytest.mark.parametrize("counts", [(0, 0), (0, 5), (3, 9), (40, 61), (700, 802)])
    def test_mcnemar_is_the_binomial_test(self, counts: tuple[int, int]) -> None:
        n = sum(counts)
        expected = scipy.stats.binomtest(counts[0], n).pvalue if n else 1.0
        assert metrics.mcnemar(*counts) == pytest.approx(expected, rel=1e-9)
        assert metrics.mcnemar(*reversed(counts)) == metrics.mcnemar(*counts)

    def test_mcnemar_refuses_negative_counts(self) -> None:
        with pytest.raises(ScoreError, match="not negative"):
            metrics.mcnemar(-1, 3)
