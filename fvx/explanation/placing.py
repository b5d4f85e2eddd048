"""Placing: which moments of a window did what the window contributed.

A cell is a window long, seconds perhaps. What a moment of it did is found as anything is here, by
withholding it: its frames are cut out, of all features at once, the rest fills the window, and the
branches run again. Cutting a tenth of the window outlines well and moves little; cutting half of
it is heard clearly and outlines badly; so stretches of several lengths are cut out, and a tenth
gets the sum over those in whose middle it is.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.analysis import Analysis
from fvx.explanation.localisation import Slot, slots
from fvx.windows import cut

N_TENTHS = 10
_LENGTHS = (1, 3, 5)  # of what is cut out, in tenths
_SHARE, _MOST = 0.9, 32  # windows looked into: of what all contribute, and how many
_MOMENT_S = 0.5  # windows that are no longer are moments themselves


def placed(analysis: Analysis, cells: NDArray[np.float64]) -> list[Slot]:
    """Lay out what windows contributed, moment by moment.

    The tenths of a window add up to it. Windows that move the score little, and those of half a
    second and less, are not looked into, and spread evenly.

    Parameters
    ----------
    cells : float64 array, shape (n_windows, n_features)
        Contributions, by any method.

    Returns
    -------
    list of (start, end, contribution)
        In seconds, side by side. The mean over the windows that cover a moment, of what the
        window would contribute were all of it as that moment is.
    """
    totals, weights = cells.sum(axis=1), analysis.game.window_weights()
    order = np.argsort(-np.abs(totals), kind="stable")
    moved = np.cumsum(np.abs(totals[order]))
    n_enough = int(np.searchsorted(moved, _SHARE * moved[-1])) + 1
    length_s = min(analysis.scorer.card.geometry.length_s, analysis.audio.duration_s)
    n_looked_into = min(n_enough, _MOST) if length_s > _MOMENT_S else 0
    looked_into = {int(window) for window in order[:n_looked_into]}
    found: list[Slot] = []
    for window, (start_s, total) in enumerate(zip(analysis.starts_s, totals, strict=True)):
        if window not in looked_into:
            found.append((float(start_s), float(start_s) + length_s, float(total)))
            continue
        tenths = weights[window] * without(analysis, window)
        even = (total - tenths.sum()) / N_TENTHS
        edges_s = np.round(start_s + np.linspace(0, length_s, N_TENTHS + 1), 6)
        found += [
            (float(a), float(b), float(N_TENTHS * (tenth + even)))
            for (a, b), tenth in zip(itertools.pairwise(edges_s), tenths, strict=True)
        ]
    return slots(found)


def without(analysis: Analysis, window: int) -> NDArray[np.float64]:
    """How much higher a window scores with stretches than without them, shape (N_TENTHS,).

    By the tenth in the middle of the stretch, summed over the lengths of stretches.
    """
    geometry = analysis.scorer.card.geometry
    stretches = [
        (max(0, tenth - length // 2), min(N_TENTHS, tenth + length // 2 + 1))
        for length in _LENGTHS
        for tenth in range(N_TENTHS)
    ]
    inputs = {}
    for feature in analysis.features:
        whole = analysis.values[feature.name]
        starts = analysis.starts_s[window : window + 1]
        values = cut(whole, geometry, starts, feature.hop_s)[0]
        if feature.hop_s is None:
            inputs[feature.name] = np.repeat(values[np.newaxis], len(stretches), axis=0)
            continue
        # A clip that is shorter than a window was repeated to fill it.
        own = values[: len(whole)]
        edges = np.linspace(0, len(own), N_TENTHS + 1).round().astype(int)
        inputs[feature.name] = np.stack([
            _filled(np.delete(own, slice(edges[first], edges[last]), axis=0), len(values))
            for first, last in stretches
        ])  # fmt: skip
    scores = analysis.scorer.score(inputs).reshape(len(_LENGTHS), N_TENTHS)
    fall: NDArray[np.float64] = (analysis.window_scores[window] - scores).sum(axis=0)
    return fall


def _filled(rest: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
    """Frames played forth and back, and so without a jump, until there are enough."""
    return np.resize(np.concatenate([rest, rest[::-1]]), (n_frames, *rest.shape[1:]))
