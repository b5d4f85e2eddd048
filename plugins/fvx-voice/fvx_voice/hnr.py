"""The hnr and hnr_contour features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.autocorrelation import TAPS, from_power, sharpen
from fvx_voice.pitch import PitchSettings
from fvx_voice.spectra import NEIGHBOURHOOD, VoicedSpectra, voiced_spectra

LOWEST_DB, HIGHEST_DB = -20.0, 60.0
_BLOCK_FRAMES = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Hnr(Feature):
    """How clear the voice is on the whole: its harmonics' energy over that of the noise.

    Mean and standard deviation of ``hnr_contour`` over the voiced frames. A hoarse or breathy
    voice is low, a clean one high.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for; a frame is 4.5 longest periods long.

    Returns
    -------
    float32 array, shape (1, 3)
        ``hnr_mean_db`` within [-20, 60] and ``hnr_sd_db``, in decibels; ``defined``, 1 or 0.
        All are 0 where the clip has no voiced frame.

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
    version = 2
    columns = ("hnr_mean_db", "hnr_sd_db", "defined")
    kind = "per_clip"
    perceptible = True
    hop_s = None

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> Floats:
        ratio_db = audio.shared(clearness_db, PitchSettings(self.floor_hz, self.ceiling_hz))
        if not len(ratio_db):
            return np.zeros((1, 3), np.float32)
        return np.array([[ratio_db.mean(), ratio_db.std(), 1]], np.float32)


@dataclass(frozen=True)
class HnrContour(Feature):
    """How clear the voice is at each moment: its harmonics' energy over that of the noise.

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

    name = "hnr_contour"
    columns = ("hnr_db", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> Floats:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz, self.hop_s)
        ratio_db = audio.shared(clearness_db, settings)
        spectra = audio.shared(voiced_spectra, settings)
        values = np.zeros((spectra.n_frames, 2), np.float32)
        values[spectra.frame, 0] = ratio_db
        values[spectra.frame, 1] = 1
        return values


def clearness_db(audio: Audio, settings: PitchSettings) -> Floats:
    """Harmonics-to-noise ratio of each voiced frame; ask for it through ``audio.shared``."""
    spectra = audio.shared(voiced_spectra, settings)
    parts = [np.zeros(0, np.float32)]
    for first in range(0, len(spectra.frame), _BLOCK_FRAMES):
        parts.append(_ratio_db(spectra, slice(first, first + _BLOCK_FRAMES)))
    return np.concatenate(parts)


def _ratio_db(spectra: VoicedSpectra, rows: slice) -> Floats:
    period = np.float32(spectra.rate_hz) / spectra.f0_hz[rows]
    shortest = np.floor((1 - NEIGHBOURHOOD) * period).astype(np.intp)
    longest = np.ceil((1 + NEIGHBOURHOOD) * period).astype(np.intp)
    n_lags = int(longest.max()) + TAPS + 2
    correlation = from_power(spectra.power[rows], spectra.window_samples, spectra.n_fft, n_lags)
    lags = np.arange(n_lags)
    near = (lags >= shortest[:, None]) & (lags <= longest[:, None])
    best = np.where(near, correlation, -np.inf).argmax(axis=1)
    _, height = sharpen(correlation, np.arange(len(period)), best)
    share = np.clip(height, 0.005, 1 - 1e-7)
    ratio_db: Floats = 10 * np.log10(share / (1 - share))
    return np.clip(ratio_db, LOWEST_DB, HIGHEST_DB)
