"""Praat's intensity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_praat.praat import ask, exact_hop_s, framed_sound

_WINDOW_PERIODS = 6.4


@dataclass(frozen=True)
class PraatIntensity(Feature):
    """How loud each moment is, as Praat hears it.

    ``To Intensity``, the mean subtracted. Silence is put before and after the clip, so that
    frames lie where fvx has them, and those near the ends are fainter for it.

    Parameters
    ----------
    floor_hz : float
        Lowest pitch whose periods shall not show as ripple.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 1)
        ``intensity_db``, in decibels re 2e-5, full scale being 1: 90.97 for a full-scale sine;
        at least 0, where Praat writes down to -300 for digital silence.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s, or Praat refuses it.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Sound: To
    Intensity..."; through Jadoul, Thompson and de Boer (2018), "Introducing Parselmouth: a Python
    interface to Praat", Journal of Phonetics 71.
    """

    name = "praat_intensity"
    columns = ("intensity_db",)
    kind = "contour"
    perceptible = True

    floor_hz: float = 100.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        hop_s = exact_hop_s(audio, self.hop_s)
        padded = framed_sound(audio, _WINDOW_PERIODS / self.floor_hz, hop_s)
        intensity = ask(padded, "To Intensity", self.floor_hz, hop_s, "yes")
        values: NDArray[np.float32] = np.maximum(intensity.values[0], 0).astype(np.float32)
        return values[:, np.newaxis]
