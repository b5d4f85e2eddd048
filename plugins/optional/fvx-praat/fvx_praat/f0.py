"""Praat's pitch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_praat.praat import ask, exact_hop_s, framed_sound

_PERIODS_PER_WINDOW = 3


@dataclass(frozen=True)
class PraatF0(Feature):
    """How high the voice is, as Praat hears it.

    ``To Pitch (ac)`` with Praat's standard settings: 15 candidates, not very accurate, silence
    threshold 0.03, voicing threshold 0.45, octave cost 0.01, octave-jump cost 0.35,
    voiced/unvoiced cost 0.14. Silence is put before and after the clip, so that frames lie
    where fvx has them.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``f0_hz``, in hertz, 0 where unvoiced; ``voiced``, 1 or 0.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s, or Praat refuses it.

    References
    ----------
    Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Sound: To Pitch
    (ac)..."; through Jadoul, Thompson and de Boer (2018), "Introducing Parselmouth: a Python
    interface to Praat", Journal of Phonetics 71.
    """

    name = "praat_f0"
    columns = ("f0_hz", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        hop_s = exact_hop_s(audio, self.hop_s)
        padded = framed_sound(audio, _PERIODS_PER_WINDOW / self.floor_hz, hop_s)
        thresholds = (0.03, 0.45, 0.01, 0.35, 0.14)
        settings = (hop_s, self.floor_hz, 15, "no", *thresholds, self.ceiling_hz)
        pitch = ask(padded, "To Pitch (ac)", *settings)
        f0_hz = pitch.selected_array["frequency"]
        return np.stack([f0_hz, f0_hz > 0], axis=1).astype(np.float32)
