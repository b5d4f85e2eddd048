"""Mel-frequency cepstral coefficients: MFCC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from fvx_spectral.log_mel import log_mel_db
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_cepstral.deltas import cepstral_columns, with_slopes


@dataclass(frozen=True)
class Mfcc(Feature):
    """Shape of the log spectrum on the ear's scale of pitch, and how it moves.

    Power in triangular mel bands (Slaney's scale, unit area, 0 to half the sampling rate), in
    decibels, orthonormal DCT-II, of which the first coefficients are kept.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    n_bands : int
        Number of mel bands.
    n_coefficients : int
        Static coefficients kept, the zeroth included.
    delta_reach : int
        Frames to each side over which a slope is fitted.

    Returns
    -------
    float32 array, shape (n_frames, 3 * n_coefficients)
        ``mfcc_0`` and so on, in decibels; their slopes per frame, ``mfcc_0_delta`` and so on;
        the slopes of these, ``mfcc_0_delta2`` and so on. Bands below -100 dB count as -100 dB.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If a band is so narrow that it holds no bin of the transform.

    References
    ----------
    Davis and Mermelstein (1980), "Comparison of parametric representations for monosyllabic
    word recognition in continuously spoken sentences", IEEE Transactions on Acoustics,
    Speech, and Signal Processing 28(4).
    Slaney (1998), "Auditory Toolbox, version 2", Interval Research Corporation, report
    1998-010.
    """

    name = "mfcc"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    n_bands: int = 64
    n_coefficients: int = 20
    delta_reach: int = 4

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return cepstral_columns(self.name, self.n_coefficients)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        level_db = audio.shared(log_mel_db, self.window_s, self.hop_s, self.n_bands)
        static = scipy.fft.dct(level_db, axis=1, norm="ortho")[:, : self.n_coefficients]
        return with_slopes(static, self.delta_reach)
