"""The voicing feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fvx_voice.pitch import PitchSettings, pitch_track
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_prosody.activity import runs


@dataclass(frozen=True)
class Voicing(Feature):
    """How much of the speech is voiced, and how long the voice holds on between breaks.

    A run is an unbroken series of frames that have a pitch. Everything is relative to the time
    from the first voiced frame to the last, so that silence around the speech does not count.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for; a frame is three longest periods long.

    Returns
    -------
    float32 array, shape (1, 5)
        ``voiced_ratio``, within [0, 1]; ``voiced_runs_per_s``; ``voiced_run_mean_s`` and
        ``voiced_run_sd_s`` of their lengths; ``defined``, 1 or 0. All are 0 when nothing is
        voiced.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "Voice 1. Voice
    breaks".
    Dellwo, Fourcin and Abberton (2007), "Rhythmical classification of languages based on voice
    parameters", ICPhS (lengths of voiced and unvoiced stretches).
    """

    name = "voicing"
    columns = (
        "voiced_ratio",
        "voiced_runs_per_s",
        "voiced_run_mean_s",
        "voiced_run_sd_s",
        "defined",
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        track = audio.shared(pitch_track, PitchSettings(self.floor_hz, self.ceiling_hz))
        return self.measure(track.voiced, track.hop_s)

    def measure(self, voiced: NDArray[np.bool_], hop_s: float) -> NDArray[np.float32]:
        """Values for frames known to be voiced or not, shape (1, 5)."""
        start, stop = runs(voiced)
        if not len(start):
            return np.zeros((1, 5), np.float32)
        span, length = stop[-1] - start[0], stop - start
        rate = len(length) / (span * hop_s)
        mean_s, sd_s = length.mean() * hop_s, length.std() * hop_s
        return np.array([[length.sum() / span, rate, mean_s, sd_s, 1.0]], np.float32)
