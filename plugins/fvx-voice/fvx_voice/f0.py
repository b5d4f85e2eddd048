"""The f0 feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.pitch import PitchSettings, pitch_track


@dataclass(frozen=True)
class F0(Feature):
    """How high the voice is: the fundamental frequency, and where there is one.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for; a frame is three longest periods long.
    hop_s : float
        Step between frames, in seconds.
    silence_threshold, voicing_threshold : float
        A frame is voiced if its peak reaches about the first as a share of the clip's, and
        its autocorrelation about the second.
    octave_cost, octave_jump_cost, voiced_unvoiced_cost : float
        Preference for high pitch, and price of jumps and of changes of voicing along the path.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``f0_hz``, in hertz, within [floor_hz, ceiling_hz], 0 where unvoiced; ``voiced``, 1 or 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110.
    """

    name = "f0"
    columns = ("f0_hz", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010
    silence_threshold: float = 0.03
    voicing_threshold: float = 0.45
    octave_cost: float = 0.01
    octave_jump_cost: float = 0.35
    voiced_unvoiced_cost: float = 0.14

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        track = audio.shared(pitch_track, PitchSettings(**self.settings))
        return np.stack([track.f0_hz, track.voiced.astype(np.float32)], axis=1)
