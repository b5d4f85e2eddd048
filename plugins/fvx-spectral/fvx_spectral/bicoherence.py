"""Bicoherence, as moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import AudioError

_BLOCK_SEGMENTS = 512  # what stays in the processor's cache

Floats = NDArray[np.float32]
Complex = NDArray[np.complex64]


@dataclass(frozen=True)
class Bicoherence(Feature):
    """How far the phases of frequencies that add up keep together, as they do in sharp pulses.

    For each pair of frequencies f1 >= f2 with a sum below half the sampling rate, over all
    segments of the clip with transform Y,

    ``B = sum(Y1 Y2 conj(Y12)) / sqrt(sum(|Y1 Y2|^2) sum(|Y12|^2))``,

    where Y12 is the transform at f1 + f2. The magnitude is 1 if the phase at the sum follows
    those at f1 and f2 in every segment, and about ``1 / sqrt(n_segments)`` if it does not care.
    The columns are the first four moments, over all the pairs, of magnitude and phase.

    Parameters
    ----------
    window_s : float
        Length of a Hann-windowed segment, in seconds; neighbours overlap by half. The mean of
        each is taken off.

    Returns
    -------
    float32 array, shape (1, 9)
        Mean, variance, skewness and kurtosis (3 for a normal distribution) of the magnitude,
        within [0, 1], and of the phase, within ±π radians; ``defined``, 1 or 0. All are 0 where
        nothing but a constant is heard. Short clips have a greater magnitude by chance: see above.

    Raises
    ------
    AudioError
        If the clip is shorter than two segments.

    References
    ----------
    AlBadawy, Lyu and Farid (2019), "Detecting AI-synthesized speech using bispectral analysis",
    CVPR Workshops.
    Kim and Powers (1979), "Digital bispectral analysis and its applications to nonlinear wave
    interactions", IEEE Transactions on Plasma Science 7(2).
    """

    name = "bicoherence"
    columns = (
        "bicoherence_magnitude_mean",
        "bicoherence_magnitude_variance",
        "bicoherence_magnitude_skewness",
        "bicoherence_magnitude_kurtosis",
        "bicoherence_phase_mean_rad",
        "bicoherence_phase_variance_rad2",
        "bicoherence_phase_skewness",
        "bicoherence_phase_kurtosis",
        "defined",
    )
    kind = "per_clip"
    perceptible = False
    hop_s = None

    window_s: float = 0.008

    def extract(self, audio: Audio) -> Floats:
        coherence = bicoherence(audio, self.window_s)
        if not coherence.any():
            return np.zeros((1, len(self.columns)), np.float32)
        first, second = _pairs(len(coherence))
        values = coherence[first, second]
        magnitude, phase_rad = np.abs(values), np.angle(values)
        return np.array([[*_moments(magnitude), *_moments(phase_rad), 1.0]], np.float32)


def bicoherence(audio: Audio, window_s: float) -> Complex:
    """Bicoherence of every pair of frequencies.

    Parameters
    ----------
    window_s : float
        Length of a Hann-windowed segment, in seconds.

    Returns
    -------
    complex64 array, shape (n_bins, n_bins)
        At ``[i, j]`` for ``f1 = i / window_s`` and ``f2 = j / window_s``, 1 <= j <= i and i + j
        below half of the segment's samples; 0 elsewhere, and where a frequency holds nothing.

    Raises
    ------
    AudioError
        If the clip is shorter than two segments.
    """
    size = round(window_s * audio.rate_hz)
    n_bins, step = (size + 1) // 2, size // 2
    if len(audio.samples) < size + step:
        raise AudioError(
            f"{audio.duration_s:.3f} s is shorter than two segments of {window_s} s, "
            "the second half a segment later"
        )
    cut = np.lib.stride_tricks.sliding_window_view(audio.samples, size)[::step]
    taper = scipy.signal.get_window("hann", size).astype(np.float32)
    # At any level the sixth powers below stay within the range of single precision.
    taper /= np.float32(np.sqrt(np.mean(audio.samples**2, dtype=np.float64)) or 1)
    triple = np.zeros((n_bins, n_bins), np.complex64)
    pairs, single = np.zeros((n_bins, n_bins), np.float32), np.zeros(n_bins, np.float32)
    for start in range(0, len(cut), _BLOCK_SEGMENTS):
        segments = cut[start : start + _BLOCK_SEGMENTS]
        segments = (segments - segments.mean(axis=1, keepdims=True)) * taper
        spectrum = np.ascontiguousarray(scipy.fft.rfft(segments, axis=1)[:, :n_bins].T)
        energy = spectrum.real**2 + spectrum.imag**2
        pairs += energy @ energy.T
        single += energy.sum(axis=1)
        mirrored = spectrum.conj()
        for i in range(1, n_bins - 1):
            last = min(i, n_bins - 1 - i)
            product = spectrum[1 : last + 1] * mirrored[i + 1 : i + last + 1]
            triple[i, 1 : last + 1] += product @ spectrum[i]
    first, second = _pairs(n_bins)
    norm = np.sqrt(pairs[first, second]) * np.sqrt(single[first + second])
    triple[first, second] /= np.where(norm > 0, norm, 1)
    return triple


def _pairs(n_bins: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices i and j of every pair: 1 <= j <= i, i + j < n_bins."""
    first, second = np.tril_indices(n_bins)
    inside = (second >= 1) & (first + second < n_bins)
    return first[inside], second[inside]


def _moments(values: Floats) -> tuple[float, float, float, float]:
    """Mean, variance, skewness and kurtosis; the last two are 0 where all values are one."""
    mean = values.mean(dtype=np.float64)
    centred = values - mean
    variance = (centred**2).mean()
    if variance == 0:
        return float(mean), 0.0, 0.0, 0.0
    skewness, kurtosis = (centred**3).mean() / variance**1.5, (centred**4).mean() / variance**2
    return float(mean), float(variance), float(skewness), float(kurtosis)
