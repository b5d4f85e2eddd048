"""Log-mel spectrogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power
from fvx_spectral.filterbank import mel_edges_hz, triangles
from fvx_spectral.level import level_db


@dataclass(frozen=True)
class LogMel(Feature):
    """Level in bands spaced as the ear spaces pitches: the picture of a sound.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    n_bands : int
        Number of triangular mel bands (Slaney's scale, unit area), 0 to half the sampling rate.

    Returns
    -------
    float32 array, shape (n_frames, n_bands)
        ``log_mel_0_db``, the lowest band, and so on: decibels re a power of 1 of the transform
        of samples of full scale ±1; at least -100.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If a band is so narrow that it holds no bin of the transform.

    References
    ----------
    Stevens, Volkmann and Newman (1937), "A scale for the measurement of the psychological
    magnitude pitch", Journal of the Acoustical Society of America 8(3).
    Slaney (1998), "Auditory Toolbox, version 2", Interval Research Corporation, report
    1998-010.
    """

    name = "log_mel"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    n_bands: int = 64

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return tuple(f"log_mel_{band}_db" for band in range(self.n_bands))

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return audio.shared(log_mel_db, self.window_s, self.hop_s, self.n_bands)


def log_mel_db(audio: Audio, window_s: float, hop_s: float, n_bands: int) -> NDArray[np.float32]:
    """What ``LogMel`` returns; ask for it through ``audio.shared``."""
    spectrum = audio.shared(power, window_s, hop_s)
    n_fft = 2 * (spectrum.shape[1] - 1)
    weights = triangles(mel_edges_hz(n_bands, audio.rate_hz), n_fft, audio.rate_hz, unit_area=True)
    return level_db(spectrum @ weights)
