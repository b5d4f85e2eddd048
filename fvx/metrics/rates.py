"""Rates that need no threshold of their own: equal error rates, area, hits at few false alarms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from fvx.errors import ScoreError
from fvx.metrics.roc import Floats, Integers, accepted, checked, corners, ranking


def eer(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[float, float]:
    """Equal error rate: where the ROC, ties collapsed, meets misses = false alarms.

    Returns
    -------
    rate, threshold : float
        The crossing, linearly interpolated between operating points, and a threshold that
        gives the operating point nearest to it, half-way to the next lower score.

    Notes
    -----
    Unchanged by any strictly increasing map of the scores; ``eer(-s) == 1 - eer(s)``; 0.5
    when all scores are the same.
    """
    positive, negative = checked(bonafide, spoof)
    false_alarms, hits, thresholds = accepted(positive, negative)
    rate, before, excess = _crossing(false_alarms, hits)
    nearest = before if excess[before] < -excess[before + 1] else before + 1
    upper, lower = thresholds[nearest], thresholds[min(nearest + 1, len(thresholds) - 1)]
    middle = upper / 2 + lower / 2
    return rate, float(middle if lower < middle else upper)


def eer_hull(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """Equal error rate of the ROC's convex hull: that of the best monotone calibration.

    Never above `eer`; often quoted as ROCCH-EER. It chooses its operating points on the very
    clips it judges, so on few clips it flatters.

    References
    ----------
    Brümmer and de Villiers (2013), "The BOSARIS toolkit: theory, algorithms and code for
    surviving the new DCF", arXiv 1304.2865.
    """
    positive, negative = checked(bonafide, spoof)
    false_alarms, hits, _ = accepted(positive, negative)
    return _crossing(*corners(false_alarms, hits))[0]


def eer_asvspoof(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[float, float]:
    """Equal error rate by the arithmetic of the ASVspoof 2019, 2021 and 5 evaluation scripts.

    Use it to compare with published figures, `eer` for everything else: among tied scores
    this counts every miss before any false alarm ends, so that constant scores give 100 %.

    Returns
    -------
    rate, threshold : float
        Mean of the two error rates where they differ least, and the score there.
    """
    positive, negative = checked(bonafide, spoof)
    scores, order = ranking(positive, negative)
    rejected = np.append(0, np.cumsum(order < len(positive)))
    misses = rejected / len(positive)
    false_alarms = (len(negative) - (np.arange(len(scores) + 1) - rejected)) / len(negative)
    best = int(np.argmin(np.abs(misses - false_alarms)))
    # Never the first point: there nothing is rejected, and the rates differ by all of 1.
    threshold = scores[order[best - 1]]
    return float((misses[best] + false_alarms[best]) / 2), float(threshold)


def auc(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """Chance that a bona fide clip scores above a spoof, a tie counting one half."""
    positive, negative = checked(bonafide, spoof)
    # Sorted, the second search runs through memory once: four times as fast for a million.
    ranked, positive = np.sort(negative), np.sort(positive)
    below = np.searchsorted(ranked, positive, "left") + np.searchsorted(ranked, positive, "right")
    return float(below.mean() / (2 * len(negative)))


def tpr_at_fpr(bonafide: ArrayLike, spoof: ArrayLike, fpr: float) -> float:
    """Share of bona fide clips accepted where no more than a share of spoofs is.

    Parameters
    ----------
    fpr : float
        The most spoofs that may be accepted, as a fraction. Below one spoof in all, none may.

    Returns
    -------
    float
        Of the operating points that the scores have; nothing is interpolated.

    Raises
    ------
    ScoreError
        If ``fpr`` lies outside [0, 1].
    """
    if not 0 <= fpr <= 1:
        raise ScoreError(f"a false alarm rate lies between 0 and 1, got {fpr}")
    positive, negative = checked(bonafide, spoof)
    false_alarms, hits, _ = accepted(positive, negative)
    last = int(np.searchsorted(false_alarms, most_false_alarms(fpr, len(negative)), "right")) - 1
    return float(hits[last] / len(positive))


def most_false_alarms(fpr: float, n_spoof: int | Integers) -> Floats:
    """How many spoofs a rate allows; 1 % of 300 are 3, whatever binary fractions say."""
    return np.floor(fpr * np.asarray(n_spoof, np.float64) * (1 + 1e-12))


def _crossing(false_alarms: Integers, hits: Integers) -> tuple[float, int, Integers]:
    """Where misses = false alarms on a line through counts; the point before; the excess.

    The excess is misses minus false alarms, times both class sizes: whole numbers, so that
    its sign is exact.
    """
    n_spoof, n_bonafide = int(false_alarms[-1]), int(hits[-1])
    excess = (n_bonafide - hits) * n_spoof - false_alarms * n_bonafide
    after = int(np.argmax(excess <= 0))
    before = after - 1
    share = excess[before] / (excess[before] - excess[after])
    step = false_alarms[after] - false_alarms[before]
    return float((false_alarms[before] + share * step) / n_spoof), before, excess
