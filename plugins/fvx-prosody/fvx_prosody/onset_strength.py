"""The onset_strength feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fvx_spectral.log_mel import log_mel_db
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature


@dataclass(frozen=True)
class OnsetStrength(Feature):
    """How strongly sounds begin at each moment: the rise in level, averaged over the spectrum.

    The mean over mel bands of the increase in decibels since the frame before; a band that falls
    counts as 0. Levels more than ``range_db`` below the clip's highest count as just that, so
    that noise which begins out of digital silence is no onset of 100 dB.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    n_bands : int
        Number of triangular mel bands from 0 to half the sampling rate.
    range_db : float
        How far below the highest level of any band the floor lies, in decibels.

    Returns
    -------
    float32 array, shape (n_frames, 1)
        ``onset_strength_db``, in decibels per frame, at least 0; 0 in the first frame, in
        silence, and in steady sound.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If a band is so narrow that it holds no bin of the transform.

    References
    ----------
    Böck and Widmer (2013), "Maximum filter vibrato suppression for onset detection", DAFx.
    McFee et al. (2015), "librosa: audio and music signal analysis in Python", SciPy, function
    ``onset.onset_strength`` (lag 1, no maximum filter, not shifted by half a window).
    """

    name = "onset_strength"
    columns = ("onset_strength_db",)
    kind = "contour"
    perceptible = True

    window_s: float = 0.025
    hop_s: float = 0.010
    n_bands: int = 64
    range_db: float = 80.0

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        level_db = audio.shared(log_mel_db, self.window_s, self.hop_s, self.n_bands)
        level_db = np.maximum(level_db, level_db.max() - np.float32(self.range_db))
        rise = np.diff(level_db, axis=0)
        strength = np.zeros((len(level_db), 1), np.float32)
        strength[1:, 0] = np.maximum(rise, 0, out=rise).mean(axis=1)
        return strength
