"""The pitch_fluctuation feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fvx_voice.pitch import PitchSettings, pitch_track
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature


@dataclass(frozen=True)
class PitchFluctuation(Feature):
    """How fast the pitch rises or falls, from each moment to the next.

    ``12 log2(F0[k] / F0[k - 1]) / hop_s``: the same melody moves as fast in a high voice as in
    a low one. Listeners begin to hear a glide, rather than a pitch, at ``0.16 / T**2`` semitones
    per second in a vowel of T seconds: 16 in one of 100 ms.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for; a frame is three longest periods long.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``pitch_change_semitones_per_s``, above 0 where the pitch rises, 0 where undefined;
        ``voiced``, 1 where both this frame and the one before are voiced, so that there is a
        change of pitch, otherwise 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    't Hart (1981), "Differential sensitivity to pitch distance, particularly in speech",
    Journal of the Acoustical Society of America 69(3), 811-821.
    d'Alessandro and Mertens (1995), "Automatic pitch contour stylization using a model of tonal
    perception", Computer Speech and Language 9(3), 257-288.
    """

    name = "pitch_fluctuation"
    columns = ("pitch_change_semitones_per_s", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz, self.hop_s)
        track = audio.shared(pitch_track, settings)
        values = np.zeros((len(track.f0_hz), 2), np.float32)
        both = 1 + np.flatnonzero(track.voiced[1:] & track.voiced[:-1])
        octaves = np.log2(track.f0_hz[both] / track.f0_hz[both - 1])
        values[both, 0] = 12 / self.hop_s * octaves
        values[both, 1] = 1
        return values
