"""Spectral flux."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx.signal import power

_BLOCK_FRAMES = 128  # what lies between stays in cache


@dataclass(frozen=True)
class SpectralFlux(Feature):
    """How much the shape of the spectrum changes from one frame to the next.

    The classical flux: the Euclidean distance between the magnitude spectra of successive
    frames, each scaled to unit Euclidean length, so that loudness alone does not count.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a Hann-windowed frame, and step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 1)
        ``spectral_flux``, dimensionless, within [0, √2]: 0 for the same spectrum at any level
        and for the first frame, √2 for two spectra with no frequency in common. The spectrum of
        digital silence is taken as zeros: 0 within it, 1 where sound begins or ends.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.

    References
    ----------
    Scheirer and Slaney (1997), "Construction and evaluation of a robust multifeature
    speech/music discriminator", ICASSP.
    Tzanetakis and Cook (2002), "Musical genre classification of audio signals", IEEE
    Transactions on Speech and Audio Processing 10(5).
    """

    name = "spectral_flux"
    columns = ("spectral_flux",)
    kind = "contour"
    perceptible = False

    window_s: float = 0.025
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        spectrum = audio.shared(power, self.window_s, self.hop_s)
        flux = np.zeros((len(spectrum), 1), np.float32)
        for start in range(0, len(spectrum) - 1, _BLOCK_FRAMES):
            shape = np.sqrt(spectrum[start : start + _BLOCK_FRAMES + 1])
            length = np.linalg.norm(shape, axis=1, keepdims=True)
            np.divide(shape, length, out=shape, where=length > 0)
            change = np.diff(shape, axis=0)
            flux[start + 1 : start + 1 + len(change), 0] = np.linalg.norm(change, axis=1)
        return flux
