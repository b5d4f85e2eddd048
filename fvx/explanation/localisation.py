"""Localisation: when a clip's score was moved, and whether that is where the forgery is.

Truth is a mask of the seconds that are fake. Relevance is over slots of time, positive where it
speaks for a spoof.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Slot = tuple[float, float, float]


def slots(windows: Sequence[Slot]) -> list[Slot]:
    """Lay overlapping windows out as slots side by side.

    Parameters
    ----------
    windows : sequence of (start, end, contribution)
        In seconds; they may overlap.

    Returns
    -------
    list of (start, end, contribution)
        Between any two edges of windows, the mean contribution of the windows that cover it.
    """
    edges = sorted({edge for start, end, _ in windows for edge in (start, end)})
    found = []
    for a, b in itertools.pairwise(edges):
        middle = (a + b) / 2
        covering = [value for start, end, value in windows if start <= middle < end]
        if covering:
            found.append((a, b, float(np.mean(covering))))
    return found


def on_grid(
    relevance: Iterable[Slot], duration_s: float, step_s: float = 0.01
) -> NDArray[np.float64]:
    """Relevance at points ``step_s`` apart, each in the middle of its step, shape (n,).

    A moment that no slot covers, as the last before the clip's end, has the relevance of the
    nearest that one does: were it 0, it would be the highest wherever all else is negative.
    """
    times = _times(duration_s, step_s)
    values, covered = np.zeros(len(times)), np.zeros(len(times), np.bool_)
    for start, end, value in relevance:
        inside = (times >= start) & (times < end)
        values[inside] = value
        covered |= inside
    known = np.flatnonzero(covered)
    if len(known):
        places = np.arange(len(times))
        after = np.clip(np.searchsorted(known, places), 0, len(known) - 1)
        pair = known[np.stack([np.maximum(after - 1, 0), after])]
        values = values[pair[np.abs(pair - places).argmin(axis=0), places]]
    return values


def truth_on_grid(
    spans: Iterable[tuple[float, float]], duration_s: float, step_s: float = 0.01
) -> NDArray[np.bool_]:
    """Which points of `on_grid` are in a fake span."""
    times = _times(duration_s, step_s)
    fake = np.zeros(len(times), np.bool_)
    for start, end in spans:
        fake |= (times >= start) & (times < end)
    return fake


def _times(duration_s: float, step_s: float) -> NDArray[np.float64]:
    n_points = max(1, round(duration_s / step_s))
    return (np.arange(n_points, dtype=np.float64) + 0.5) * step_s


def pointing(relevance: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Pointing game: share of the points of highest relevance that are fake.

    1 or 0 where one slot is highest and wholly in or out; else the chance that a point drawn
    from it hits (Zhang et al. 2018, "Top-down neural attention by excitation backprop").
    """
    top = relevance >= relevance.max() - 1e-12
    return float(fake[top].mean())


def hit(relevance: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Pointing game as a listener plays it: 1 if the slot of highest relevance touches a fake."""
    top = relevance >= relevance.max() - 1e-12
    return float(fake[top].any())


def mass(relevance: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Share of the positive relevance that lies in the fake (Arras et al. 2022, "CLEVR-XAI").

    The share of time that is fake when there is no positive relevance.
    """
    positive = np.maximum(relevance, 0)
    total = positive.sum()
    return float(positive[fake].sum() / total) if total > 0 else float(fake.mean())


def iou(relevance: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Intersection over union of the fake and as much time of highest relevance."""
    n_fake = int(fake.sum())
    # Ties share what is left: a stable order would favour the clip's beginning.
    level = np.sort(relevance)[::-1][n_fake - 1]
    above, level_with = relevance > level, relevance == level
    share = (n_fake - above.sum()) / level_with.sum()
    inside = fake[above].sum() + share * fake[level_with].sum()
    return float(inside / (2 * n_fake - inside))


def auc(relevance: NDArray[np.float64], fake: NDArray[np.bool_]) -> float:
    """Chance that a fake moment is more relevant than one that is not; ties count half."""
    from scipy.stats import rankdata

    n_fake, n_true = int(fake.sum()), int((~fake).sum())
    ranks = rankdata(relevance)[fake].sum()
    return float((ranks - n_fake * (n_fake + 1) / 2) / (n_fake * n_true))
