"""Loudness as it is spread over the ear's critical bands, every 10 ms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.signal import power

WINDOW_S, HOP_S = 0.025, 0.010
PLAYED_AT_DB = 65.0  # conversational speech at one metre
GATE = 0.1  # frames below this share of the mean power do not count towards the level
BAND_BARK = 0.5
_REFERENCE = 2e-5  # pascal
LOWER_SLOPE, UPPER_SLOPE = 27.0, 8.0  # dB per Bark: how far a sound excites its neighbours

# Zwicker et al. (1991): transmission through the ear, and threshold in quiet, both in dB.
_EAR_HZ = (1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300, 8000, 10000, 12500)
_EAR_LOSS_DB = (0.0, -0.5, -1.6, -3.2, -5.4, -5.6, -4.0, -1.5, 2.0, 5.0, 12.0)
_QUIET_BARK = (0.45, 1.35, 2.3, 3.25, 4.05, 4.85, 5.8, 6.95, 8.0)
_QUIET_DB = (30.0, 18.0, 12.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0)

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Loudness:
    """Specific loudness over time, the clip played at 65 dB.

    Attributes
    ----------
    specific : float32 array, shape (n_frames, n_bands)
        In sone per Bark, in bands of half a Bark from 0 Bark up.
    centre_bark : float32 array, shape (n_bands,)
        Middle of each band.
    """

    specific: Floats
    centre_bark: Floats

    @property
    def total(self) -> Floats:
        """Loudness of each frame in sone, shape (n_frames,)."""
        total: Floats = self.specific.sum(axis=1) * np.float32(BAND_BARK)
        return total


def loudness(audio: Audio) -> Loudness:
    """Model how loud each critical band sounds; ask for it through ``audio.shared``.

    The clip is taken to be played at 65 dB (mean over its louder frames), so that the level of
    the recording does not matter. Its power spectrum is gathered in critical bands, spreads
    to their neighbours by 27 dB per Bark downwards and 8 upwards, and is turned into
    loudness by Zwicker's exponential law. Against the standard, third-octave filters and tabled,
    level-dependent slopes are left out.

    Raises
    ------
    AudioError
        If the clip is shorter than one window of 25 ms.

    References
    ----------
    Zwicker, Fastl, Widmann, Kurakata, Kuwano and Namba (1991), "Program for calculating
    loudness according to DIN 45631 (ISO 532B)", Journal of the Acoustical Society of Japan (E)
    12(1), 39-42.
    """
    spectrum = audio.shared(power, WINDOW_S, HOP_S)
    size = round(WINDOW_S * audio.rate_hz)
    weights, centre_bark, quiet = _excitation_weights(spectrum.shape[1], size, audio.rate_hz)
    excitation = spectrum @ weights
    excitation *= np.float32(playback_gain(spectrum, size))
    # 0.0635 (quiet)^0.25 ((0.75 + 0.25 excitation / quiet)^0.25 - 1)
    excitation /= quiet
    excitation *= np.float32(0.25)
    excitation += np.float32(0.75)
    specific: Floats = np.sqrt(np.sqrt(excitation, out=excitation), out=excitation)
    specific -= 1
    specific *= np.float32(0.0635) * quiet ** np.float32(0.25)
    return Loudness(np.maximum(specific, 0, out=specific), centre_bark)


def playback_gain(spectrum: Floats, size: int) -> float:
    """Factor on power that brings the louder frames to 65 dB on average; 0 in silence."""
    frame_power = spectrum.sum(axis=1, dtype=np.float64)
    loud = frame_power > GATE * frame_power.mean()
    if not loud.any():
        return 0.0
    to_pressure = _to_pressure(spectrum.shape[1], size)
    return float(10 ** (PLAYED_AT_DB / 10) / (frame_power[loud].mean() * to_pressure))


def bark(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Critical-band rate of a frequency (Zwicker and Terhardt 1980), any shape."""
    rate: NDArray[np.float64] = 13 * np.arctan(0.00076 * hz) + 3.5 * np.arctan((hz / 7500) ** 2)
    return rate


def _to_pressure(n_bins: int, size: int) -> float:
    """Power of the transform to mean square over that of the threshold of hearing."""
    taper = scipy.signal.get_window("hann", size)
    return 2 / (2 * (n_bins - 1) * float((taper**2).sum()) * _REFERENCE**2)


@lru_cache(maxsize=8)
def _excitation_weights(n_bins: int, size: int, rate_hz: int) -> tuple[Floats, Floats, Floats]:
    """Bins to excitation of bands, their centres in Bark, and their threshold in quiet."""
    step_hz = rate_hz / (2 * (n_bins - 1))
    bins_hz = np.arange(n_bins) * step_hz
    edges_bark = bark(np.clip(np.stack([bins_hz - step_hz / 2, bins_hz + step_hz / 2]), 0, None))
    n_bands = int(24 / BAND_BARK)
    lower = np.arange(n_bands) * BAND_BARK
    centre = lower + BAND_BARK / 2
    # The share of each bin, half a step either way, that lies in each band.
    overlap = np.minimum(edges_bark[1][:, None], lower + BAND_BARK)
    overlap = np.maximum(0, overlap - np.maximum(edges_bark[0][:, None], lower))
    share = overlap / np.diff(edges_bark, axis=0).T
    share[0] = 0  # the mean is not heard
    loss_db = np.interp(bins_hz, _EAR_HZ, _EAR_LOSS_DB)
    share *= 10 ** (-loss_db[:, None] / 10) * _to_pressure(n_bins, size)
    # One critical band is summed whole: half of either neighbour; the slopes begin at its edges.
    offset = centre[None, :] - centre[:, None]
    beyond = np.abs(offset) - BAND_BARK
    slope = np.where(offset > 0, UPPER_SLOPE, LOWER_SLOPE)
    spread = np.where(beyond < 0, 1.0, 0.5 * 10 ** (-slope * np.maximum(beyond, 0) / 10))
    quiet = 10 ** (np.interp(centre, _QUIET_BARK, _QUIET_DB) / 10)
    results = (
        (share @ spread).astype(np.float32),
        centre.astype(np.float32),
        quiet.astype(np.float32),
    )
    for result in results:
        result.flags.writeable = False
    return results
