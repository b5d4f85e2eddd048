"""Praat's formants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_praat.praat import ask, exact_hop_s, framed_sound

_N_FORMANTS = 4


@dataclass(frozen=True)
class PraatFormants(Feature):
    """Where the vocal tract resonates, as Praat finds it: what makes one vowel differ from another.

    ``To Formant (burg)`` with Praat's standard settings: five formants, pre-emphasis from 50 Hz.
    Silence is put before and after the clip, so that frames lie where fvx has them.

    Parameters
    ----------
    ceiling_hz : float
        The five formants are looked for below; 5,500 suits women, 5,000 men.
    window_s, hop_s : float
        Effective length of a frame (its Gaussian is twice as long), and step between frames, in
        seconds.

    Returns
    -------
    float32 array, shape (n_frames, 9)
        ``f1_hz`` to ``f4_hz``, frequencies, and ``b1_hz`` to ``b4_hz``, bandwidths, in hertz, 0
        where Praat finds no such formant; ``defined``, 1 where it finds all four, else 0. They
        mean little where nobody speaks.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s, or Praat refuses it.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Sound: To Formant
    (burg)..."; through Jadoul, Thompson and de Boer (2018), "Introducing Parselmouth: a Python
    interface to Praat", Journal of Phonetics 71.
    """

    name = "praat_formants"
    columns = (
        *(f"f{number + 1}_hz" for number in range(_N_FORMANTS)),
        *(f"b{number + 1}_hz" for number in range(_N_FORMANTS)),
        "defined",
    )
    kind = "matrix"
    perceptible = True

    ceiling_hz: float = 5500.0
    window_s: float = 0.025
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        hop_s = exact_hop_s(audio, self.hop_s)
        padded = framed_sound(audio, 2 * self.window_s, hop_s)
        settings = (hop_s, 5, self.ceiling_hz, self.window_s, 50)
        formants = ask(padded, "To Formant (burg)", *settings)
        values = np.empty((audio.n_frames(self.hop_s), len(self.columns)), np.float32)
        times_s = np.arange(len(values)) * hop_s
        for number in range(_N_FORMANTS):
            for column, value in (
                (number, formants.get_value_at_time),
                (number + _N_FORMANTS, formants.get_bandwidth_at_time),
            ):
                values[:, column] = [value(number + 1, time_s) for time_s in times_s]
        values[:, -1] = np.isfinite(values[:, :-1]).all(axis=1)
        return np.nan_to_num(values, copy=False)
