"""Speech: which windows of a recording hold enough of it to be heard in the verdict."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.windows import Geometry

_FRAME_S = 0.02
_RANGE_DB = 30.0  # below the loudest frame
_PAUSE_S = 0.3  # shorter silences are part of speech
_ENOUGH = 0.75  # of what the window with the most speech has


def active(audio: Audio) -> NDArray[np.bool_]:
    """Frames of 20 ms within 30 dB of the loudest, and pauses of up to 0.3 s between them.

    By level alone: music and noise count as speech here.

    Returns
    -------
    bool array, shape (n_frames,)
    """
    size = round(_FRAME_S * audio.rate_hz)
    n_frames = max(1, len(audio.samples) // size)
    frames = audio.samples[: n_frames * size].reshape(n_frames, -1)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-_RANGE_DB / 10))
    found = np.zeros(n_frames, bool)
    found[loud] = True
    for before, after in itertools.pairwise(loud):
        if (after - before) * _FRAME_S <= _PAUSE_S:
            found[before:after] = True
    return found


def voters(audio: Audio, geometry: Geometry, starts_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which windows vote: those with at least three quarters of the most speech that one has.

    Returns
    -------
    bool array, shape (n_windows,)
        At least one is True.
    """
    total = np.concatenate([[0], np.cumsum(active(audio))])
    first = np.minimum(np.round(starts_s / _FRAME_S).astype(np.int64), len(total) - 1)
    last = np.minimum(first + round(geometry.length_s / _FRAME_S), len(total) - 1)
    held = total[last] - total[first]
    enough: NDArray[np.bool_] = held >= _ENOUGH * held.max()
    return enough
