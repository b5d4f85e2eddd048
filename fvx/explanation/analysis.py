"""Analysis: one clip as the model saw it, and what it would score with cells withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.model import Scorer
from fvx.model.reference import Reference
from fvx.store import FeatureRecord

_MAX_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class Analysis:
    """One clip, run through the branches once.

    Attributes
    ----------
    path : str
    audio : Audio
    values : mapping of str to float32 array, shape (n_frames, n_columns)
        The clip's features, uncut.
    starts_s : float64 array, shape (n_windows,)
    embeddings : float32 array, shape (n_windows, n_features, embedding_size)
    window_scores : float64 array, shape (n_windows,)
        Log-likelihood ratio of each window; the clip's score is their mean.
    scorer : Scorer
    reference : callable
        Gives the reference, read when first needed.
    """

    path: str
    audio: Audio
    values: dict[str, NDArray[np.float32]]
    starts_s: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    window_scores: NDArray[np.float64]
    scorer: Scorer
    reference: Callable[[], Reference]

    @property
    def score(self) -> float:
        """The clip's score: log-likelihood ratio, higher means bona fide."""
        return float(self.window_scores.mean())

    @property
    def features(self) -> tuple[FeatureRecord, ...]:
        """The model's features, in branch order."""
        return self.scorer.card.features

    def masked_scores(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score every window with some features withheld.

        Branches do not meet before the terminus, so a feature is withheld exactly by putting
        its branch's stand-in in place of its embedding: only the terminus runs again.

        Parameters
        ----------
        kept : bool array, shape (n_masks, n_features)

        Returns
        -------
        float64 array, shape (n_masks, n_windows)
        """
        n_windows = len(self.embeddings)
        per_block = max(1, _MAX_ROWS // n_windows)
        withheld = self.scorer.withheld
        scores = np.empty((len(kept), n_windows))
        for first in range(0, len(kept), per_block):
            block = kept[first : first + per_block, np.newaxis, :, np.newaxis]
            mixed = np.where(block, self.embeddings, withheld)
            flat = self.scorer.llr(mixed.reshape(-1, *withheld.shape))
            scores[first : first + per_block] = flat.reshape(-1, n_windows)
        return scores

    def cell_masked_scores(self, kept: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Score the clip with (window, feature) cells withheld.

        Parameters
        ----------
        kept : bool array, shape (n_masks, n_windows, n_features)

        Returns
        -------
        float64 array, shape (n_masks,)
        """
        n_windows = len(self.embeddings)
        per_block = max(1, _MAX_ROWS // n_windows)
        withheld = self.scorer.withheld
        scores = np.empty(len(kept))
        for first in range(0, len(kept), per_block):
            block = kept[first : first + per_block, :, :, np.newaxis]
            mixed = np.where(block, self.embeddings, withheld)
            flat = self.scorer.llr(mixed.reshape(-1, *withheld.shape))
            scores[first : first + per_block] = flat.reshape(-1, n_windows).mean(axis=1)
        return scores
