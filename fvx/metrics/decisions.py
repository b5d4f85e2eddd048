"""Decisions at a threshold, counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fvx.errors import ScoreError
from fvx.metrics.roc import checked


@dataclass(frozen=True)
class Confusion:
    """Decisions counted; the positive class is bona fide.

    Attributes
    ----------
    tp, fn, fp, tn : int
        Bona fide accepted and rejected, spoof accepted and rejected.
    """

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def accuracy(self) -> float:
        """Share of right decisions."""
        return (self.tp + self.tn) / (self.tp + self.fn + self.fp + self.tn)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of the shares of right decisions in each class."""
        return (self.tp / (self.tp + self.fn) + self.tn / (self.fp + self.tn)) / 2

    @property
    def f1(self) -> float:
        """F1 of the bona fide class; 0 when none is accepted."""
        return 2 * self.tp / (2 * self.tp + self.fn + self.fp)


def confusion(bonafide: ArrayLike, spoof: ArrayLike, threshold: float) -> Confusion:
    """Count the decisions at a threshold; `ScoreError` if that is no finite number."""
    positive, negative = checked(bonafide, spoof)
    if not np.isfinite(threshold):
        raise ScoreError(f"a threshold must be a finite number, got {threshold}")
    tp, fp = int((positive >= threshold).sum()), int((negative >= threshold).sum())
    return Confusion(tp, len(positive) - tp, fp, len(negative) - fp)
