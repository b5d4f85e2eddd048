"""Shapley values: the average change a feature brings over all orders of adding features."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.attribution import Attribution, Settings, expected_agreement
from fvx.explanation.game import Game

MAX_EXACT_FEATURES = 12
N_ORDER_PAIRS = 100


def shapley(game: Game, settings: Settings) -> Attribution:
    """Attribute each window's score to the features, and the clip's to the windows.

    Exact up to 12 features; above, averaged over orders drawn in antithetic pairs (each order
    and its reverse). Either way base and contributions add up to the score.

    References
    ----------
    Shapley (1953), "A value for n-person games"; Lundberg & Lee (2017), NeurIPS; Mitchell et
    al. (2022), "Sampling permutations for Shapley value estimation", JMLR.
    """
    base = float(game.scores(np.zeros((1, 1, game.n_features), bool))[0])
    if game.n_features <= MAX_EXACT_FEATURES:
        values, n_samples = _exact(game)
        agreement = None
    else:
        n_pairs = N_ORDER_PAIRS
        if settings.n_samples:
            n_pairs = max(2, settings.n_samples // (2 * (game.n_features + 1)))
        by_pair = _sampled(game, settings.seed, n_pairs)
        values, n_samples = by_pair.mean(axis=0), 2 * n_pairs * (game.n_features + 1)
        agreement = expected_agreement(by_pair[::2].mean(axis=0), by_pair[1::2].mean(axis=0))
    cells = game.window_weights()[:, np.newaxis] * values
    return Attribution(cells, base, None, n_samples, agreement)


def _exact(game: Game) -> tuple[NDArray[np.float64], int]:
    n_features = game.n_features
    subsets = np.arange(2**n_features)
    masks = (subsets[:, np.newaxis] >> np.arange(n_features)) & 1 == 1
    scores = game.window_scores(masks[:, np.newaxis])
    sizes = np.bitwise_count(subsets)
    share = np.array(
        [
            factorial(size) * factorial(n_features - size - 1) / factorial(n_features)
            for size in range(n_features)
        ]
    )
    values = np.empty((game.n_windows, n_features))
    for feature in range(n_features):
        without = np.flatnonzero((subsets >> feature) & 1 == 0)
        gain = scores[without | (1 << feature)] - scores[without]
        values[:, feature] = share[sizes[without]] @ gain
    return values, len(masks)


def _sampled(game: Game, seed: int, n_pairs: int) -> NDArray[np.float64]:
    """Values by each pair of orders, shape (n_pairs, n_windows, n_features)."""
    n_features = game.n_features
    rng = np.random.default_rng(seed)
    values = np.zeros((n_pairs, game.n_windows, n_features))
    ladder = np.tril(np.ones((n_features + 1, n_features), bool), -1)
    for pair in range(n_pairs):
        order = rng.permutation(n_features)
        for one in (order, order[::-1]):
            kept = np.empty_like(ladder)
            kept[:, one] = ladder  # row k keeps the first k features of the order
            scores = game.window_scores(kept[:, np.newaxis])
            values[pair][:, one] += np.diff(scores, axis=0).T / 2
    return values
