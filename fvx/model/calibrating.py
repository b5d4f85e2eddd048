"""Make log-likelihood ratios of what a model says, on development clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx import metrics
from fvx.model.part import Part
from fvx.model.pooling import POOLINGS, pool

_N_ROUNDS = 20
_MIN_SOURCES = 10
_N_DRAWS, _QUANTILE = 100, 0.1


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


def calibrate(
    logits: NDArray[np.float64], part: Part, pooling: str, sources: pd.Series | None = None
) -> Calibration:
    """Fit to a part's windows.

    Parameters
    ----------
    logits : float64 array, shape (n_windows,)
    sources : pandas.Series or None
        Source of each clip. Then scores are made as cautious as the spread between sources asks
        for: whole sources are drawn again a hundred times, and the tenth smallest scale is taken.
    """
    bonafide, clip = part.bonafide, part.windows.clip

    def pooled(scores: NDArray[np.float64], how: str) -> NDArray[np.float64]:
        return pool(scores, clip, len(bonafide), how)

    clips = pooled(logits, "mean")
    scale, offset = metrics.fit_calibration(clips[bonafide], clips[~bonafide])
    if sources is not None and sources.nunique() >= _MIN_SOURCES:
        cautious = _cautious_scale(clips, bonafide, sources)
        scale, offset = min(scale, cautious), offset * min(1.0, cautious / max(scale, 1e-12))
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


def compare(
    logits: NDArray[np.float64], part: Part, sources: pd.Series | None = None
) -> Mapping[str, Calibration]:
    """Calibrate with each pooling there is, by name."""
    return {pooling: calibrate(logits, part, pooling, sources) for pooling in POOLINGS}


def _cautious_scale(
    logits: NDArray[np.float64], bonafide: NDArray[np.bool_], sources: pd.Series
) -> float:
    """A scale that nine of ten draws of sources would not go below."""
    rows = list(sources.reset_index(drop=True).groupby(sources.to_numpy()).indices.values())
    rng, scales = np.random.default_rng(0), []
    for _ in range(_N_DRAWS):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        values, real = logits[drawn], bonafide[drawn]
        if real.any() and not real.all():
            scales.append(metrics.fit_calibration(values[real], values[~real])[0])
    return float(np.quantile(scales, _QUANTILE))
