"""Spectral contrast."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power_alone
from fvx_spectral.level import level_db

_BLOCK_FRAMES = 128  # what lies between stays in cache


@dataclass(frozen=True)
class SpectralContrast(Feature):
    """How far the harmonics of a voice stand out from the noise between them, octave by octave.

    Level of a band's strongest bins over that of its weakest.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds. Windows shorter
        than some three pitch periods do not part harmonics.
    n_octaves : int
        Number of octave bands above the lowest band; the last one goes on to half the sampling
        rate.
    lowest_hz : int
        Where the lowest band, from 0 Hz, ends and the first octave begins.
    quantile : float
        Share of a band's bins, at least one, that make its peak and its valley.

    Returns
    -------
    float32 array, shape (n_frames, n_octaves + 1)
        ``contrast_0_200_hz_db`` and so on, ``contrast_6400_hz_up_db`` last: decibels, 0 or more,
        of the mean magnitude of the peak over that of the valley, either at least 1e-5; 0 in
        digital silence and in bands above half the sampling rate.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Jiang, Lu, Zhang, Tao and Cai (2002), "Music type classification by spectral contrast
    feature", ICME.
    """

    name = "spectral_contrast"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.064
    hop_s: float = 0.010
    n_octaves: int = 6
    lowest_hz: int = 200
    quantile: float = 0.02

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        edges = self._edges_hz()
        return (
            *(f"contrast_{lower}_{upper}_hz_db" for lower, upper in pairwise(edges)),
            f"contrast_{edges[-1]}_hz_up_db",
        )

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        spectrum = audio.shared(power_alone, self.window_s, self.hop_s)
        n_bins = spectrum.shape[1]
        bin_hz = audio.rate_hz / 2 / (n_bins - 1)
        edges_hz = self._edges_hz()
        values = np.zeros((len(spectrum), len(edges_hz)), np.float32)
        for band, lower_hz in enumerate(edges_hz):
            if lower_hz >= audio.rate_hz / 2:
                break
            # As in librosa: from the last bin below the lower edge on, and the number that make
            # a peak counted with the last bin at or below the upper edge.
            first = max(0, int(np.ceil(lower_hz / bin_hz)) - 1)
            end, count_to = n_bins, n_bins
            if band < self.n_octaves:
                end = min(n_bins, int(edges_hz[band + 1] / bin_hz))
                count_to = end + 1
            n_extreme = max(1, round(self.quantile * (count_to - first)))
            for start in range(0, len(spectrum), _BLOCK_FRAMES):
                rows = slice(start, start + _BLOCK_FRAMES)
                values[rows, band] = _contrast_db(spectrum[rows, first:end], n_extreme)
        return values

    def _edges_hz(self) -> list[int]:
        return [0, *(self.lowest_hz * 2**octave for octave in range(self.n_octaves))]


def _contrast_db(band: NDArray[np.float32], n_extreme: int) -> NDArray[np.float32]:
    rising = np.sort(band, axis=1)
    valley = np.sqrt(rising[:, :n_extreme]).mean(axis=1)
    peak = np.sqrt(rising[:, -n_extreme:]).mean(axis=1)
    contrast: NDArray[np.float32] = level_db(peak**2) - level_db(valley**2)
    return contrast
