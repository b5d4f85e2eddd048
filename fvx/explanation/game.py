"""Game: what a clip scores when cells of it are withheld; all that an attribution needs to know.

In the language of Shapley values a cell, one feature in one window, is a player. Branches do not
meet before the terminus, so a cell is withheld exactly by putting its branch's stand-in in place
of its embedding: each branch has run once, and only the terminus runs again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAX_ROWS = 32_768
_N_STEPS = 64
_SLOPE_LLR = 1e-3


Pool = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def mean_of_windows(window_scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """A clip's score from those of its windows, which are the last axis.

    Explanations know nothing else of how windows are pooled: any function of this shape will do.
    """
    pooled: NDArray[np.float64] = window_scores.mean(axis=-1)
    return pooled


def pool_by(name: str) -> Pool:
    """The pooling that a card names, over the last axis."""
    from fvx.model.pooling import pool

    def pooled(window_scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if name == "mean":
            return mean_of_windows(window_scores)
        flat = window_scores.reshape(-1, window_scores.shape[-1])
        clip = np.repeat(np.arange(len(flat)), flat.shape[1])
        return pool(flat.reshape(-1), clip, len(flat), name).reshape(window_scores.shape[:-1])

    return pooled


@dataclass(frozen=True, eq=False)
class Game:
    """A clip's embeddings, what stands in for each, and how windows are scored.

    Attributes
    ----------
    embeddings : float32 array, shape (n_windows, n_features, …)
        What the branches gave; whatever follows the first two axes belongs to the model.
    withheld : float32 array, shape (n_features, …)
        Stand-in of each branch: its mean over bona fide training speech.
    llr : callable
        Embeddings (n, n_features, …) to log-likelihood ratios (n,).
    pool : callable
        Window scores (…, n_windows) to clip scores (…).
    """

    embeddings: NDArray[np.float32]
    withheld: NDArray[np.float32]
    llr: Callable[[NDArray[np.float32]], NDArray[np.float64]]
    pool: Pool = mean_of_windows

    @property
    def n_windows(self) -> int:
        """Windows of the clip."""
        return int(self.embeddings.shape[0])

    @property
    def n_features(self) -> int:
        """Features of the model."""
        return int(self.embeddings.shape[1])

    @property
    def score(self) -> float:
        """The clip's score with nothing withheld."""
        return float(self.scores(np.ones((1, 1, self.n_features), bool))[0])

    def window_scores(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score every window with some cells withheld.

        Parameters
        ----------
        kept : bool array, shape (n_masks, n_windows, n_features), or with one window for all

        Returns
        -------
        float64 array, shape (n_masks, n_windows)
        """
        per_block = max(1, _MAX_ROWS // self.n_windows)
        inner = (1,) * (self.embeddings.ndim - 2)
        scores = np.empty((len(kept), self.n_windows))
        for first in range(0, len(kept), per_block):
            block = kept[first : first + per_block]
            mixed = np.where(block.reshape(*block.shape, *inner), self.embeddings, self.withheld)
            scores[first : first + per_block] = self.score_embeddings(mixed)
        return scores

    def scores(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score the clip with some cells withheld, shape (n_masks,); as `window_scores`."""
        return self.pool(self.window_scores(kept))

    def score_embeddings(self, embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
        """Window scores (n, n_windows) of other embeddings (n, n_windows, n_features, …)."""
        flat = embeddings.reshape(-1, *self.withheld.shape)
        return self.llr(flat).reshape(-1, self.n_windows)

    def window_weights(self) -> NDArray[np.float64]:
        """How much of a window's move from all withheld to nothing withheld reaches the clip.

        Returns
        -------
        float64 array, shape (n_windows,)
            1 / n_windows each while windows are averaged. For another pooling, its slope
            averaged along the straight path between the two states, so that weights times
            moves add up to the clip's move (Aumann & Shapley 1974, "Values of non-atomic
            games").
        """
        none, every = self.window_scores(
            np.array([False, True])[:, np.newaxis, np.newaxis] & np.ones(self.n_features, bool)
        )
        along = (np.arange(_N_STEPS) + 0.5)[:, np.newaxis] / _N_STEPS
        nudge = _SLOPE_LLR * np.eye(self.n_windows)
        # Place by place: all at once would be gigabytes for the windows of a long clip.
        slopes = [self.pool(place + nudge) - self.pool(place - nudge)
                  for place in none + along * (every - none)]  # fmt: skip
        weights: NDArray[np.float64] = np.mean(slopes, axis=0) / (2 * _SLOPE_LLR)
        return weights
