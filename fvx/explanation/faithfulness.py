"""Is an explanation true to the model? Figures that a reader can hold it to."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.attribution import Attribution, Settings, attribute, rank_correlation
from fvx.explanation.game import Game

_N_RANDOM_ORDERS = 10
_N_STEPS = 40
_N_SEEDS = 5
_N_RANDOM_MODELS = 5
_TOP = 5
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)

Figures = dict[str, float | None]


def faithfulness(game: Game, attribution: Attribution, seed: int, threshold: float) -> Figures:
    """Figures on one explanation.

    All are signed so that the verdict's direction counts up, and each stands beside its mean
    over 10 random orders of the same clip's cells.

    Returns
    -------
    dict
        ``completeness_residual``: score minus base minus the sum of contributions.
        ``surrogate_r2``: of the surrogate over its neighbourhood; None without one.
        ``expected_agreement``: see `Attribution.agreement`.
        ``deletion_area``: mean score, relative to the full one, while cells are withheld in
        order of what they gave the verdict; lower is better.
        ``insertion_area``: mean score, relative to that with all withheld, while cells are put
        back in that order; higher is better.
        ``comprehensiveness``: what the score loses without the first 1, 5, 10, 20, 50 % of
        cells, mean over the five; higher is better.
        ``sufficiency``: what it loses with those alone; lower is better.
        Each of the last four again with ``_random``.
        ``n_samples``: variations the explanation rests on.

    References
    ----------
    Petsiuk, Das & Saenko (2018), "RISE", BMVC (deletion, insertion); DeYoung et al. (2020),
    "ERASER", ACL (comprehensiveness, sufficiency).
    """
    direction = 1.0 if game.score >= threshold else -1.0
    order = np.argsort(-direction * attribution.cells.ravel(), kind="stable")
    rng = np.random.default_rng(seed)
    orders = [order, *(rng.permutation(len(order)) for _ in range(_N_RANDOM_ORDERS))]
    own, *random = (_curves(game, one, direction) for one in orders)
    figures: Figures = {
        "completeness_residual": float(game.score - attribution.base - attribution.cells.sum()),
        "surrogate_r2": attribution.fit,
        "expected_agreement": attribution.agreement,
    }
    for name, value in own.items():
        figures[name] = value
        figures[f"{name}_random"] = float(np.mean([one[name] for one in random]))
    figures["n_samples"] = attribution.n_samples
    return figures


def seed_stability(game: Game, settings: Settings) -> Figures:
    """Agreement of explanations made with five seeds.

    Returns
    -------
    dict
        ``seed_spearman``: mean rank correlation of the cells over pairs of seeds;
        ``seed_top5``: mean overlap of the five cells that moved the score most.
    """
    cells = [
        attribute(game, dataclasses.replace(settings, seed=settings.seed + extra)).cells.ravel()
        for extra in range(_N_SEEDS)
    ]
    spearman, overlap = [], []
    for i in range(_N_SEEDS):
        for j in range(i):
            spearman.append(rank_correlation(cells[i], cells[j]))
            top = [set(np.argsort(-np.abs(cells[k]))[:_TOP]) for k in (i, j)]
            overlap.append(len(top[0] & top[1]) / max(1, len(top[0])))
    return {"seed_spearman": float(np.mean(spearman)), "seed_top5": float(np.mean(overlap))}


def randomisation(game: Game, attribution: Attribution, settings: Settings) -> Figures:
    """Does the explanation change when the terminus is replaced by one of random weights?

    An explanation that stays the same whatever the model has learnt is none of the model. The
    stand-ins are networks of one hidden layer; where a model's own terminus is another, the
    test is the same.

    Returns
    -------
    dict
        ``randomised_spearman``: rank correlation with the explanations of five such models,
        mean of absolute values; near 0 when the explanation rests on what was learnt.

    References
    ----------
    Adebayo et al. (2018), "Sanity checks for saliency maps", NeurIPS.
    """
    correlations = []
    for extra in range(_N_RANDOM_MODELS):
        random = dataclasses.replace(game, llr=_RandomTerminus(game, settings.seed + extra))
        other = attribute(random, settings)
        correlations.append(abs(rank_correlation(attribution.cells.ravel(), other.cells.ravel())))
    return {"randomised_spearman": float(np.mean(correlations))}


class _RandomTerminus:
    """One hidden layer of random weights over all embeddings."""

    def __init__(self, game: Game, seed: int, n_hidden: int = 32) -> None:
        rng = np.random.default_rng(seed)
        n_inputs = game.withheld.size
        self._hidden = rng.normal(0, np.sqrt(2 / n_inputs), (n_inputs, n_hidden))
        self._logit = rng.normal(0, np.sqrt(2 / n_hidden), n_hidden)

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        flat = embeddings.reshape(len(embeddings), -1)
        llr: NDArray[np.float64] = np.maximum(flat @ self._hidden, 0) @ self._logit
        return llr


def _curves(game: Game, order: NDArray[np.int64], direction: float) -> dict[str, float]:
    """Scores while cells are withheld one after another, and while they are put back."""
    n_cells = len(order)
    steps = np.unique(np.linspace(0, n_cells, min(_N_STEPS, n_cells) + 1).round())
    tops = np.maximum(1, np.round(np.array(_SHARES) * n_cells))
    counts = np.unique(np.concatenate([steps, tops])).astype(int)
    chosen = np.zeros((len(counts), n_cells), bool)
    for row, count in enumerate(counts):
        chosen[row, order[:count]] = True
    first = chosen.reshape(-1, game.n_windows, game.n_features)
    without = direction * game.scores(~first)
    alone = direction * game.scores(first)
    top = np.searchsorted(counts, tops)
    full = without[0]
    return {
        "deletion_area": float(np.trapezoid(without - full, counts / n_cells)),
        "insertion_area": float(np.trapezoid(alone - alone[0], counts / n_cells)),
        "comprehensiveness": float((full - without[top]).mean()),
        "sufficiency": float((full - alone[top]).mean()),
    }
