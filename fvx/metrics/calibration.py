"""Scores as log-likelihood ratios: what they cost, how far they can be believed, making them so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fvx.errors import ScoreError
from fvx.metrics.roc import Floats, Integers, checked, hull

# Least slope of a calibration, per standard deviation of the scores.
_LEAST_SLOPE = 1e-3


def cllr(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """Cost of natural log-likelihood ratios, in bits; 1 for scores that say nothing (all 0).

    References
    ----------
    Brümmer and du Preez (2006), "Application-independent evaluation of speaker detection",
    Computer Speech & Language 20.
    """
    positive, negative = checked(bonafide, spoof)
    bits = np.logaddexp(0, -positive).mean() + np.logaddexp(0, negative).mean()
    return float(bits / (2 * np.log(2)))


def cllr_min(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """`cllr` after the best monotone calibration of these very scores; within [0, 1].

    The pool-adjacent-violators solution, found as the concave hull of the ROC: each edge
    of the hull is a pool, and its slope the likelihood ratio.
    """
    false_alarms, hits = hull(bonafide, spoof)
    spoof_share, bonafide_share = np.diff(false_alarms), np.diff(hits)
    both = spoof_share + bonafide_share
    bits = sum(
        float(share[share > 0] @ np.log2(both[share > 0] / share[share > 0]))
        for share in (spoof_share, bonafide_share)
    )
    return bits / 2


def calibration_loss(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """`cllr` less `cllr_min`, in bits: what is lost because scores are no likelihood ratios."""
    return cllr(bonafide, spoof) - cllr_min(bonafide, spoof)


def brier(bonafide: ArrayLike, spoof: ArrayLike) -> float:
    """Mean squared error of the probability of bona fide, both classes equally likely.

    0 is perfect, 0.25 says nothing.

    References
    ----------
    Brier (1950), "Verification of forecasts expressed in terms of probability", Monthly
    Weather Review 78.
    """
    positive, negative = checked(bonafide, spoof)
    return float((squared_error(positive).mean() + squared_error(-negative).mean()) / 2)


def squared_error(right: Floats) -> Floats:
    """Squared error of the probability, given log-likelihood ratios for what is true."""
    error: Floats = (0.5 - 0.5 * np.tanh(right / 2)) ** 2
    return error


@dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities stated, and shares found.

    Attributes
    ----------
    stated, found : float64 arrays, shape (n_bins,)
        Mean probability of bona fide in each bin that holds a clip, and share of bona fide
        there, both classes weighing the same.
    n : int64 array, shape (n_bins,)
        Clips in each.
    error : float
        Mean distance of the two, weighted as the classes are: expected calibration error.
    """

    stated: Floats
    found: Floats
    n: Integers
    error: float


def reliability(bonafide: ArrayLike, spoof: ArrayLike, n_bins: int = 10) -> Reliability:
    """Compare the probability of bona fide that scores state with how often it is so.

    Scores are read as log-likelihood ratios at even odds, and each class weighs one half
    however many clips it has. Bins are equally wide in probability.

    Raises
    ------
    ScoreError
        If there are fewer than two bins.

    References
    ----------
    DeGroot and Fienberg (1983), "The comparison and evaluation of forecasters", The
    Statistician 32.
    """
    positive, negative = checked(bonafide, spoof)
    if n_bins < 2:
        raise ScoreError(f"reliability needs two bins at least, got {n_bins}")
    sizes = [len(positive), len(negative)]
    stated = 0.5 + 0.5 * np.tanh(np.concatenate((positive, negative)) / 2)
    weights = np.repeat([0.5 / sizes[0], 0.5 / sizes[1]], sizes)
    is_bonafide = np.arange(len(stated)) < sizes[0]
    bins = np.minimum((stated * n_bins).astype(np.int64), n_bins - 1)
    n, weight, total, hits = (
        np.bincount(bins, w, minlength=n_bins)
        for w in (None, weights, weights * stated, weights * is_bonafide)
    )
    there = n > 0
    stated_mean, found = total[there] / weight[there], hits[there] / weight[there]
    error = float(weight[there] @ np.abs(stated_mean - found))
    return Reliability(stated_mean, found, n[there].astype(np.int64), error)


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
    positive, negative = checked(bonafide, spoof)
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
