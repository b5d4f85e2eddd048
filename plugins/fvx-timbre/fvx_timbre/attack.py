"""How sounds begin and how they die away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fvx_timbre.loudness import HOP_S

FULL_QUANTILE = 0.95  # of the loudness of the frames: what the clip reaches
DECAY_S = 0.1  # stretch over which a decay has to be steady
LEAST_DROP_DB = 4.0  # over that stretch: a reverberation time of 1.5 s
STRAY = 0.1  # share of its variance by which a free decay may leave the straight line
FASTEST_QUANTILE = 0.9  # of the rates of decay: nothing falls faster than the room lets it

Floats = NDArray[np.float32]


def hardness_per_s(total: Floats) -> float:
    """How fast loudness rises where it rises, as shares of the clip's full loudness.

    The mean of the rises from frame to frame, weighted with themselves, per second and over
    the 95th percentile of loudness. A sound that grows evenly to full loudness in T seconds has
    1 / T; with frames 10 ms apart none has more than 100. Silence and steady sound have 0.

    Parameters
    ----------
    total : float32 array, shape (n_frames,)
        Loudness of each frame, in sone.
    """
    full = float(np.quantile(total, FULL_QUANTILE))
    rise = np.maximum(np.diff(total), 0).astype(np.float64)
    whole = rise.sum()
    if full <= 0 or whole <= 0:
        return 0.0
    return float((rise @ rise) / whole / (full * HOP_S))


def reverberance_s(frame_power: Floats) -> float:
    """Time in which sound left to itself would fall by 60 dB; 0 where none is.

    A free decay is a stretch of 100 ms in which the level falls by at least 4 dB along a straight
    line. The rate is the 90th percentile over all such stretches, since a room bounds how fast a
    sound can fall, and speech itself often falls more slowly. Bursts of noise read true from
    0.15 to 1.5 s; speech in long reverberation too short, for lack of long pauses.

    Parameters
    ----------
    frame_power : float32 array, shape (n_frames,)
        Power of each frame, in any unit.
    """
    n_points = round(DECAY_S / HOP_S) + 1
    peak = float(frame_power.max())
    if peak <= 0 or len(frame_power) < n_points:
        return 0.0
    level_db = 10 * np.log10(np.maximum(frame_power, 1e-10 * peak))
    ramp = np.arange(n_points) - (n_points - 1) / 2
    stretches = np.lib.stride_tricks.sliding_window_view(level_db, n_points)
    slope_db = stretches @ (ramp / (ramp @ ramp)).astype(np.float32)
    rows = np.flatnonzero(slope_db <= -LEAST_DROP_DB / (n_points - 1))
    stretches = stretches[rows]
    line = stretches.mean(axis=1, keepdims=True) + slope_db[rows, None] * ramp
    free = ((stretches - line) ** 2).mean(axis=1) <= STRAY * stretches.var(axis=1)
    if not free.any():
        return 0.0
    rate_db_per_s = float(np.quantile(-slope_db[rows][free], FASTEST_QUANTILE)) / HOP_S
    return 60 / rate_db_per_s
