"""Make log-likelihood ratios of what a model says, on development clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.model.part import Part
from fvx.model.pooling import POOLINGS, pool

_N_ROUNDS = 20


@dataclass(frozen=True)
class Calibration:
    """How logits of windows become the score of a clip, and where verdicts turn.

    Attributes
    ----------
    pooling : str
    scale, offset : float
        Of windows: ``llr = scale * logit + offset``.
    threshold : float
        Score at which both kinds of error are equally frequent.
    eer, cllr : float
        On the clips that it was fitted to.
    """

    pooling: str
    scale: float
    offset: float
    threshold: float
    eer: float
    cllr: float


def calibrate(logits: NDArray[np.float64], part: Part, pooling: str) -> Calibration:
    """Fit to the development part's windows.

    Parameters
    ----------
    logits : float64 array, shape (n_windows,)
    """
    bonafide, clip = part.bonafide, part.windows.clip

    def pooled(scores: NDArray[np.float64], how: str) -> NDArray[np.float64]:
        return pool(scores, clip, len(bonafide), how)

    clips = pooled(logits, "mean")
    scale, offset = metrics.fit_calibration(clips[bonafide], clips[~bonafide])
    if pooling != "mean":
        # How a soft minimum weighs windows depends on the scale, which depends on its outcome.
        for _ in range(_N_ROUNDS):
            clips = pooled(scale * logits + offset, pooling)
            factor, shift = metrics.fit_calibration(clips[bonafide], clips[~bonafide])
            scale, offset = factor * scale, factor * offset + shift
            if abs(factor - 1) < 1e-6 and abs(shift) < 1e-6:
                break
    scores = pooled(scale * logits + offset, pooling)
    rate, threshold = metrics.eer(scores[bonafide], scores[~bonafide])
    cllr = metrics.cllr(scores[bonafide], scores[~bonafide])
    return Calibration(pooling, scale, offset, threshold, float(rate), cllr)


def compare(logits: NDArray[np.float64], part: Part) -> Mapping[str, Calibration]:
    """Calibrate with each pooling there is, by name."""
    return {pooling: calibrate(logits, part, pooling) for pooling in POOLINGS}
