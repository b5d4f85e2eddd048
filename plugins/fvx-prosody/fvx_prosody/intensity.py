"""The intensity feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx.signal import frames

PERIODS_PER_WINDOW = 3.2  # effective length: no ripple at the voice's own period is left
KAISER_BETA = 20.24  # "Kaiser-20": side lobes below -190 dB
REFERENCE = 2e-5  # pascal, the threshold of hearing; full scale counts as 1 Pa
FLOOR_DB = 0.0
_BLOCK_FRAMES = 512  # bounds memory on long clips


@dataclass(frozen=True)
class Intensity(Feature):
    """How loud each moment is: mean square under a smooth window, in decibels.

    The mean under the window is taken off, and the weighted mean of the squares is relative to
    2e-5, with full scale taken as 1 Pa: a full-scale sine has 90.97 dB, digital full scale
    93.98 dB, so dBFS = intensity - 93.98.

    Parameters
    ----------
    floor_hz : float
        Lowest pitch whose periods shall not show as ripple. The Kaiser window is 6.4 / floor_hz
        long, effectively half of that. Beyond the ends of the clip nothing is weighed in.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 1)
        ``intensity_db``, in decibels, at least 0: that floor, -94 dBFS, is also what digital
        silence gets.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual pages
    "Sound: To Intensity..." and "Intensity".
    """

    name = "intensity"
    columns = ("intensity_db",)
    kind = "contour"
    perceptible = True

    floor_hz: float = 100.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return audio.shared(intensity_db, self.floor_hz, self.hop_s)[:, np.newaxis]


def intensity_db(audio: Audio, floor_hz: float, hop_s: float) -> NDArray[np.float32]:
    """What ``Intensity`` returns, shape (n_frames,); ask for it through ``audio.shared``."""
    cut = frames(audio, 2 * PERIODS_PER_WINDOW / floor_hz, hop_s)
    size, hop = cut.shape[1], round(hop_s * audio.rate_hz)
    window = np.kaiser(size + 1, KAISER_BETA)[:size].astype(np.float32)
    flat, squares = np.ones_like(window), np.empty(len(cut), np.float64)
    for first in range(0, len(cut), _BLOCK_FRAMES):
        block = cut[first : first + _BLOCK_FRAMES]
        start = first * hop - size // 2 + np.arange(len(block)) * hop
        weight = _sum_inside(window, start, len(audio.samples))
        mean = block.sum(axis=1) / _sum_inside(flat, start, len(audio.samples))
        square, centre = (block * block) @ window / weight, block @ window / weight
        squares[first : first + len(block)] = square + mean * (mean - 2 * centre)
    level_db = 10 * np.log10(np.maximum(squares, 1e-20)) - 20 * np.log10(REFERENCE)
    values: NDArray[np.float32] = np.maximum(level_db, FLOOR_DB).astype(np.float32)
    return values


def _sum_inside(
    window: NDArray[np.float32], start: NDArray[np.intp], n_samples: int
) -> NDArray[np.float64]:
    """Sum of a window's samples that lie in the clip, for each start, shape (n_frames,)."""
    total = np.concatenate([[0.0], np.cumsum(window, dtype=np.float64)])
    first = np.clip(-start, 0, len(window))
    last = np.clip(n_samples - start, 0, len(window))
    inside: NDArray[np.float64] = total[last] - total[first]
    return inside
