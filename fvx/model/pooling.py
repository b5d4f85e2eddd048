"""Pooling: a clip's score from the scores of its windows."""

from __future__ import annotations

import itertools
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelError

Pooling = Literal["mean", "median", "trimmed-mean", "soft-minimum"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)

_TRIMMED = 0.2  # share of the windows that is left out at each end
_SHARPNESS = 1.0  # of the soft minimum, per unit of log-likelihood ratio


def pool(
    scores: NDArray[np.float64], clip: NDArray[np.int64], n_clips: int, pooling: str
) -> NDArray[np.float64]:
    """Pool the windows' scores of each clip.

    Parameters
    ----------
    scores : float64 array, shape (n_windows,)
        Log-likelihood ratios, or logits.
    clip : int64 array, shape (n_windows,)
        Which clip each window is of; every clip has one at least.
    pooling : str
        ``mean``; ``median``; ``trimmed-mean`` of the middle 60 % of the windows;
        ``soft-minimum``, the mean weighted by ``exp(-score)``, which leans to the windows that
        sound most like a spoof, as where only part of a clip is one.

    Returns
    -------
    float64 array, shape (n_clips,)
        Within the range of the clip's windows; that of a single window is its score.

    Raises
    ------
    ModelError
        If the pooling is not known.
    """
    if pooling not in POOLINGS:
        raise ModelError(f"no pooling {pooling!r}; known: {', '.join(POOLINGS)}")
    if pooling == "mean":
        return _weighted(scores, np.ones(len(scores)), clip, n_clips)
    if pooling == "soft-minimum":
        lowest = np.full(n_clips, np.inf)
        np.minimum.at(lowest, clip, scores)
        # Relative to the lowest, so that no weight overflows.
        return _weighted(scores, np.exp(-_SHARPNESS * (scores - lowest[clip])), clip, n_clips)
    order = np.lexsort((scores, clip))
    bounds = np.searchsorted(clip[order], np.arange(n_clips + 1))
    of_clips = (scores[order[first:last]] for first, last in itertools.pairwise(bounds))
    middle = np.median if pooling == "median" else _trimmed_mean
    return np.array([float(middle(one)) for one in of_clips])


def _weighted(
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
    clip: NDArray[np.int64],
    n_clips: int,
) -> NDArray[np.float64]:
    totals = np.bincount(clip, scores * weights, minlength=n_clips)
    means: NDArray[np.float64] = totals / np.bincount(clip, weights, minlength=n_clips)
    return means


def _trimmed_mean(ordered: NDArray[np.float64]) -> np.float64:
    n_out = int(_TRIMMED * len(ordered))
    mean: np.float64 = ordered[n_out : len(ordered) - n_out].mean()
    return mean
