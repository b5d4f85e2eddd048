"""The hnr feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx.signal import frames
from fvx_voice.autocorrelation import TAPS, autocorrelate, sharpen
from fvx_voice.pitch import PitchSettings, pitch_track

PERIODS_PER_WINDOW = 4.5  # Boersma (1993): with three, the window itself limits what is measured
NEIGHBOURHOOD = 0.1  # share of the period within which the autocorrelation peaks
LOWEST_DB, HIGHEST_DB = -20.0, 60.0
_BLOCK_FRAMES = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Hnr(Feature):
    """How clear the voice is: energy of its harmonics over that of the noise between them.

    ``10 log10(r / (1 - r))``, with r the height of the window-corrected autocorrelation at the
    pitch period. A hoarse or breathy voice is low, a clean one high.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for; a frame is 4.5 longest periods long.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``hnr_db``, in decibels, within [-20, 60], 0 where unvoiced; ``voiced``, 1 or 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
    """

    name = "hnr"
    columns = ("hnr_db", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> Floats:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz, self.hop_s)
        track = audio.shared(pitch_track, settings)
        values = np.zeros((len(track.f0_hz), 2), np.float32)
        values[:, 1] = track.voiced
        cut = frames(audio, PERIODS_PER_WINDOW / self.floor_hz, self.hop_s)
        voiced = np.flatnonzero(track.voiced)
        for first in range(0, len(voiced), _BLOCK_FRAMES):
            rows = voiced[first : first + _BLOCK_FRAMES]
            values[rows, 0] = self._ratio_db(
                cut[rows], np.float32(audio.rate_hz) / track.f0_hz[rows]
            )
        return values

    def _ratio_db(self, cut: Floats, period: Floats) -> Floats:
        """Harmonics-to-noise ratio of frames of known periods in samples, shape (n_frames,)."""
        shortest = np.floor((1 - NEIGHBOURHOOD) * period).astype(np.intp)
        longest = np.ceil((1 + NEIGHBOURHOOD) * period).astype(np.intp)
        centred = cut - cut.mean(axis=1, keepdims=True)
        correlation = autocorrelate(centred, int(longest.max()) + TAPS + 2)
        lags = np.arange(correlation.shape[1])
        near = (lags >= shortest[:, None]) & (lags <= longest[:, None])
        best = np.where(near, correlation, -np.inf).argmax(axis=1)
        _, height = sharpen(correlation, np.arange(len(cut)), best)
        share = np.clip(height, 0.005, 1 - 1e-7)
        ratio_db: Floats = 10 * np.log10(share / (1 - share))
        return np.clip(ratio_db, LOWEST_DB, HIGHEST_DB)
