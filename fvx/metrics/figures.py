"""Figures of many resamples at once: no resample is sorted, and memory is bounded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from fvx.metrics.calibration import squared_error
from fvx.metrics.costs import COST_FALSE_ALARM, COST_MISS, P_SPOOF, weights
from fvx.metrics.intervals import Draws
from fvx.metrics.rates import most_false_alarms
from fvx.metrics.roc import Floats, Integers, accepted, checked

_OF_THE_CURVE = ("auc", "tpr_at_fpr_1pct", "tpr_at_fpr_0.1pct", "min_dcf")
_DECISIONS = ("accuracy", "balanced_accuracy", "f1")


def resampled_figures(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    groups_bonafide: Sequence[str] | None = None,
    groups_spoof: Sequence[str] | None = None,
    *,
    threshold: float | None = None,
    figures: Sequence[str] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Floats]:
    """Redraw speakers or clips, as `bootstrap_ci` does, and say each figure of each resample.

    Parameters
    ----------
    groups_bonafide, groups_spoof, n_resamples, seed
        As in `bootstrap_ci`, whose resamples are the same.
    threshold : float or None
        For accuracy, balanced accuracy and F1, which are left out without one.
    figures : sequence of str or None
        Those wanted; None: all there are.

    Returns
    -------
    dict of str to float64 array, shape (n_resamples,)
        ``eer``, ``auc``, ``tpr_at_fpr_1pct``, ``tpr_at_fpr_0.1pct``, ``min_dcf``, ``act_dcf``,
        ``cllr``, ``brier``, ``accuracy``, ``balanced_accuracy``, ``f1``.

    Raises
    ------
    ScoreError
        If a class has fewer than two units.
    """
    positive, negative = checked(bonafide, spoof)
    draws = Draws.of(positive, negative, groups_bonafide, groups_spoof, seed)
    sample = _Sample(positive[draws.order[0]], negative[draws.order[1]], threshold)
    wanted = set(sample.names if figures is None else figures)
    parts: dict[str, list[Floats]] = {}
    for times in draws.blocks(n_resamples):
        for name, values in sample.figures(*times, wanted).items():
            parts.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in parts.items()}


class _Sample:
    """Scores sorted once, whose figures under any counts take only sums."""

    def __init__(self, positive: Floats, negative: Floats, threshold: float | None) -> None:
        self._false_alarms, self._hits, _ = accepted(positive, negative)
        miss, alarm = weights(P_SPOOF, COST_MISS, COST_FALSE_ALARM)
        self._at_face_value = _places(positive, negative, float(-np.log(miss / alarm)))
        self._at_threshold = None if threshold is None else _places(positive, negative, threshold)
        self._bits = np.logaddexp(0, -positive) / np.log(2), np.logaddexp(0, negative) / np.log(2)
        self._squares = squared_error(positive), squared_error(-negative)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all figures there are."""
        names = ("eer", *_OF_THE_CURVE, "act_dcf", "cllr", "brier")
        return names if self._at_threshold is None else (*names, *_DECISIONS)

    def figures(
        self, times_positive: Integers, times_negative: Integers, wanted: set[str]
    ) -> dict[str, Floats]:
        """Figures of resamples, given how often each score was drawn."""
        # Counts of those accepted as the threshold falls: from the right end of sorted scores.
        of_positive, of_negative = _from_the_right(times_positive), _from_the_right(times_negative)
        n_positive, n_negative = of_positive[:, -1], of_negative[:, -1]
        found: dict[str, Floats] = {}
        if "eer" in wanted:
            found["eer"] = self._eer(of_positive, of_negative)
        if wanted.intersection(_OF_THE_CURVE):
            hits, false_alarms = of_positive[:, self._hits], of_negative[:, self._false_alarms]
            found |= _of_the_curve(hits, false_alarms)
        if "act_dcf" in wanted:
            tp, fp = (
                of[:, place]
                for of, place in zip((of_positive, of_negative), self._at_face_value, strict=True)
            )
            found["act_dcf"] = _cost(tp / n_positive, fp / n_negative)
        for name, per_score in (("cllr", self._bits), ("brier", self._squares)):
            if name in wanted:
                means = [
                    np.einsum("ij,j->i", times, one) / n
                    for times, one, n in (
                        (times_positive, per_score[0], n_positive),
                        (times_negative, per_score[1], n_negative),
                    )
                ]
                found[name] = (means[0] + means[1]) / 2
        if self._at_threshold is not None and wanted.intersection(_DECISIONS):
            tp, fp = of_positive[:, self._at_threshold[0]], of_negative[:, self._at_threshold[1]]
            tn = n_negative - fp
            found["accuracy"] = (tp + tn) / (n_positive + n_negative)
            found["balanced_accuracy"] = (tp / n_positive + tn / n_negative) / 2
            found["f1"] = 2 * tp / (tp + n_positive + fp)
        return {name: values for name, values in found.items() if name in wanted}

    def _eer(self, of_positive: Integers, of_negative: Integers) -> Floats:
        """As `metrics.eer`; the crossing is found by halving, since the excess only falls."""
        rows = np.arange(len(of_positive))
        n_positive, n_negative = of_positive[:, -1], of_negative[:, -1]

        def excess(point: Integers) -> Integers:
            misses = n_positive - of_positive[rows, self._hits[point]]
            false_alarms = of_negative[rows, self._false_alarms[point]]
            result: Integers = misses * n_negative - false_alarms * n_positive
            return result

        before = np.zeros(len(rows), np.int64)
        after = np.full(len(rows), len(self._hits) - 1)
        while (after - before > 1).any():
            middle = (before + after) // 2
            is_after = excess(middle) <= 0
            after = np.where(is_after, middle, after)
            before = np.where(is_after, before, middle)
        high, low = excess(before), excess(after)
        x0, x1 = (of_negative[rows, self._false_alarms[point]] for point in (before, after))
        rate: Floats = (x0 + high / (high - low) * (x1 - x0)) / n_negative
        return rate


def _of_the_curve(hits: Integers, false_alarms: Integers) -> dict[str, Floats]:
    n_positive, n_negative = hits[:, -1], false_alarms[:, -1]
    twice = hits[:, 1:] + hits[:, :-1]
    area = np.einsum("ij,ij->i", np.diff(false_alarms), twice) / (2 * n_positive * n_negative)
    miss, alarm = weights(P_SPOOF, COST_MISS, COST_FALSE_ALARM)
    cost = hits * (-miss / n_positive)[:, None]
    cost += false_alarms * (alarm / n_negative)[:, None]
    found: dict[str, Floats] = {
        "auc": area,
        "min_dcf": (miss + cost.min(axis=1)) / min(miss, alarm),
    }
    for name, fpr in (("tpr_at_fpr_1pct", 0.01), ("tpr_at_fpr_0.1pct", 0.001)):
        most = most_false_alarms(fpr, n_negative)
        places = [
            np.searchsorted(row, limit, "right") - 1
            for row, limit in zip(false_alarms, most, strict=True)
        ]
        found[name] = hits[np.arange(len(hits)), places] / n_positive
    return found


def _cost(hit_rate: Floats, false_alarm_rate: Floats) -> Floats:
    miss, alarm = weights(P_SPOOF, COST_MISS, COST_FALSE_ALARM)
    cost: Floats = (miss * (1 - hit_rate) + alarm * false_alarm_rate) / min(miss, alarm)
    return cost


def _from_the_right(times: Integers) -> Integers:
    """How many of the k highest scores were drawn, k = 0 … n; shape (n_resamples, n + 1)."""
    total = np.zeros((len(times), times.shape[1] + 1), np.int64)
    np.cumsum(times[:, ::-1], axis=1, out=total[:, 1:])
    return total


def _places(positive: Floats, negative: Floats, threshold: float) -> tuple[int, int]:
    """How many scores of each class, sorted upwards, are accepted."""
    first = np.searchsorted(positive, threshold), np.searchsorted(negative, threshold)
    return len(positive) - int(first[0]), len(negative) - int(first[1])
