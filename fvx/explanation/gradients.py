"""Integrated gradients between branches, and inside a feature.

A LiteRT model gives no gradients, and TensorFlow takes twelve seconds to start. What is wanted
here are not the gradients of single inputs, though, but their sums over groups: a branch, a band
of coefficients, a tenth of a second. Such a sum, integrated along a straight path, is the
integral of the derivative in the group's direction, which a difference quotient gives with two
evaluations, however many inputs the group has. So these are integrated gradients over groups,
with derivatives taken by central differences.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.analysis import Analysis
from fvx.explanation.attribution import Attribution
from fvx.explanation.game import Game
from fvx.model.reference import COMPANIONS, clip_average
from fvx.store import FeatureRecord
from fvx.windows import cut

N_STEPS = 32
N_STEPS_INSIDE = 8
N_BANDS = 16
N_TIMES = 10


def between_branches(game: Game, n_steps: int = N_STEPS) -> Attribution:
    """Integrate from all branches withheld to none, along the straight line between.

    References
    ----------
    Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks", ICML.
    """
    n_features = game.n_features
    step: NDArray[np.float32] = game.embeddings - game.withheld
    one_branch = np.eye(n_features, dtype=np.float32).reshape(
        n_features, 1, n_features, *(1,) * (step.ndim - 2)
    )
    nudges: NDArray[np.float32] = one_branch * step / np.float32(2 * n_steps)
    values = np.zeros((game.n_windows, n_features))
    for k in range(n_steps):
        share = np.float32((k + 0.5) / n_steps)
        middle: NDArray[np.float32] = game.withheld + share * step
        up, down = (game.score_embeddings(middle + nudge) for nudge in (nudges, -nudges))
        values += (up - down).T
    none = game.window_scores(np.zeros((1, 1, n_features), bool))
    cells = game.window_weights()[:, np.newaxis] * values
    return Attribution(cells, float(game.pool(none)[0]), None, 2 * n_features * n_steps + 1)


@dataclass(frozen=True)
class Inside:
    """What moved the clip's score inside one feature in one window, in its units.

    Attributes
    ----------
    feature : str
    window : int
    bands : tuple of (first column, last column, contribution)
    times : tuple of (start, end, contribution)
        In seconds of the clip; empty for a per-clip feature.
    """

    feature: str
    window: int
    bands: tuple[tuple[int, int, float], ...]
    times: tuple[tuple[float, float, float], ...]


def inside(
    analysis: Analysis, windows: Iterable[int], n_steps: int = N_STEPS_INSIDE
) -> list[Inside]:
    """Integrate from each feature's usual level to the clip's, the other branches as they are.

    At its usual level a column moves as it does in the clip, but about the median of bona fide
    training speech. Bands add up to what the clip's score would lose had the window been so, and
    so do the times. The branches run once for a step and a group, for all features together,
    since no branch sees another.

    Parameters
    ----------
    windows : iterable of int

    Returns
    -------
    list of Inside, window by window, in the order of the features.
    """
    found = []
    for window in windows:
        found.extend(_inside_window(analysis, window, n_steps))
    return found


def _inside_window(analysis: Analysis, window: int, n_steps: int) -> list[Inside]:
    card, game = analysis.scorer.card, analysis.game
    reference = analysis.reference()
    starts = analysis.starts_s[window : window + 1]
    n_groups = N_BANDS + N_TIMES
    usual, step, groups = {}, {}, {}
    for feature in card.features:
        values = cut(analysis.values[feature.name], card.geometry, starts, feature.hop_s)
        step[feature.name] = _above_usual(feature, values, reference.median(feature.name))
        usual[feature.name] = values - step[feature.name]
        groups[feature.name] = _groups(values.shape[1:], len(analysis.values[feature.name]))
    totals = np.zeros((len(card.features), n_groups))
    own = game.embeddings[window]
    for k in range(n_steps):
        share = np.float32((k + 0.5) / n_steps)
        sides = []
        for sign in (0.5, -0.5):
            inputs = {
                name: usual[name] + step[name] * (share + np.float32(sign / n_steps) * groups[name])
                for name in step
            }
            nudged = analysis.scorer.embed(inputs)
            # Feature by feature: its nudged embedding among the others as they are.
            mixed = np.broadcast_to(own, (len(card.features), *nudged.shape)).copy()
            for f in range(len(card.features)):
                mixed[f, :, f] = nudged[:, f]
            flat = mixed.reshape(-1, *own.shape)
            sides.append(analysis.scorer.llr(flat).reshape(len(card.features), n_groups))
        totals += sides[0] - sides[1]
    weight = float(game.window_weights()[window])
    length_s = min(card.geometry.length_s, analysis.audio.duration_s)
    return [
        Inside(
            feature.name,
            window,
            _bands(len(feature.columns), weight * totals[f]),
            () if feature.hop_s is None else _times(float(starts[0]), length_s, weight * totals[f]),
        )
        for f, feature in enumerate(card.features)
    ]


def _above_usual(
    feature: FeatureRecord, values: NDArray[np.float32], median: NDArray[np.float64]
) -> NDArray[np.float32]:
    """How far a window's level is from the median, wherever the feature exists; as ``values``."""
    rows = values.reshape(-1, values.shape[-1])
    above = (clip_average(feature, rows) - median).astype(np.float32)
    exists = np.ones(len(rows), bool)
    for companion in COMPANIONS:
        if companion in feature.columns:
            column = feature.columns.index(companion)
            exists = rows[:, column] > 0.5
            above[column] = 0.0
    return np.where(exists[:, np.newaxis], above, np.float32(0)).reshape(values.shape)


def _groups(shape: tuple[int, ...], n_own: int) -> NDArray[np.float32]:
    """Which inputs belong to each band and each time, shape (n_groups, …); some are empty.

    ``n_own`` are the frames of the clip, which is repeated to fill a window that is longer.
    """
    n_columns = shape[-1]
    groups = np.zeros((N_BANDS + N_TIMES, *shape), np.float32)
    for band, (first, last) in enumerate(_edges(n_columns, min(N_BANDS, n_columns))):
        groups[band, ..., first : last + 1] = 1
    if len(shape) == 2:
        place = np.arange(shape[0]) % n_own
        for time, (first, last) in enumerate(_edges(min(shape[0], n_own), N_TIMES)):
            groups[N_BANDS + time, (place >= first) & (place <= last)] = 1
    return groups


def _edges(n: int, n_parts: int) -> list[tuple[int, int]]:
    """First and last of each of ``n_parts`` runs of like length among ``n``."""
    bounds = np.linspace(0, n, n_parts + 1).round().astype(int)
    return [(int(a), int(b) - 1) for a, b in itertools.pairwise(bounds)]


def _bands(n_columns: int, totals: NDArray[np.float64]) -> tuple[tuple[int, int, float], ...]:
    edges = _edges(n_columns, min(N_BANDS, n_columns))
    return tuple((a, b, float(totals[i])) for i, (a, b) in enumerate(edges))


def _times(
    start_s: float, length_s: float, totals: NDArray[np.float64]
) -> tuple[tuple[float, float, float], ...]:
    edges_s = start_s + np.linspace(0, length_s, N_TIMES + 1)
    return tuple(
        (round(float(edges_s[i]), 6), round(float(edges_s[i + 1]), 6), float(totals[N_BANDS + i]))
        for i in range(N_TIMES)
    )
