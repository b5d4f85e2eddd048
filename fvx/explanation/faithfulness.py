"""Is an explanation true to the model? Figures that a reader can hold it to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.analysis import Analysis
from fvx.explanation.attribution import Attribution, Method, attribute

_N_RANDOM_ORDERS = 20
_N_STEPS = 50
_N_SEEDS = 5
_TOP = 5


def faithfulness(
    analysis: Analysis, attribution: Attribution, seed: int
) -> dict[str, float | None]:
    """Figures on one explanation.

    Returns
    -------
    dict
        ``completeness_residual``: score minus base minus the sum of contributions.
        ``surrogate_r2``: of the surrogate over its neighbourhood; None without one.
        ``deletion_area``: mean score, relative to the full one and signed so that a fall
        counts down, while cells are withheld in order of what they gave the verdict; lower
        is better. ``deletion_area_random``: the same in random order, mean of 20.
        ``n_samples``: masks the explanation rests on.
    """
    direction = 1.0 if analysis.score >= analysis.scorer.card.threshold else -1.0
    order = np.argsort(-direction * attribution.cells.ravel(), kind="stable")
    rng = np.random.default_rng(seed)
    orders = [order, *(rng.permutation(len(order)) for _ in range(_N_RANDOM_ORDERS))]
    areas = [direction * _deletion_area(analysis, one) for one in orders]
    return {
        "completeness_residual": float(analysis.score - attribution.base - attribution.cells.sum()),
        "surrogate_r2": attribution.fit,
        "deletion_area": areas[0],
        "deletion_area_random": float(np.mean(areas[1:])),
        "n_samples": attribution.n_samples,
    }


def seed_stability(analysis: Analysis, method: Method, seed: int) -> dict[str, float]:
    """Agreement of explanations made with five seeds.

    Returns
    -------
    dict
        ``seed_spearman``: mean rank correlation of the cells over pairs of seeds;
        ``seed_top5``: mean overlap of the five cells that moved the score most.
    """
    cells = [attribute(analysis, method, seed + extra).cells.ravel() for extra in range(_N_SEEDS)]
    spearman, overlap = [], []
    for i in range(_N_SEEDS):
        for j in range(i):
            a, b = _ranks(cells[i]), _ranks(cells[j])
            same = np.allclose(cells[i], cells[j])
            spearman.append(1.0 if same else float(np.corrcoef(a, b)[0, 1]))
            top = [set(np.argsort(-np.abs(cells[k]))[:_TOP]) for k in (i, j)]
            overlap.append(len(top[0] & top[1]) / max(1, len(top[0])))
    return {"seed_spearman": float(np.mean(spearman)), "seed_top5": float(np.mean(overlap))}


def _deletion_area(analysis: Analysis, order: NDArray[np.int64]) -> float:
    """Mean of score minus full score while cells are withheld one after another."""
    shape = analysis.embeddings.shape[:2]
    steps = np.unique(np.linspace(0, len(order), min(_N_STEPS, len(order)) + 1).round())
    kept = np.ones((len(steps), len(order)), bool)
    for row, n_withheld in enumerate(steps.astype(int)):
        kept[row, order[:n_withheld]] = False
    scores = analysis.cell_masked_scores(kept.reshape(-1, *shape))
    return float(np.trapezoid(scores - scores[0], steps / steps[-1]))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(values)
    return ranks
