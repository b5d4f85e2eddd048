"""How far consecutive periods, or their amplitudes, stray from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


def steady_periods(
    pulses_s: Doubles, shortest_s: float, longest_s: float, max_factor: float
) -> tuple[Doubles, Mask]:
    """Periods between pulses, and whether each can be compared with the next.

    Parameters
    ----------
    pulses_s : float64 array, shape (n_pulses,)
        Increasing times, in seconds.
    shortest_s, longest_s, max_factor : float
        Both periods of a pair lie between the first two and differ by at most the third.

    Returns
    -------
    periods_s : float64 array, shape (n_pulses - 1,)
    pairs : bool array, shape (n_pulses - 2,)
        Both empty with fewer pulses.
    """
    periods_s = np.diff(pulses_s)
    sound = (periods_s >= shortest_s) & (periods_s <= longest_s)
    return periods_s, steady_pairs(periods_s, max_factor) & sound[:-1] & sound[1:]


def steady_pairs(values: Doubles, max_factor: float) -> Mask:
    """Whether neighbours differ by no more than ``max_factor``, shape (n - 1,)."""
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    return np.asarray(high <= max_factor * low, bool)


def runs(pairs: Mask, n_members: int) -> Mask:
    """Where ``n_members`` consecutive members begin whose pairs all hold.

    Parameters
    ----------
    pairs : bool array, shape (n - 1,)
        Whether each member goes with the next.

    Returns
    -------
    bool array, shape (n - n_members + 1,), or (0,) when there are too few members.
    """
    if len(pairs) < n_members - 1:
        return np.zeros(0, bool)
    together: Mask = np.lib.stride_tricks.sliding_window_view(pairs, n_members - 1).min(axis=1)
    return together


def members(pairs: Mask) -> Mask:
    """Which members belong to at least one pair that holds, shape (n,)."""
    either: Mask = np.append(pairs, False) | np.append(False, pairs)
    return either


def mean_step(values: Doubles, pairs: Mask) -> float | None:
    """Mean absolute difference of neighbours that go together; None when none do."""
    steps = np.abs(np.diff(values))[pairs]
    return float(steps.mean()) if len(steps) else None


def mean_deviation(values: Doubles, pairs: Mask, n_members: int) -> float | None:
    """Mean absolute difference of a member from the mean of the ``n_members`` around it.

    None when nowhere that many go together.
    """
    where = runs(pairs, n_members)
    if not where.any():
        return None
    around = np.lib.stride_tricks.sliding_window_view(values, n_members)[where]
    return float(np.abs(around[:, n_members // 2] - around.mean(axis=1)).mean())


def sliding_step(
    values: Doubles,
    times_s: Doubles,
    pairs: Mask,
    joined: Mask,
    frames_s: Doubles,
    n_members: int,
    reach_s: float,
) -> tuple[Doubles, Mask]:
    """Mean absolute difference of neighbours around each frame, relative to their mean.

    Parameters
    ----------
    values, times_s : float64 array, shape (n,)
        Members, and when they are, increasing.
    pairs, joined : bool array, shape (n - 1,)
        Whether each member is compared with the next; whether both belong to one stretch of
        voice, which a frame's neighbourhood does not leave.
    frames_s : float64 array, shape (n_frames,)
        Centres of the frames.
    n_members : int
        Members around the frame that are looked at, fewer near the ends of a stretch.
    reach_s : float
        A frame farther than this from every member has no value.

    Returns
    -------
    share : float64 array, shape (n_frames,)
        0 where there is none.
    known : bool array, shape (n_frames,)
        Where there is one: a member is near, and at least half of ``n_members - 1`` pairs hold.
    """
    if len(values) < 2:
        return np.zeros(len(frames_s)), np.zeros(len(frames_s), bool)
    after = np.clip(np.searchsorted(times_s, frames_s), 1, len(times_s) - 1)
    nearest = after - (frames_s - times_s[after - 1] < times_s[after] - frames_s)
    stretch = np.append(0, np.cumsum(~joined))
    start = np.searchsorted(stretch, stretch[nearest])
    stop = np.searchsorted(stretch, stretch[nearest], side="right")
    first = np.maximum(nearest - n_members // 2, start)
    last = np.minimum(nearest + n_members // 2, stop - 1)
    n_pairs = _running(pairs)[last] - _running(pairs)[first]
    steps = _running(np.abs(np.diff(values)) * pairs)
    sums = _running((values[:-1] + values[1:]) / 2 * pairs)
    size = sums[last] - sums[first]
    known = (np.abs(times_s[nearest] - frames_s) <= reach_s) & (2 * n_pairs >= n_members - 1)
    known &= size > 0
    share = np.divide(steps[last] - steps[first], size, out=np.zeros(len(size)), where=known)
    return np.maximum(share, 0), known


def _running(values: NDArray[np.generic]) -> Doubles:
    """Sum of all before each member, and of all, shape (n + 1,)."""
    return np.append(0.0, np.cumsum(values, dtype=np.float64))
