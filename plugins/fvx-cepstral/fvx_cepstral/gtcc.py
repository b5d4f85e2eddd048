"""Gammatone cepstral coefficients: GTCC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from fvx_spectral.level import level_db
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.errors import FeatureError
from fvx.signal import power
from fvx_cepstral.deltas import cepstral_columns, with_slopes
from fvx_cepstral.gammatone import gammatone_weights


@dataclass(frozen=True)
class Gtcc(Feature):
    """Shape of the spectrum as the ear's own filters pass it on, and how it moves.

    Power in gammatone bands (peak response 1, centres equally far apart in equivalent
    rectangular bandwidths, from ``lowest_hz`` to half the sampling rate), in decibels,
    orthonormal DCT-II, of which the first coefficients are kept.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.
    n_bands : int
        Number of gammatone bands.
    lowest_hz : float
        Centre of the lowest band.
    n_coefficients : int
        Static coefficients kept, the zeroth included.
    delta_reach : int
        Frames to each side over which a slope is fitted.

    Returns
    -------
    float32 array, shape (n_frames, 3 * n_coefficients)
        ``gtcc_0`` and so on, in decibels; their slopes per frame, ``gtcc_0_delta`` and so on;
        the slopes of these, ``gtcc_0_delta2`` and so on. Bands below -100 dB count as -100 dB.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If the lowest band does not lie between 0 Hz and half the sampling rate.

    Notes
    -----
    The responses, squared, weight the power spectrum that other features share. From 200 Hz up
    this gives the same levels as filtering the samples; below, the window is shorter than the
    filters' own response, and blurs what they would part. Logarithms and not the cubic roots of
    some of the literature are taken, so that gain moves the zeroth coefficient alone.

    References
    ----------
    Valero and Alías (2012), "Gammatone cepstral coefficients: biologically inspired features
    for non-speech audio classification", IEEE Transactions on Multimedia 14(6).
    """

    name = "gtcc"
    kind = "matrix"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010
    n_bands: int = 64
    lowest_hz: float = 50.0
    n_coefficients: int = 20
    delta_reach: int = 4

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # they follow a setting
        return cepstral_columns(self.name, self.n_coefficients)

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        if not 0 <= self.lowest_hz < audio.rate_hz / 2:
            raise FeatureError(
                f"lowest_hz must lie between 0 and {audio.rate_hz / 2} Hz, got {self.lowest_hz}"
            )
        spectrum = audio.shared(power, self.window_s, self.hop_s)
        n_fft = 2 * (spectrum.shape[1] - 1)
        weights = gammatone_weights(self.n_bands, self.lowest_hz, n_fft, audio.rate_hz)
        static = scipy.fft.dct(level_db(spectrum @ weights), axis=1, norm="ortho")
        return with_slopes(static[:, : self.n_coefficients], self.delta_reach)
