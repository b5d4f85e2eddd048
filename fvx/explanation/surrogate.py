"""LIME: a small linear model of how the score reacts when parts of the clip are withheld."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.attribution import Attribution, Kernel, Settings, expected_agreement
from fvx.explanation.game import Game

KERNEL_WIDTH = 0.25
MIN_SAMPLES, MAX_SAMPLES = 1024, 16_384
MAX_EVERY = 2048
ENOUGH_AGREEMENT = 0.99
# LimeBase's ridge penalty is 1 whatever the data. Beside weights of this size it is nothing;
# beside the kernel's own, with eight masks of three features, it would halve the contributions.
_WEIGHT_SCALE = 1e6
_END_WEIGHT = 1e4  # KernelSHAP's kernel is infinite where all or nothing is kept


def surrogate(game: Game, settings: Settings) -> Attribution:
    """Weighted ridge regression of the score on what is kept.

    Over features, a variation withholds a feature in all windows. Since a cell acts in its own
    window only, each window has a surrogate of its own over the same variations. Over cells,
    every cell of every window is a unit of one surrogate of the clip's score.

    Without a number of samples, it is doubled from 1024 until the two halves of the
    neighbourhood agree so well that another seed is expected to give the same order of cells
    to a rank correlation of 0.99, at most to 16384; up to 11 units every variation is there.

    References
    ----------
    Ribeiro, Singh & Guestrin (2016), "Why should I trust you?", KDD: the surrogate is fitted
    by ``lime.lime_base``, kernel and cosine distance are those of its image explainer. The
    other kernel, and the sampling by it: Lundberg & Lee (2017), "A unified approach to
    interpreting model predictions", NeurIPS; Covert & Lee (2021), "Improving KernelSHAP",
    AISTATS (paired sampling).
    """
    over_cells = settings.units == "cells"
    n_units = game.n_windows * game.n_features if over_cells else game.n_features
    smallest = max(MIN_SAMPLES, 4 * n_units) if over_cells else MIN_SAMPLES
    n_samples = settings.n_samples or smallest
    masks = neighbourhood(n_units, settings.seed, n_samples, settings.kernel)
    scores = _scores(game, masks, over_cells)
    agreement = None
    while len(masks) < 2**n_units:
        odd = np.arange(len(masks)) // 2 % 2 == 1  # a mask and its complement stay together
        one, other = (_fit(masks[half], scores[half], game, settings)[0] for half in (odd, ~odd))
        agreement = expected_agreement(one, other)
        if settings.n_samples or agreement >= ENOUGH_AGREEMENT or len(masks) >= MAX_SAMPLES:
            break
        more = neighbourhood(
            n_units, settings.seed, min(2 * len(masks), MAX_SAMPLES), settings.kernel
        )[len(masks) :]
        masks = np.concatenate([masks, more])
        scores = np.concatenate([scores, _scores(game, more, over_cells)])
    cells, base, fit = _fit(masks, scores, game, settings)
    return Attribution(cells, base, fit, len(masks), agreement)


def neighbourhood(
    n_units: int, seed: int, n_samples: int = MIN_SAMPLES, kernel: Kernel = "lime"
) -> NDArray[np.bool_]:
    """Masks of kept units, the unchanged clip first and nothing kept second.

    Returns
    -------
    bool array, shape (n_masks, n_units)
        Every mask there is, when they are no more than ``n_samples`` or 2048; else so many,
        each beside its complement. For LIME's kernel each unit is kept half of the time; for
        KernelSHAP's the number kept follows that kernel. A smaller neighbourhood of the same
        seed is the beginning of a larger one.
    """
    if n_units <= 20 and 2**n_units <= max(n_samples, MAX_EVERY):
        numbers = np.arange(2**n_units)[::-1, np.newaxis]
        every: NDArray[np.bool_] = (numbers >> np.arange(n_units)) & 1 == 1
        return np.concatenate([every[:1], every[-1:], every[1:-1]])
    rng = np.random.default_rng(seed)
    n_pairs = (n_samples + 1) // 2
    draws = rng.random((n_pairs, n_units + 1))  # row by row, so that more only adds rows
    if kernel == "lime":
        drawn = draws[:, 1:] < 0.5
    else:
        share = np.cumsum([1 / (size * (n_units - size)) for size in range(1, n_units)])
        sizes = 1 + np.searchsorted(share, draws[:, :1] * share[-1])
        drawn = draws[:, 1:].argsort(axis=1).argsort(axis=1) < sizes
    drawn[0] = True
    pairs = np.stack([drawn, ~drawn], axis=1)
    return pairs.reshape(-1, n_units)[:n_samples]


def _scores(game: Game, masks: NDArray[np.bool_], over_cells: bool) -> NDArray[np.float64]:
    if over_cells:
        return game.scores(masks.reshape(-1, game.n_windows, game.n_features))[:, np.newaxis]
    return game.window_scores(masks[:, np.newaxis])


def _fit(
    masks: NDArray[np.bool_], scores: NDArray[np.float64], game: Game, settings: Settings
) -> tuple[NDArray[np.float64], float, float]:
    """Contributions of the cells, the score with everything withheld, and R²."""
    from lime.lime_base import LimeBase

    n_units = masks.shape[1]
    weights = _WEIGHT_SCALE * _kernel(masks, settings.kernel)
    base = LimeBase(lambda _: weights, random_state=np.random.RandomState(settings.seed))
    data = masks.astype(np.float64)
    ridge = _Ridge(data, weights)
    distances = _distances(masks)
    found = np.empty((scores.shape[1], n_units))
    intercepts, fits = np.empty(scores.shape[1]), np.empty(scores.shape[1])
    for label in range(scores.shape[1]):
        intercepts[label], pairs, fits[label], _ = base.explain_instance_with_data(
            data, scores, distances, label, n_units,
            feature_selection="none", model_regressor=ridge,
        )  # fmt: skip
        for unit, weight in pairs:
            found[label, unit] = weight
    if settings.units == "cells":
        cells = found.reshape(game.n_windows, game.n_features)
        return cells, float(intercepts[0]), float(fits[0])
    cells = game.window_weights()[:, np.newaxis] * found
    return cells, float(game.pool(intercepts)), float(fits.mean())


def _distances(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cosine distance of each mask to the one that keeps all."""
    distances: NDArray[np.float64] = 1 - np.sqrt(masks.mean(axis=1))
    return distances


def _kernel(masks: NDArray[np.bool_], kernel: Kernel) -> NDArray[np.float64]:
    if kernel == "lime":
        nearness: NDArray[np.float64] = np.sqrt(np.exp(-((_distances(masks) / KERNEL_WIDTH) ** 2)))
        return nearness
    n_units, sizes = masks.shape[1], masks.sum(axis=1)
    inner = (sizes > 0) & (sizes < n_units)
    weights = np.full(len(masks), _END_WEIGHT)
    if n_units <= 20 and len(masks) == 2**n_units:
        by_size = [
            (n_units - 1) / (comb(n_units, size) * size * (n_units - size))
            for size in range(1, n_units)
        ]
        weights[inner] = np.asarray(by_size)[sizes[inner] - 1]
    else:
        weights[inner] = 1.0  # drawn by the kernel
    return weights


class _Ridge:
    """Ridge regression, penalty 1, for many targets over the same data and weights.

    Gives what scikit-learn's ``Ridge`` gives LimeBase, but what depends on data and weights
    alone is worked out once instead of once a window.
    """

    def __init__(self, data: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self._weights = weights / weights.sum()
        self._mean = self._weights @ data
        self._centred = data - self._mean
        weighted = weights[:, np.newaxis] * self._centred
        gram = self._centred.T @ weighted
        gram[np.diag_indices_from(gram)] += 1.0
        self._solve = np.linalg.solve(gram, weighted.T)
        self.coef_ = np.zeros(data.shape[1])
        self.intercept_ = 0.0

    def fit(self, _data: object, labels: NDArray[np.float64], sample_weight: object) -> None:
        middle = self._weights @ labels
        self.coef_ = self._solve @ (labels - middle)
        self.intercept_ = float(middle - self._mean @ self.coef_)

    def predict(self, data: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = data @ self.coef_ + self.intercept_
        return found

    def score(
        self, data: NDArray[np.float64], labels: NDArray[np.float64], sample_weight: object
    ) -> float:
        left = self._weights @ (labels - self.predict(data)) ** 2
        spread = self._weights @ (labels - self._weights @ labels) ** 2
        return float(1 - left / spread) if spread > 0 else 1.0
