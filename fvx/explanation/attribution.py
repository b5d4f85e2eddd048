"""Attributions: how much each (window, feature) cell moved a clip's score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FvxError
from fvx.explanation.game import Game

Method = Literal["lime", "shapley", "occlusion", "gradients"]
METHODS: tuple[Method, ...] = get_args(Method)
Kernel = Literal["lime", "shap"]
Units = Literal["features", "cells"]


@dataclass(frozen=True)
class Settings:
    """How a score is attributed.

    Attributes
    ----------
    method : {"lime", "shapley", "occlusion", "gradients"}
    seed : int
        Of the neighbourhood, or of the orders.
    kernel : {"lime", "shap"}
        Of the surrogate: how a variation is weighted by its nearness to the clip.
    units : {"features", "cells"}
        Of the surrogate: whether a variation withholds a feature in all windows, or cells.
    n_samples : int or None
        Variations; None: as many as make the result stable.
    """

    method: Method = "lime"
    seed: int = 0
    kernel: Kernel = "lime"
    units: Units = "features"
    n_samples: int | None = None

    def __post_init__(self) -> None:
        for what, value, known in (
            ("method", self.method, METHODS),
            ("kernel", self.kernel, get_args(Kernel)),
            ("units", self.units, get_args(Units)),
        ):
            if value not in known:
                raise FvxError(f"no explanation {what} {value!r}; known: {', '.join(known)}")
        if self.n_samples is not None and self.n_samples < 1:
            raise FvxError(f"{self.n_samples} samples asked for; at least 1 is needed")


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
        R² of the surrogate over its weighted neighbourhood; None where there is no surrogate.
    n_samples : int
        Variations of the clip that were scored.
    agreement : float or None
        Rank correlation to be expected with the same explanation by another seed, estimated
        from its two halves; None where nothing is drawn.
    """

    cells: NDArray[np.float64]
    base: float
    fit: float | None
    n_samples: int
    agreement: float | None = None


def attribute(game: Game, settings: Settings) -> Attribution:
    """Attribute a clip's score to its cells."""
    if settings.method == "lime":
        from fvx.explanation.surrogate import surrogate

        return surrogate(game, settings)
    if settings.method == "shapley":
        from fvx.explanation.shapley import shapley

        return shapley(game, settings)
    if settings.method == "gradients":
        from fvx.explanation.gradients import between_branches

        return between_branches(game)
    return occlusion(game)


def occlusion(game: Game) -> Attribution:
    """Change of the clip's score when one cell alone is withheld.

    References
    ----------
    Zeiler & Fergus (2014), "Visualizing and understanding convolutional networks", ECCV.
    """
    n_windows, n_features = game.n_windows, game.n_features
    kept = np.ones((n_features + 2, 1, n_features), bool)
    kept[:n_features, 0] = ~np.eye(n_features, dtype=bool)
    kept[-1] = False
    scores = game.window_scores(kept)
    full = scores[-2]
    # A cell acts in its own window only: put that window's score into the others as they are.
    changed = np.where(
        np.eye(n_windows, dtype=bool)[:, np.newaxis], scores[np.newaxis, :n_features], full
    )
    cells = game.pool(full) - game.pool(changed)
    return Attribution(cells, float(game.pool(scores[-1])), None, len(kept))


def expected_agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Rank correlation to expect of two whole explanations, from that of two halves of one.

    By the formula of Spearman (1910) and Brown (1910) for a test of double length.
    """
    r = rank_correlation(one.ravel(), other.ravel())
    return 2 * r / (1 + r) if r > 0 else r


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; 1 for two that are equal, and 0 if only one is constant."""
    from scipy.stats import rankdata

    if np.allclose(one, other):
        return 1.0
    a, b = rankdata(one), rankdata(other)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
