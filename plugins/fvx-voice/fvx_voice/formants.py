"""The formants feature."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.feature import Feature
from fvx_voice.linear_prediction import frame_autocorrelation, predictors
from fvx_voice.pitch import PitchSettings, pitch_track
from fvx_voice.resampling import lowered

N_FORMANTS = 4
POLES_HZ = 1_100.0  # one pair of poles for so much bandwidth: five up to 5,500 Hz
EDGE_HZ = 50.0  # a pole so close to 0 or to the highest frequency shapes the slope, no formant
LOWEST_RATE_HZ = 8_000

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Formants(Feature):
    """Where the mouth and throat resonate, which tells one vowel, and one speaker, from another.

    The clip is resampled to twice ``highest_hz``, its high frequencies are raised, and each
    voiced frame is modelled as an all-pole filter with one pair of poles per 1,100 Hz (linear
    prediction). A pair at angle :math:`\\varphi` and radius *r* is a formant at
    :math:`\\varphi f_s / 2\\pi` with bandwidth :math:`-\\ln(r) f_s / \\pi`; the lowest four, 50 Hz
    away from both ends, are given. Burg's method and the autocorrelation method, which is used,
    agree under a window that vanishes at its ends, as the Gaussian one does here.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for, to tell which frames are voiced.
    highest_hz : float
        Upper end of the range of five formants: 5,000 Hz suits men, 5,500 Hz women and mixed
        speech.
    window_s : float
        Effective length of the Gaussian window, which is twice as long.
    preemphasis_hz : float
        Above it the spectrum is raised by 6 dB per octave.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 9)
        ``f1_hz`` to ``f4_hz``, increasing; their bandwidths ``b1_hz`` to ``b4_hz``, in hertz;
        ``voiced``, 1 in voiced frames that show four formants (in more than 99 % they do), else
        0, like all other values of the frame.

    Raises
    ------
    AudioError
        If the clip is sampled below 8 kHz, too little for four formants, is shorter than the
        window or three longest periods, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    Atal and Hanauer (1971), "Speech analysis and synthesis by linear prediction of the speech
    wave", Journal of the Acoustical Society of America 50(2), 637-655.
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page
    "Sound: To Formant (burg)...".
    """

    name = "formants"
    columns = ("f1_hz", "f2_hz", "f3_hz", "f4_hz", "b1_hz", "b2_hz", "b3_hz", "b4_hz", "voiced")
    kind = "matrix"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    highest_hz: float = 5_500.0
    window_s: float = 0.025
    preemphasis_hz: float = 50.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.rate_hz < LOWEST_RATE_HZ:
            raise AudioError(
                f"four formants need a sampling rate of at least {LOWEST_RATE_HZ} Hz, "
                f"got {audio.rate_hz}"
            )
        if audio.duration_s < 2 * self.window_s:
            raise AudioError(
                f"{audio.duration_s:.3f} s is shorter than one window of {2 * self.window_s} s"
            )
        settings = PitchSettings(self.floor_hz, self.ceiling_hz, self.hop_s)
        track = audio.shared(pitch_track, settings)
        voiced = np.flatnonzero(track.voiced)
        low = audio.shared(lowered, self.highest_hz, self.hop_s)
        raised = low.samples.copy()
        raised[1:] -= (
            np.float32(np.exp(-2 * np.pi * self.preemphasis_hz / low.rate_hz)) * (low.samples[:-1])
        )
        order = 2 * max(N_FORMANTS, round(low.rate_hz / 2 / POLES_HZ))
        window = _gaussian(round(2 * self.window_s * low.rate_hz))
        lags = frame_autocorrelation(raised, low.hop, len(track.f0_hz), window, order + 1)
        values = np.zeros((len(track.f0_hz), len(self.columns)), np.float32)
        values[voiced] = _resonances(predictors(lags[voiced]), low.rate_hz)
        return values


@functools.lru_cache(maxsize=8)
def _gaussian(size: int) -> Doubles:
    """The window of the Praat manual, 0 just beyond its ends, shape (size,)."""
    place = (np.arange(size) - size // 2) / size
    window: Doubles = (np.exp(-48 * place**2) - np.exp(-12)) / (1 - np.exp(-12))
    return window


def _resonances(filters: Doubles, rate_hz: float) -> NDArray[np.float32]:
    """Frequencies, bandwidths and 1 of frames with four formants, else 0; shape (n_frames, 9)."""
    order = filters.shape[1] - 1
    companion = np.zeros((len(filters), order, order))
    companion[:, 0] = -filters[:, 1:]
    companion[:, np.arange(1, order), np.arange(order - 1)] = 1
    roots = np.linalg.eigvals(companion)
    hz = np.angle(roots) * (rate_hz / (2 * np.pi))
    width_hz = np.log(np.maximum(np.abs(roots), 1e-9)) * (-rate_hz / np.pi)
    inside = (hz > EDGE_HZ) & (hz < rate_hz / 2 - EDGE_HZ)
    lowest = np.where(inside, hz, np.inf).argsort(axis=1)[:, :N_FORMANTS]
    found = (inside.sum(axis=1) >= N_FORMANTS)[:, None]
    columns = [
        np.take_along_axis(hz, lowest, axis=1),
        np.take_along_axis(width_hz, lowest, axis=1),
        np.ones_like(found, np.float64),
    ]
    return np.where(found, np.concatenate(columns, axis=1), 0).astype(np.float32)
