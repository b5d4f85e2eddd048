"""Long-term average spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.audio import MIN_RATE_HZ
from fvx.errors import AudioError
from fvx.signal import power
from fvx_spectral.bands import band_columns, band_weights
from fvx_spectral.level import FLOOR_DB, FLOOR_POWER

_TILT_HZ = (100.0, 5000.0)


@dataclass(frozen=True)
class Ltas(Feature):
    """Average spectrum of the whole clip: how the voice is balanced between bass and treble.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between the frames averaged, in seconds.
        Powers are averaged, so that loud speech counts and pauses do not.
    band_hz, n_bands : int
        Width and number of the bands, from 0 Hz up.

    Returns
    -------
    float32 array, shape (1, n_bands + 4)
        ``level_0_500_hz_db`` and so on: decibels re the energy of the whole spectrum, at least
        -100. ``slope_db``: mean power per hertz at 1 to 4 kHz re that at 0 to 1 kHz.
        ``tilt_db_per_octave``: the straight line fitted to the level per bin, 100 Hz to 5 kHz,
        over the logarithm of frequency. ``alpha_ratio_db``: energy at 1 to 5 kHz re that at 50
        Hz to 1 kHz. ``hammarberg_index_db``: the largest level per bin up to 2 kHz re the
        largest from 2 to 5 kHz. Gain moves none of them. Spectra that end below 5 kHz count
        up to where they end. In digital silence the levels are -100, the others 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one window, or sampled below 4 kHz.

    References
    ----------
    Löfqvist and Mandersson (1987), "Long-time average spectrum of speech and voice analysis",
    Folia Phoniatrica 39.
    Praat manual, "Ltas: Get slope...".
    Frøkjær-Jensen and Prytz (1976), "Registration of voice quality", Brüel & Kjær Technical
    Review 3: alpha ratio.
    Hammarberg, Fritzell, Gauffin, Sundberg and Wedin (1980), "Perceptual and acoustic
    correlates of abnormal voice qualities", Acta Oto-Laryngologica 90.
    """

    name = "ltas"
    kind = "per_clip"
    perceptible = False
    hop_s = None

    window_s: float = 0.025
    step_s: float = 0.010
    band_hz: int = 500
    n_bands: int = 16

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return (
            *band_columns("level", self._edges_hz(), "_db"),
            *("slope_db", "tilt_db_per_octave", "alpha_ratio_db", "hammarberg_index_db"),
        )

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if audio.rate_hz < MIN_RATE_HZ:
            raise AudioError(f"sampled at {audio.rate_hz} Hz; at least {MIN_RATE_HZ} needed")
        spectrum = audio.shared(power, self.window_s, self.step_s)
        mean = spectrum.mean(axis=0, dtype=np.float64)
        weights = band_weights(self._edges_hz(), 2 * (len(mean) - 1), audio.rate_hz)
        values = np.zeros((1, len(self.columns)), np.float32)
        values[:, : self.n_bands] = FLOOR_DB
        total = 2 * mean.sum() - mean[0] - mean[-1]  # weighted as the bands are
        if total > 0:
            share = mean / total
            values[0, : self.n_bands] = _level_db(share @ weights)
            hz = np.linspace(0.0, audio.rate_hz / 2, len(mean))
            values[0, self.n_bands :] = _balance(np.maximum(share, FLOOR_POWER), hz)
        return values

    def _edges_hz(self) -> tuple[int, ...]:
        return tuple(self.band_hz * band for band in range(self.n_bands + 1))


def _balance(share: NDArray[np.float64], hz: NDArray[np.float64]) -> tuple[float, ...]:
    """Slope, tilt, alpha ratio and Hammarberg index of the average spectrum."""

    def band(lower_hz: float, upper_hz: float) -> NDArray[np.float64]:
        return share[(hz >= lower_hz) & (hz <= upper_hz)]

    within = (hz >= _TILT_HZ[0]) & (hz <= _TILT_HZ[1])
    octave = np.log2(hz[within])
    octave -= octave.mean()
    return (
        float(_level_db(band(1000, 4000).mean()) - _level_db(band(0, 1000).mean())),
        float(octave @ _level_db(share[within]) / (octave @ octave)),
        float(_level_db(band(1000, 5000).sum()) - _level_db(band(50, 1000).sum())),
        float(_level_db(band(0, 2000).max()) - _level_db(band(2000, 5000).max())),
    )


def _level_db(share: Any) -> NDArray[np.float64]:
    level: NDArray[np.float64] = 10 * np.log10(np.maximum(share, FLOOR_POWER))
    return level
