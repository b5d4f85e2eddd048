"""Praat's harmonics-to-noise ratio."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_praat.praat import ask, exact_hop_s, framed_sound

_NONE_DB = -199.0  # Praat writes -200 where there is no periodicity


@dataclass(frozen=True)
class PraatHnr(Feature):
    """How clear the voice is, as Praat hears it: energy of its harmonics over that of the noise.

    ``To Harmonicity (cc)`` with Praat's standard settings: silence threshold 0.1, one period per
    window. Silence is put before and after the clip, so that frames lie where fvx has them.

    Parameters
    ----------
    floor_hz : float
        Lowest pitch looked for.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``hnr_db``, in decibels, 0 where Praat finds no periodicity; ``voiced``, 1 or 0.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s, or Praat refuses it.

    References
    ----------
    Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Sound: To Harmonicity
    (cc)..."; through Jadoul, Thompson and de Boer (2018), "Introducing Parselmouth: a Python
    interface to Praat", Journal of Phonetics 71.
    """

    name = "praat_hnr"
    columns = ("hnr_db", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        hop_s = exact_hop_s(audio, self.hop_s)
        padded = framed_sound(audio, 2 / self.floor_hz, hop_s)  # one period, and its neighbour
        harmonicity = ask(padded, "To Harmonicity (cc)", hop_s, self.floor_hz, 0.1, 1.0)
        hnr_db = harmonicity.values[0]
        voiced = hnr_db > _NONE_DB
        return np.stack([np.where(voiced, hnr_db, 0), voiced], axis=1).astype(np.float32)
