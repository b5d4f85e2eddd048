"""The amplitude feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_prosody.activity import FLOOR_HZ, HOP_S, Activity, ActivitySettings, activity
from fvx_prosody.intensity import REFERENCE, intensity_db

SYLLABLE_RATES_HZ = (2.0, 8.0)  # Houtgast and Steeneken: speech is modulated most around 4 Hz
STEADY = 1e-3  # deviation, relative to the greatest value, that counts as none


@dataclass(frozen=True)
class Amplitude(Feature):
    """How evenly the loudness is spread: flat like a machine's, or lively.

    The envelope is the square root of the mean square under the window of ``intensity``, every
    10 ms. Statistics are taken over its sounding frames (as ``pauses`` tells them), so that
    pauses and the silence around the speech do not count; the share of modulation over all
    from the first of them to the last. No value depends on the level of the recording.

    Parameters
    ----------
    range_db, min_pause_s, min_sounding_s : float
        What is sounding, in decibels below the speech level and in seconds.

    Returns
    -------
    float32 array, shape (1, 8)
        ``abs_mean_ratio``, mean magnitude of the samples over the greatest one;
        ``envelope_variation``, standard deviation over mean; ``modulation_depth``,
        ``(p95 - p5) / (p95 + p5)`` of its percentiles; ``envelope_skewness``;
        ``envelope_kurtosis`` (3 if normally distributed); ``waveform_kurtosis`` of the samples
        (3 if normally distributed, 1.5 for a sine); ``level_change_db_per_s``, mean magnitude;
        ``modulation_2_8_hz_ratio``, the share of the envelope's variance that the rates of
        syllables hold. All 0 in silence, and the ratios of what does not vary.

    Raises
    ------
    AudioError
        If the clip is shorter than 64 ms.

    References
    ----------
    Barrington, Barua, Koorma and Farid (2023), "Single and multi-speaker cloned voice
    detection: from perceptual to learned features", IEEE WIFS.
    Houtgast and Steeneken (1985), "A review of the MTF concept in room acoustics and its use
    for estimating speech intelligibility in auditoria", Journal of the Acoustical Society of
    America 77(3).
    """

    name = "amplitude"
    columns = (
        "abs_mean_ratio",
        "envelope_variation",
        "modulation_depth",
        "envelope_skewness",
        "envelope_kurtosis",
        "waveform_kurtosis",
        "level_change_db_per_s",
        "modulation_2_8_hz_ratio",
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    range_db: float = 25.0
    min_pause_s: float = 0.2
    min_sounding_s: float = 0.05

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        found = audio.shared(activity, ActivitySettings(**self.settings))
        if not found.sounding.any():
            return np.zeros((1, 8), np.float32)
        level_db = audio.shared(intensity_db, FLOOR_HZ, HOP_S)
        envelope = REFERENCE * 10 ** (level_db.astype(np.float64) / 20)
        heard = envelope[found.sounding]
        low, high = np.percentile(heard, [5, 95])
        variation = heard.std() / heard.mean()
        skewness, kurtosis = _shape(heard)
        neighbours = found.sounding[1:] & found.sounding[:-1]
        change_db = np.abs(np.diff(level_db))[neighbours]
        samples = _samples(audio, found)
        return np.array(
            [
                [
                    np.abs(samples).mean() / np.abs(samples).max(),
                    variation,
                    (high - low) / (high + low),
                    skewness,
                    kurtosis,
                    _shape(samples)[1],
                    change_db.mean() / HOP_S if len(change_db) else 0.0,
                    _syllabic_share(envelope[found.span]),
                ]
            ],
            np.float32,
        )


def _samples(audio: Audio, found: Activity) -> NDArray[np.float32]:
    """The clip from the first sounding frame to the last."""
    hop = round(HOP_S * audio.rate_hz)
    return audio.samples[found.span.start * hop : max(1, found.span.stop - 1) * hop]


def _shape(values: NDArray[np.float32] | NDArray[np.float64]) -> tuple[float, float]:
    """Skewness and kurtosis; 0 for values that do not vary."""
    centred = values - values.mean(dtype=np.float64).astype(values.dtype)
    square = centred * centred
    variance = float(square.mean(dtype=np.float64))
    if variance <= (STEADY * float(np.abs(values).max())) ** 2:
        return 0.0, 0.0
    cube = np.dot(square, centred) / len(values)
    return float(cube) / variance**1.5, float(np.dot(square, square)) / len(values) / variance**2


def _syllabic_share(envelope: NDArray[np.float64]) -> float:
    """Share of the envelope's variance at the rates of syllables; 0 for a steady one."""
    centred = envelope - envelope.mean()
    power = np.abs(scipy.fft.rfft(centred, scipy.fft.next_fast_len(len(centred), real=True))) ** 2
    rates_hz = np.linspace(0, 0.5 / HOP_S, len(power))
    within = (rates_hz >= SYLLABLE_RATES_HZ[0]) & (rates_hz <= SYLLABLE_RATES_HZ[1])
    if centred.std() <= STEADY * envelope.max():
        return 0.0
    return float(power[within].sum() / power.sum())
