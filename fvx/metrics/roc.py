"""Receiver operating characteristic: its points, and its convex hull."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fvx.errors import ScoreError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEW_POINTS = 4096


def roc(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Receiver operating characteristic, one point per distinct score.

    Returns
    -------
    false_alarms, hits, thresholds : float64 arrays, shape (n_distinct + 1,)
        Spoofs and bona fide clips accepted at each threshold, as fractions; thresholds fall
        from infinity, where nothing is accepted. The DET curve is (false_alarms, 1 - hits).
    """
    positive, negative = checked(bonafide, spoof)
    false_alarms, hits, thresholds = accepted(positive, negative)
    return false_alarms / len(negative), hits / len(positive), thresholds


def hull(bonafide: ArrayLike, spoof: ArrayLike) -> tuple[Floats, Floats]:
    """Corners of the ROC's convex hull, from (0, 0) to (1, 1).

    Each edge is a pool of the pool-adjacent-violators algorithm, and its slope the likelihood
    ratio that the best monotone calibration gives the scores in it.

    Returns
    -------
    false_alarms, hits : float64 arrays, shape (n_corners,)

    References
    ----------
    Fawcett and Niculescu-Mizil (2007), "PAV and the ROC convex hull", Machine Learning 68.
    """
    positive, negative = checked(bonafide, spoof)
    false_alarms, hits, _ = accepted(positive, negative)
    x, y = corners(false_alarms, hits)
    return x / len(negative), y / len(positive)


def corners(x: Integers, y: Integers) -> tuple[Integers, Integers]:
    """Corners of the upper hull of a staircase that rises from left to right."""
    # A point under the line between its neighbours is no corner, whatever goes with it: most
    # are dropped together, and few are left to be looked at one by one.
    while len(x) > _FEW_POINTS:
        before, here, after = slice(None, -2), slice(1, -1), slice(2, None)
        rise = (y[here] - y[before]) * (x[after] - x[here])
        run = (y[after] - y[here]) * (x[here] - x[before])
        keep = np.concatenate(([True], rise > run, [True]))
        if keep.mean() > 0.99:
            break
        x, y = x[keep], y[keep]
    kept: list[tuple[int, int]] = []
    for point in zip(x.tolist(), y.tolist(), strict=True):
        while len(kept) > 1:
            (x0, y0), (x1, y1) = kept[-2:]
            if (x1 - x0) * (point[1] - y0) < (y1 - y0) * (point[0] - x0):
                break
            kept.pop()
        kept.append(point)
    found = np.array(kept, np.int64)
    return found[:, 0], found[:, 1]


def accepted(positive: Floats, negative: Floats) -> tuple[Integers, Integers, Floats]:
    """Spoof and bona fide clips accepted at each distinct score, from none (at infinity) up."""
    scores, order = ranking(positive, negative)
    order, ranked = order[::-1], scores[order][::-1]
    last_of_tie = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    hits = np.cumsum(order < len(positive))[last_of_tie]
    false_alarms = last_of_tie + 1 - hits
    thresholds = np.append(np.inf, ranked[last_of_tie])
    return np.append(0, false_alarms), np.append(0, hits), thresholds


def ranking(positive: Floats, negative: Floats) -> tuple[Floats, Integers]:
    """Scores of both classes, and what sorts them upwards; of a tie, bona fide comes first.

    Each class is sorted by itself, which is quick; the stable sort then only merges.
    """
    scores = np.concatenate((np.sort(positive), np.sort(negative)))
    return scores, np.argsort(scores, kind="stable")


def checked(
    bonafide: ArrayLike, spoof: ArrayLike, names: tuple[str, str] = ("bona fide", "spoof")
) -> tuple[Floats, Floats]:
    """Both classes as float64; `ScoreError` if one is empty, a matrix, or not finite."""
    positive, negative = np.asarray(bonafide, np.float64), np.asarray(spoof, np.float64)
    if positive.ndim != 1 or negative.ndim != 1:
        raise ScoreError(f"expected flat arrays, got shapes {positive.shape}, {negative.shape}")
    if not len(positive) or not len(negative):
        raise ScoreError(
            f"both classes are needed, got {len(positive)} {names[0]} and "
            f"{len(negative)} {names[1]}"
        )
    bad = int((~np.isfinite(positive)).sum()), int((~np.isfinite(negative)).sum())
    if any(bad):
        raise ScoreError(
            f"NaN or infinite: {bad[0]} of {len(positive)} {names[0]} "
            f"and {bad[1]} of {len(negative)} {names[1]} scores"
        )
    return positive, negative
