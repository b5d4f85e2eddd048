"""Linear-frequency cepstral coefficients: LFCC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from fvx_spectral.filterbank import linear_edges_hz, triangles
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power_alone
from fvx_cepstral.deltas import cepstral_columns, with_slopes

_POWER_FLOOR = 2.0**-23


@dataclass(frozen=True)
class Lfcc(Feature):
    """Shape of the log spectrum on a linear scale, as fine in the treble as in the bass.

    The front end of the LFCC-LCNN baseline of ASVspoof 2021: pre-emphasis, power in
    triangular bands of equal width from 0 to half the sampling rate, base-10 logarithm,
    orthonormal DCT-II; the log energy of the frame takes the place of the zeroth coefficient.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hamming-windowed frame, and step between frames, in seconds.
    n_fft : int
        Transform length in samples, at least; the next power of two where a window is longer.
    n_bands : int
        Number of bands, and of static coefficients.
    preemphasis : float
        ``y[n] = x[n] - preemphasis * x[n - 1]`` beforehand.

    Returns
    -------
    float32 array, shape (n_frames, 3 * n_bands)
        ``lfcc_0`` (log energy) and so on, of the base-10 logarithm of power (floor 2⁻²³);
        their differences over two frames ``c[t + 1] - c[t - 1]``, ``lfcc_0_delta`` and so on;
        the differences of these, ``lfcc_0_delta2`` and so on. Dimensionless.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Wang and Yamagishi (2021), "A comparative study on recent neural spoofing
    countermeasures for synthetic speech detection", Interspeech.
    Sahidullah, Kinnunen and Hanilçi (2015), "A comparison of features for synthetic speech
    detection", Interspeech.
    """

    name = "lfcc"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.020
    hop_s: float = 0.010
    n_fft: int = 1024
    n_bands: int = 20
    preemphasis: float = 0.97

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return cepstral_columns(self.name, self.n_bands)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        window_samples = round(self.window_s * audio.rate_hz)
        n_fft = max(self.n_fft, 1 << (window_samples - 1).bit_length())
        spectrum = audio.shared(
            power_alone, self.window_s, self.hop_s, n_fft, "hamming", self.preemphasis
        )
        weights = triangles(linear_edges_hz(self.n_bands, audio.rate_hz), n_fft, audio.rate_hz)
        floor = np.float32(_POWER_FLOOR)
        static = scipy.fft.dct(np.log10(spectrum @ weights + floor), axis=1, norm="ortho")
        static[:, 0] = np.log10(spectrum.sum(axis=1) / np.float32(n_fft) + floor)
        return with_slopes(static, reach=1, scale=2.0)
