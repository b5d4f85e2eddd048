"""Error rates, costs, calibration and intervals from two arrays of scores: pure functions.

Everywhere the positive class is bona fide, a higher score means bona fide, a clip is accepted
when ``score >= threshold``, a *miss* is a bona fide clip rejected and a *false alarm* a spoof
accepted. Rates are fractions. Every function raises `ScoreError` when a class is empty or a
score is NaN or infinite. An EER above 50 % is reported as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fvx.errors import ScoreError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# ASVspoof 5, track 1: prior of a spoof, cost of a miss, cost of a false alarm.
P_SPOOF, COST_MISS, COST_FALSE_ALARM = 0.05, 1.0, 10.0

# Least slope of a calibration, per standard deviation of the scores.
_LEAST_SLOPE = 1e-3


def roc(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Receiver operating characteristic, one point per distinct score.

    Returns
    -------
    false_alarms, hits, thresholds : float64 arrays, shape (n_distinct + 1,)
        Spoofs and bona fide clips accepted at each threshold, as fractions; thresholds fall
        from infinity, where nothing is accepted. The DET curve is (false_alarms, 1 - hits).
    """
    positive, negative = _checked(bonafide, spoof)
    false_alarms, hits, thresholds = _accepted(positive, negative)
    return false_alarms / len(negative), hits / len(positive), thresholds


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
    positive, negative = _checked(bonafide, spoof)
    false_alarms, hits, thresholds = _accepted(positive, negative)
    # Misses minus false alarms times both class sizes: whole numbers, so the sign is exact.
    excess = (len(positive) - hits) * len(negative) - false_alarms * len(positive)
    after = int(np.argmax(excess <= 0))
    before = after - 1
    share = excess[before] / (excess[before] - excess[after])
    step = false_alarms[after] - false_alarms[before]
    rate = (false_alarms[before] + share * step) / len(negative)
    nearest = before if excess[before] < -excess[after] else after
    upper, lower = thresholds[nearest], thresholds[min(nearest + 1, len(thresholds) - 1)]
    middle = upper / 2 + lower / 2
    return float(rate), float(middle if lower < middle else upper)


def eer_asvspoof(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[float, float]:
    """Equal error rate by the arithmetic of the ASVspoof 2019, 2021 and 5 evaluation scripts.

    Use it to compare with published figures, `eer` for everything else: among tied scores
    this counts every miss before any false alarm ends, so that constant scores give 100 %.

    Returns
    -------
    rate, threshold : float
        Mean of the two error rates where they differ least, and the score there.
    """
    positive, negative = _checked(bonafide, spoof)
    scores = np.concatenate((positive, negative))
    order = np.argsort(scores, kind="stable")
    rejected = np.append(0, np.cumsum(order < len(positive)))
    misses = rejected / len(positive)
    false_alarms = (len(negative) - (np.arange(len(scores) + 1) - rejected)) / len(negative)
    best = int(np.argmin(np.abs(misses - false_alarms)))
    # Never the first point: there nothing is rejected, and the rates differ by all of 1.
    threshold = scores[order[best - 1]]
    return float((misses[best] + false_alarms[best]) / 2), float(threshold)


def auc(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """Chance that a bona fide clip scores above a spoof, a tie counting one half."""
    positive, negative = _checked(bonafide, spoof)
    ranked = np.sort(negative)
    below = np.searchsorted(ranked, positive, "left") + np.searchsorted(ranked, positive, "right")
    return float(below.mean() / (2 * len(negative)))


def min_dcf(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    p_spoof: float = P_SPOOF,
    cost_miss: float = COST_MISS,
    cost_false_alarm: float = COST_FALSE_ALARM,
) -> float:
    """Detection cost at the best threshold, over that of the better constant decision.

    References
    ----------
    Wang et al. (2024), "ASVspoof 5: crowdsourced speech data, deepfakes, and adversarial
    attacks at scale", ASVspoof Workshop.
    """
    false_alarms, hits, _ = roc(bonafide, spoof)
    miss, alarm = cost_miss * (1 - p_spoof), cost_false_alarm * p_spoof
    return float((miss * (1 - hits) + alarm * false_alarms).min() / min(miss, alarm))


def act_dcf(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    p_spoof: float = P_SPOOF,
    cost_miss: float = COST_MISS,
    cost_false_alarm: float = COST_FALSE_ALARM,
) -> float:
    """Detection cost at the threshold that is best for log-likelihood ratios; as `min_dcf`.

    The threshold is ``-ln(cost_miss (1 - p_spoof) / (cost_false_alarm p_spoof))``, -0.642 by
    default; the excess over `min_dcf` is what poor calibration costs.
    """
    positive, negative = _checked(bonafide, spoof)
    miss, alarm = cost_miss * (1 - p_spoof), cost_false_alarm * p_spoof
    threshold = -np.log(miss / alarm)
    cost = miss * (positive < threshold).mean() + alarm * (negative >= threshold).mean()
    return float(cost / min(miss, alarm))


def cllr(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """Cost of natural log-likelihood ratios, in bits; 1 for scores that say nothing (all 0).

    References
    ----------
    Brümmer and du Preez (2006), "Application-independent evaluation of speaker detection",
    Computer Speech & Language 20.
    """
    positive, negative = _checked(bonafide, spoof)
    bits = np.logaddexp(0, -positive).mean() + np.logaddexp(0, negative).mean()
    return float(bits / (2 * np.log(2)))


def cllr_min(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """`cllr` after the best monotone calibration of these very scores; within [0, 1].

    The pool-adjacent-violators solution, found as the concave hull of the ROC: each edge
    of the hull is a pool, and its slope the likelihood ratio.
    """
    positive, negative = _checked(bonafide, spoof)
    false_alarms, hits, _ = _accepted(positive, negative)
    hull: list[tuple[int, int]] = []
    for x, y in zip(false_alarms.tolist(), hits.tolist(), strict=True):
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (x1 - x0) * (y - y0) < (y1 - y0) * (x - x0):
                break
            hull.pop()
        hull.append((x, y))
    spoof_share, bonafide_share = np.diff(np.array(hull, np.float64), axis=0).T
    spoof_share /= len(negative)
    bonafide_share /= len(positive)
    both = spoof_share + bonafide_share
    bits = sum(
        float(share[share > 0] @ np.log2(both[share > 0] / share[share > 0]))
        for share in (spoof_share, bonafide_share)
    )
    return bits / 2


@dataclass(frozen=True)
class Confusion:
    """Decisions counted; the positive class is bona fide.

    Attributes
    ----------
    tp, fn, fp, tn : int
        Bona fide accepted and rejected, spoof accepted and rejected.
    """

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def accuracy(self) -> float:
        """Share of right decisions."""
        return (self.tp + self.tn) / (self.tp + self.fn + self.fp + self.tn)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the shares of right decisions in each class."""
        return (self.tp / (self.tp + self.fn) + self.tn / (self.fp + self.tn)) / 2

    @property
    def f1(self) -> float:
        """F1 of the bona fide class; 0 when none is accepted."""
        return 2 * self.tp / (2 * self.tp + self.fn + self.fp)


def confusion(bonafide: ArrayLike, spoof: ArrayLike, threshold: float) -> Confusion:
    """Count the decisions at a threshold."""
    positive, negative = _checked(bonafide, spoof)
    if not np.isfinite(threshold):
        raise ScoreError(f"a threshold must be a finite number, got {threshold}")
    tp, fp = int((positive >= threshold).sum()), int((negative >= threshold).sum())
    return Confusion(tp, len(positive) - tp, fp, len(negative) - fp)


def fit_calibration(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[float, float]:
    """Affine logistic regression that turns scores into natural log-likelihood ratios.

    Both classes weigh the same, so the prior is one half and its log odds are 0: ``scale *
    score + offset`` is the log-likelihood ratio itself.

    Returns
    -------
    scale, offset : float
        ``scale`` is always positive: calibration never turns the order of the scores round.
        Scores that are anti-correlated with the classes (or not correlated) get the best
        positive fit there is, log-likelihood ratios close to 0 for all: a scale of 0.001
        over the deviation of the scores.

    Notes
    -----
    The targets are not 1 and 0 but ``1 - e`` and ``e``, ``e = 1 / (n + 2)`` with *n* the
    clips of the rarer class. That is the whole regularisation: perfectly separable scores
    get a finite scale, with ratios around ±ln(n + 1), which is what *n* clips can support.

    References
    ----------
    Platt (1999), "Probabilistic outputs for support vector machines", in Advances in Large
    Margin Classifiers. Brümmer et al. (2007), "Fusion of heterogeneous speaker recognition
    systems", IEEE TASLP 15.
    """
    positive, negative = _checked(bonafide, spoof)
    sizes = [len(positive), len(negative)]
    scores = np.concatenate((positive, negative))
    weights = np.repeat([0.5 / sizes[0], 0.5 / sizes[1]], sizes)
    smoothing = 1 / (min(sizes) + 2)
    targets = np.repeat([1 - smoothing, smoothing], sizes)
    centre = float(weights @ scores)
    spread = float(np.sqrt(weights @ (scores - centre) ** 2))
    if spread <= 1e-12 * np.abs(scores).max():  # all the same: there is no unit to scale by
        return 1.0, -centre
    slope, level = _logistic((scores - centre) / spread, targets, weights)
    if slope < _LEAST_SLOPE:
        slope, level = _LEAST_SLOPE, 0.0
    scale = slope / spread
    return scale, level - scale * centre


def bootstrap_ci(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    statistic: Callable[[Floats, Floats], float],
    groups_bonafide: Sequence[str] | None = None,
    groups_spoof: Sequence[str] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of a statistic, resampling whole speakers.

    Parameters
    ----------
    statistic : callable
        Takes bona fide and spoof scores, each sorted upwards, and returns a number.
    groups_bonafide, groups_spoof : sequence of str, one per score, or None
        The speaker of each clip. One that speaks in both classes is drawn as one unit. None:
        each clip of that class is a unit of its own.

    Returns
    -------
    low, high : float

    Raises
    ------
    ScoreError
        If a class has fewer than two units: nothing can be learnt from redrawing one.

    Notes
    -----
    Speakers of bona fide clips only, of spoofs only and of both are redrawn each among
    themselves, so every resample has both classes. Where no clip is mistaken, no resample
    has an error either and the interval of an error rate is [0, 0]: too narrow, as any
    bootstrap then is.
    """
    positive, negative = _checked(bonafide, spoof)
    of_positive = _groups(groups_bonafide, len(positive), "bona fide")
    of_negative = _groups(groups_spoof, len(negative), "spoof")
    number = {group: i for i, group in enumerate(dict.fromkeys([*of_positive, *of_negative]))}
    order = np.argsort(positive), np.argsort(negative)
    positive, negative = positive[order[0]], negative[order[1]]
    unit_positive = np.array([number[group] for group in of_positive])[order[0]]
    unit_negative = np.array([number[group] for group in of_negative])[order[1]]
    stratum = np.zeros(len(number), np.int64)
    stratum[unit_positive] += 1
    stratum[unit_negative] += 2
    strata = [found for kind in (1, 2, 3) if (found := np.flatnonzero(stratum == kind)).size]
    rng = np.random.default_rng(seed)
    times, values = np.empty(len(number), np.int64), np.empty(n_resamples)
    for i in range(n_resamples):
        for units in strata:
            drawn = rng.integers(len(units), size=len(units))
            times[units] = np.bincount(drawn, minlength=len(units))
        # Repeating sorted scores keeps them sorted, and a stable sort of two sorted runs is
        # a merge: the statistic never sorts afresh.
        values[i] = statistic(
            np.repeat(positive, times[unit_positive]), np.repeat(negative, times[unit_negative])
        )
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _groups(groups: Sequence[str] | None, n_scores: int, name: str) -> list[tuple[str, object]]:
    """A key per score: shared by a speaker's clips in both classes, else its own."""
    if groups is not None and len(groups) != n_scores:
        raise ScoreError(f"{n_scores} {name} scores but {len(groups)} groups for them")
    keys = [(name, i) for i in range(n_scores)] if groups is None else [("", g) for g in groups]
    if len(set(keys)) < 2:
        raise ScoreError(f"an interval needs two {name} clips or speakers at least, got one")
    return list(keys)


def _logistic(x: Floats, targets: Floats, weights: Floats) -> tuple[float, float]:
    """Slope and level of the weighted logistic regression, by damped Newton steps."""
    design = np.stack((x, np.ones_like(x)), axis=1)

    def loss(theta: Floats) -> float:
        logits = design @ theta
        return float(weights @ (np.logaddexp(0, logits) - targets * logits))

    theta = np.array([1.0, 0.0])
    current = loss(theta)
    for _ in range(200):
        chance = 0.5 + 0.5 * np.tanh(design @ theta / 2)
        gradient = design.T @ (weights * (chance - targets))
        curvature = (design * (weights * chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        size = 1.0
        while size > 1e-12 and loss(theta - size * step) >= current:
            size /= 2
        if size <= 1e-12:  # no step goes down any more: this is the minimum
            break
        theta = theta - size * step
        current = loss(theta)
    return float(theta[0]), float(theta[1])


def _accepted(positive: Floats, negative: Floats) -> tuple[Integers, Integers, Floats]:
    """Spoof and bona fide clips accepted at each distinct score, from none (at infinity) up."""
    scores = np.concatenate((positive, negative))
    order = np.argsort(scores, kind="stable")[::-1]
    ranked = scores[order]
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    hits = np.cumsum(order < len(positive))[last_of_tie]
    false_alarms = last_of_tie + 1 - hits
    thresholds = np.append(np.inf, ranked[last_of_tie])
    return np.append(0, false_alarms), np.append(0, hits), thresholds


def _checked(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[Floats, Floats]:
    positive, negative = np.asarray(bonafide, np.float64), np.asarray(spoof, np.float64)
    if positive.ndim != 1 or negative.ndim != 1:
        raise ScoreError(f"expected flat arrays, got shapes {positive.shape}, {negative.shape}")
    if not len(positive) or not len(negative):
        raise ScoreError(
            f"both classes are needed, got {len(positive)} bona fide and {len(negative)} spoof"
        )
    bad = int((~np.isfinite(positive)).sum()), int((~np.isfinite(negative)).sum())
    if any(bad):
        raise ScoreError(
            f"NaN or infinite: {bad[0]} of {len(positive)} bona fide "
            f"and {bad[1]} of {len(negative)} spoof scores"
        )
    return positive, negative
