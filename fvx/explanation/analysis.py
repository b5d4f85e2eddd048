"""Analysis: one clip as the model saw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.explanation.game import Game, Pool, mean_of_windows
from fvx.model import Scorer
from fvx.model.reference import Reference
from fvx.store import FeatureRecord


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
    embeddings : float32 array, shape (n_windows, n_features, …)
    window_scores : float64 array, shape (n_windows,)
        Log-likelihood ratio of each window.
    scorer : Scorer
    reference : callable
        Gives the reference, read when first needed.
    run : Path
        Where the model lies.
    plugins, descriptions : mapping of str to str
        The plugin that offers each feature, and what the feature is, in a sentence.
    pool : callable
        A clip's score from those of its windows, the last axis.
    """

    path: str
    audio: Audio
    values: dict[str, NDArray[np.float32]]
    starts_s: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    window_scores: NDArray[np.float64]
    scorer: Scorer
    reference: Callable[[], Reference]
    run: Path = Path()
    plugins: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    pool: Pool = mean_of_windows

    @property
    def score(self) -> float:
        """The clip's score: log-likelihood ratio, higher means bona fide."""
        return float(self.pool(self.window_scores))

    @property
    def features(self) -> tuple[FeatureRecord, ...]:
        """The model's features, in branch order."""
        return self.scorer.card.features

    @property
    def game(self) -> Game:
        """The clip's score as a game of its cells."""
        return Game(self.embeddings, self.scorer.withheld, self.scorer.llr, self.pool)
