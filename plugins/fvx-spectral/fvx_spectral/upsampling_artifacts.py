"""Traces of upsampling: steady lines in the average spectrum that no voice leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.audio import MIN_RATE_HZ
from fvx.errors import AudioError
from fvx.signal import power_alone


@dataclass(frozen=True)
class UpsamplingArtifacts(Feature):
    """Fine structure of the average spectrum, where neural vocoders leave lines at fixed pitches.

    Networks that raise the sampling rate step by step (transposed convolutions, subpixel
    layers) copy their spectrum and leave narrow peaks and notches at fractions of the rate. A
    voice moves; they stay, so they are left when log spectra are averaged over the clip.

    Parameters
    ----------
    window_s, step_s : float
        Length of a Hann-windowed frame, and step between the frames averaged, in seconds.
    smoothing_hz : float
        Width of the running median over frequency that is taken off.
    floor : float
        Power, re the mean over all frames and bins, added before the logarithm, so that
        digital silence and empty bands do not decide.
    max_hz : float
        Highest frequency looked at.

    Returns
    -------
    float32 array, shape (1, max_hz * window_s + 1)
        ``excess_…_hz_db``: mean over frames of the level of a bin, in decibels, less the
        running median around it. 0 in digital silence, and above half the sampling rate.
        Gain does not move it. A clip shorter than one window is taken with zeros after it.

    Raises
    ------
    AudioError
        If the clip is shorter than half a window, or sampled below 4 kHz.

    References
    ----------
    Pons, Pascual, Cengarle and Serrà (2021), "Upsampling artifacts in neural audio synthesis",
    ICASSP.
    Afchar, Meseguer-Brocal, Akesbi and Hennequin (2025), "A Fourier explanation of AI-music
    artifacts", ISMIR.
    """

    name = "upsampling_artifacts"
    kind = "per_clip"
    perceptible = False
    hop_s = None

    window_s: float = 0.256
    step_s: float = 0.064
    smoothing_hz: float = 121.0
    floor: float = 1e-6
    max_hz: float = 8000.0

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return tuple(
            f"excess_{round(bin_ / self.window_s)}_hz_db" for bin_ in range(self._n_columns)
        )

    @property
    def _n_columns(self) -> int:
        return int(self.max_hz * self.window_s + 1e-6) + 1

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.rate_hz < MIN_RATE_HZ:
            raise AudioError(f"sampled at {audio.rate_hz} Hz; at least {MIN_RATE_HZ} needed")
        if audio.duration_s < self.window_s / 2:
            raise AudioError(f"{audio.duration_s:.3f} s is less than half of {self.window_s} s")
        size = round(self.window_s * audio.rate_hz)
        if len(audio.samples) < size:
            samples = np.pad(audio.samples, (0, size - len(audio.samples)))
            audio = Audio(samples, audio.rate_hz)
        spectrum = power_alone(audio, self.window_s, self.step_s, n_fft=size)
        values = np.zeros((1, self._n_columns), np.float32)
        mean = float(spectrum.mean(dtype=np.float64))
        if mean > 0:
            level = np.log10(spectrum / np.float32(mean) + np.float32(self.floor))
            average = 10 * level.mean(axis=0)
            n_bins = 2 * int(self.smoothing_hz * self.window_s / 2) + 1
            excess = average - scipy.ndimage.median_filter(average, n_bins)
            n = min(len(excess), self._n_columns)
            values[0, :n] = excess[:n]
        return values
