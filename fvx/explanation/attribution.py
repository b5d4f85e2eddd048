"""Attributions: how much each (window, feature) cell moved a clip's score.

A clip's score is the mean of its windows' scores, and a cell acts in its own window only. So
each window is attributed to the features by itself, all windows over the same neighbourhood of
withheld features, and a cell's contribution to the clip is its share of its window's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FvxError
from fvx.explanation.analysis import Analysis

Method = Literal["lime", "shapley"]
METHODS: tuple[Method, ...] = ("lime", "shapley")

N_SAMPLES = 2048
KERNEL_WIDTH = 0.25
# LimeBase's ridge penalty is 1 whatever the data. Beside weights of this size it is nothing;
# beside the kernel's own, with eight masks of three features, it would halve the contributions.
_WEIGHT_SCALE = 1e6
MAX_EXACT_FEATURES = 12
N_ORDER_PAIRS = 100


@dataclass(frozen=True)
class Attribution:
    """Contributions of cells to a clip's score, in log-likelihood-ratio units.

    Attributes
    ----------
    cells : float64 array, shape (n_windows, n_features)
        Positive speaks for bona fide.
    base : float
        What is left of the score when everything is withheld, by this method.
    fit : float or None
        R² of the surrogate over its weighted neighbourhood, mean over windows; None where
        there is no surrogate.
    n_samples : int
        Masks evaluated.
    """

    cells: NDArray[np.float64]
    base: float
    fit: float | None
    n_samples: int


def attribute(analysis: Analysis, method: Method, seed: int) -> Attribution:
    """Attribute a clip's score to its cells.

    Raises
    ------
    FvxError
        If ``method`` is unknown.
    """
    if method == "lime":
        return lime(analysis, seed)
    if method == "shapley":
        return shapley(analysis, seed)
    raise FvxError(f"no explanation method {method!r}; known: {', '.join(METHODS)}")


def neighbourhood(n_features: int, seed: int, n_samples: int = N_SAMPLES) -> NDArray[np.bool_]:
    """Masks of kept features, the unchanged clip first, shape (n_masks, n_features).

    Every mask there is, when they are no more than ``n_samples``; else so many drawn with
    each feature kept half of the time.
    """
    if 2**n_features <= n_samples:
        numbers = np.arange(2**n_features)[::-1, np.newaxis]
        every: NDArray[np.bool_] = (numbers >> np.arange(n_features)) & 1 == 1
        return every
    masks = np.random.default_rng(seed).random((n_samples, n_features)) < 0.5
    masks[0] = True
    return masks


def lime(analysis: Analysis, seed: int, n_samples: int = N_SAMPLES) -> Attribution:
    """Local surrogate: weighted ridge regression of the score on which features are kept.

    References
    ----------
    Ribeiro, Singh & Guestrin (2016), "Why should I trust you?", KDD. The surrogate is fitted
    by ``lime.lime_base``; kernel and cosine distance are those of its image explainer.
    """
    from lime.lime_base import LimeBase

    n_windows, n_features = analysis.embeddings.shape[:2]
    masks = neighbourhood(n_features, seed, n_samples)
    scores = analysis.masked_scores(masks)
    distances = 1 - np.sqrt(masks.sum(axis=1) / n_features)  # cosine distance to all kept
    surrogate = LimeBase(
        lambda distance: _WEIGHT_SCALE * np.sqrt(np.exp(-(distance**2) / KERNEL_WIDTH**2)),
        random_state=np.random.RandomState(seed),
    )
    cells = np.empty((n_windows, n_features))
    intercepts, fits = [], []
    data = masks.astype(np.float64)
    for window in range(n_windows):
        intercept, weights, fit, _ = surrogate.explain_instance_with_data(
            data, scores, distances, window, n_features, feature_selection="none"
        )
        for feature, weight in weights:
            cells[window, feature] = weight
        intercepts.append(float(np.ravel(intercept)[0]))
        fits.append(float(fit))
    return Attribution(
        cells / n_windows, float(np.mean(intercepts)), float(np.mean(fits)), len(masks)
    )


def shapley(analysis: Analysis, seed: int = 0) -> Attribution:
    """Shapley values: the average change a feature brings over all orders of adding them.

    Exact up to 12 features; above, averaged over orders drawn in antithetic pairs (each order
    and its reverse), which keeps the sum exact.

    References
    ----------
    Shapley (1953), "A value for n-person games"; Lundberg & Lee (2017), NeurIPS; Mitchell et
    al. (2022), "Sampling permutations for Shapley value estimation", JMLR.
    """
    if analysis.embeddings.shape[1] <= MAX_EXACT_FEATURES:
        return _shapley_exact(analysis)
    return _shapley_sampled(analysis, seed)


def _shapley_exact(analysis: Analysis) -> Attribution:
    n_windows, n_features = analysis.embeddings.shape[:2]
    masks = neighbourhood(n_features, 0, 2**n_features)
    codes = (masks * (1 << np.arange(n_features))).sum(axis=1)
    scores = np.empty((2**n_features, n_windows))
    scores[codes] = analysis.masked_scores(masks)
    subsets = np.arange(2**n_features)
    sizes = np.bitwise_count(subsets)
    share = np.array(
        [
            factorial(size) * factorial(n_features - size - 1) / factorial(n_features)
            for size in range(n_features)
        ]
    )
    cells = np.empty((n_windows, n_features))
    for feature in range(n_features):
        without = np.flatnonzero((subsets >> feature) & 1 == 0)
        gain = scores[without | (1 << feature)] - scores[without]
        cells[:, feature] = share[sizes[without]] @ gain
    return Attribution(cells / n_windows, float(scores[0].mean()), None, len(masks))


def _shapley_sampled(analysis: Analysis, seed: int) -> Attribution:
    n_windows, n_features = analysis.embeddings.shape[:2]
    rng = np.random.default_rng(seed)
    cells = np.zeros((n_windows, n_features))
    n_masks = 0
    for _ in range(N_ORDER_PAIRS):
        order = rng.permutation(n_features)
        for one in (order, order[::-1]):
            masks = np.tril(np.ones((n_features + 1, n_features), bool), -1)
            kept = np.empty_like(masks)
            kept[:, one] = masks  # row k keeps the first k features of the order
            scores = analysis.masked_scores(kept)
            cells[:, one] += np.diff(scores, axis=0).T
            n_masks += len(kept)
    base = float(analysis.masked_scores(np.zeros((1, n_features), bool)).mean())
    return Attribution(cells / (2 * N_ORDER_PAIRS * n_windows), base, None, n_masks)
