"""Placing: which moments of a window did what the window contributed.

A cell is a window long, seconds perhaps. What a moment of it did is found as anything is here, by
withholding it: its frames are cut out, of all features at once, the rest fills the window, and the
branches run again. Cutting a tenth of the window outlines well and moves little; cutting half of it
is heard clearly and outlines badly; so stretches of several lengths are cut out about each tenth.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.analysis import Analysis
from fvx.explanation.localisation import Slot, slots
from fvx.windows import cut

N_TENTHS = 10
_LENGTHS = (1, 3, 5)  # of what is cut out, in tenths
_SHARE, _MOST = 0.9, 32  # windows looked into: of what all contribute, and how many
_AT_ONCE = 4  # windows: enough for two threads, and little in memory
_MOMENT_S = 0.5  # windows that are no longer are moments themselves


def placed(analysis: Analysis, cells: NDArray[np.float64]) -> list[Slot]:
    """Lay out what windows contributed, moment by moment.

    The mean of a window's tenths is what it contributed. Windows that move the score little, and
    those of half a second and less, are not looked into, and spread evenly.

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
    totals = cells.sum(axis=1)
    order = np.argsort(-np.abs(totals), kind="stable")
    moved = np.cumsum(np.abs(totals[order]))
    n_enough = int(np.searchsorted(moved, _SHARE * moved[-1])) + 1
    length_s = min(analysis.scorer.card.geometry.length_s, analysis.audio.duration_s)
    n_looked_into = min(n_enough, _MOST) if moment_s(length_s) < length_s else 0
    looked_into = [int(window) for window in order[:n_looked_into]]
    above = dict(zip(looked_into, above_the_rest(analysis, looked_into), strict=True))
    weights = analysis.game.window_weights() if above else ()
    found: list[Slot] = []
    for window, (start_s, total) in enumerate(zip(analysis.starts_s, totals, strict=True)):
        if window not in above:
            found.append((float(start_s), float(start_s) + length_s, float(total)))
            continue
        values = total + weights[window] * (above[window] - above[window].mean())
        edges_s = np.round(start_s + np.linspace(0, length_s, N_TENTHS + 1), 6)
        found += [
            (float(a), float(b), float(value))
            for (a, b), value in zip(itertools.pairwise(edges_s), values, strict=True)
        ]
    return slots(found)


def moment_s(window_s: float) -> float:
    """How finely windows of that length are laid out, in seconds."""
    return window_s / N_TENTHS if window_s > _MOMENT_S else window_s


def above_the_rest(analysis: Analysis, windows: Sequence[int]) -> NDArray[np.float64]:
    """How much higher each tenth of a window scores than the window, (n_windows, N_TENTHS).

    From the falls of the score without stretches about it. Were a window's score the mean of its
    tenths', a stretch of n of them that is d above it would take n / (N_TENTHS - n) of d along.
    """
    fall = np.zeros((len(windows), N_TENTHS))
    for first in range(0, len(windows), _AT_ONCE):
        some = list(windows[first : first + _AT_ONCE])
        scores = analysis.scorer.score(_cut_out(analysis, some))
        scores = scores.reshape(len(some), len(_LENGTHS), N_TENTHS)
        whole = analysis.window_scores[some]
        fall[first : first + len(some)] = (whole[:, np.newaxis, np.newaxis] - scores).sum(axis=1)
    taken: float = sum(length / (N_TENTHS - length) for length in _LENGTHS)
    return fall / taken


def _cut_out(analysis: Analysis, windows: Sequence[int]) -> dict[str, NDArray[np.float32]]:
    """Each window without each stretch, by feature: window, length, tenth in the middle."""
    geometry, starts_s = analysis.scorer.card.geometry, analysis.starts_s[windows]
    inputs = {}
    for feature in analysis.features:
        whole = analysis.values[feature.name]
        values = cut(whole, geometry, starts_s, feature.hop_s)
        if feature.hop_s is None:
            inputs[feature.name] = np.repeat(values, len(_LENGTHS) * N_TENTHS, axis=0)
            continue
        # A clip that is shorter than a window was repeated to fill it.
        kept = _kept(values.shape[1], min(values.shape[1], len(whole)))
        inputs[feature.name] = values[:, kept].reshape(-1, *values.shape[1:])
    return inputs


@lru_cache(maxsize=32)
def _kept(n_frames: int, n_own: int) -> NDArray[np.int64]:
    """Which of a window's own frames fill it when a stretch is cut out, by stretch.

    At the window's ends stretches are as long as in its middle, and not about their tenth: less
    cut out would move less. What is left is played forth and back, and so without a jump.
    """
    edges = np.linspace(0, n_own, N_TENTHS + 1).round().astype(int)
    kept = []
    for length in _LENGTHS:
        for tenth in range(N_TENTHS):
            first = min(max(0, tenth - length // 2), N_TENTHS - length)
            left = np.delete(np.arange(n_own), slice(edges[first], edges[first + length]))
            kept.append(np.resize(np.concatenate([left, left[::-1]]), n_frames))
    return np.stack(kept)
