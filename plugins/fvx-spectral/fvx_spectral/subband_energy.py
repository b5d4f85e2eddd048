"""Energy in broad bands over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import FeatureError
from fvx.signal import power
from fvx_spectral.bands import band_columns, band_weights
from fvx_spectral.level import level_db


@dataclass(frozen=True)
class SubbandEnergy(Feature):
    """How loud the bass, the middle and the treble are, and how they share the energy.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    edges_hz : tuple of int
        Edges of the bands, rising, in whole hertz; half the sampling rate, if in a band, ends it.

    Returns
    -------
    float32 array, shape (n_frames, 2 * n_bands)
        ``level_0_250_hz_db`` and so on, decibels re a mean square of 1 (a sine of full scale ±1
        is at -3), at least -100; then ``share_0_250_hz`` and so on, the energy of the band over
        that of all bands, 0 to 1. In digital silence, and in bands above half the sampling rate,
        -100 and 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If the edges do not rise.

    References
    ----------
    Liu, Wang and Chen (1998), "Audio feature extraction and analysis for scene segmentation and
    classification", Journal of VLSI Signal Processing 20.
    Lu, Zhang and Jiang (2002), "Content analysis for audio classification and segmentation",
    IEEE Transactions on Speech and Audio Processing 10(7).
    """

    name = "subband_energy"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    edges_hz: tuple[int, ...] = (0, 250, 500, 1000, 2000, 3000, 4000, 6000, 8000)

    def __post_init__(self) -> None:
        edges = tuple(self.edges_hz)  # a list, when it comes out of a file
        if len(edges) < 2 or edges[0] < 0 or (np.diff(edges) <= 0).any():
            raise FeatureError(f"edges_hz must rise from 0 or more, got {edges}")
        object.__setattr__(self, "edges_hz", edges)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        levels = band_columns("level", self.edges_hz, "_db")
        return levels + band_columns("share", self.edges_hz, "")

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        spectrum = audio.shared(power, self.window_s, self.hop_s)
        n_fft = 2 * (spectrum.shape[1] - 1)
        window = scipy.signal.get_window("hann", round(self.window_s * audio.rate_hz))
        energy = spectrum @ band_weights(self.edges_hz, n_fft, audio.rate_hz)
        energy /= np.float32(n_fft * (window @ window))
        total = energy.sum(axis=1, keepdims=True)
        shares = np.zeros_like(energy)
        np.divide(energy, total, out=shares, where=total >= np.finfo(np.float32).tiny)
        return np.concatenate([level_db(energy), shares], axis=1)
