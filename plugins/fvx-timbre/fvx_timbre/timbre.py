"""The timbre feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fvx_voice.pitch import PitchSettings, PitchTrack, pitch_track
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx.signal import power
from fvx_timbre.attack import hardness_per_s, reverberance_s
from fvx_timbre.loudness import HOP_S, WINDOW_S
from fvx_timbre.roughness import roughness_asper
from fvx_timbre.spectrum import share, shares

WARM_HARMONICS = 3.5  # up to which energy makes a voice warm, in multiples of its pitch


@dataclass(frozen=True)
class Timbre(Feature):
    """How the sound would be described: bright, sharp, rough, warm, boomy, deep, hard, roomy.

    The eight words of the AudioCommons timbral models, each measured by one published
    quantity rather than by a regression on listeners' ratings. The clip is taken to be
    played at 65 dB, so that the level of the recording does not count. Loudness follows
    Zwicker's model, simplified.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for; only ``warmth_percent`` rests on it.

    Returns
    -------
    float32 array, shape (1, 9)
        - ``brightness_percent``: share of the energy above 2 kHz.
        - ``sharpness_acum``: centre of gravity of loudness over critical bands, with the high
          ones weighted up (DIN 45692); 1 for a critical band of noise at 1 kHz.
        - ``roughness_asper``: share of the envelopes that beats at around 70 Hz; 1 for a
          tone of 1 kHz fully modulated at 70 Hz. A low creaking voice is rough, a high one is
          not.
        - ``warmth_percent``: share of the energy of voiced frames up to 3.5 times the pitch, in
          the first three harmonics.
        - ``boominess_percent``: share of the loudness below 280 Hz.
        - ``depth_percent``: share of the energy between 30 and 200 Hz.
        - ``hardness_per_s``: how fast loudness rises where it rises, in full loudness per
          second; 1 / T for sounds that grow evenly in T seconds, at most 100.
        - ``reverberance_s``: time in which the fastest free decays would fall by 60 dB; 0 where
          nothing decays freely. Dry speech has 0.2; speech in rooms of 0.3, 0.6 and 1.0 s
          reads 0.28, 0.5 and 0.6.
        - ``defined``: 1 if there is sound, a voice, and a free decay, so that all of them
          exist; otherwise 0, and those that do not exist are 0.

    Raises
    ------
    AudioError
        If the clip is shorter than three longest periods, or ``ceiling_hz`` lies above a
        quarter of the sampling rate.

    References
    ----------
    Pearce, Brookes and Mason (2017), "Timbral attributes for sound effect library searching",
    AES conference on semantic audio (the words).
    DIN 45692 (2009), "Simulation of the auditory sensation sharpness".
    Daniel and Weber (1997), "Psychoacoustical roughness: implementation of an optimized model",
    Acustica 83.
    Williams and Brookes (2010), "Perceptually motivated audio morphing: warmth", AES
    convention 128.
    Hatano and Hashimoto (2000), "Booming index as a measure for evaluating booming sensation",
    Inter-noise.
    Peeters et al. (2011), "The Timbre Toolbox", Journal of the Acoustical Society of America
    130(5) (attack).
    Ratnam et al. (2003), "Blind estimation of reverberation time", Journal of the Acoustical
    Society of America 114(5).
    """

    name = "timbre"
    columns = (
        "brightness_percent",
        "sharpness_acum",
        "roughness_asper",
        "warmth_percent",
        "boominess_percent",
        "depth_percent",
        "hardness_per_s",
        "reverberance_s",
        "defined",
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz, HOP_S)
        track = audio.shared(pitch_track, settings)
        parts = audio.shared(shares)
        if not parts.energy.any():
            return np.zeros((1, 9), np.float32)
        decay_s = reverberance_s(parts.energy)
        return np.array(
            [
                [
                    100 * share(parts.bright, parts.energy),
                    share(parts.sharp, parts.loudness),
                    roughness_asper(audio),
                    100 * _warmth(audio, track),
                    100 * share(parts.boomy, parts.loudness),
                    100 * share(parts.deep, parts.energy),
                    hardness_per_s(parts.loudness),
                    decay_s,
                    float(track.voiced.any() and decay_s > 0),
                ]
            ],
            np.float32,
        )


def _warmth(audio: Audio, track: PitchTrack) -> float:
    """Share of the energy of voiced frames up to 3.5 times the pitch; 0 without a voice."""
    rows = np.flatnonzero(track.voiced)
    if not len(rows):
        return 0.0
    spectrum = audio.shared(power, WINDOW_S, HOP_S)
    step_hz = audio.rate_hz / (2 * (spectrum.shape[1] - 1))
    last = np.rint(WARM_HARMONICS * track.f0_hz[rows] / step_hz).astype(np.intp)
    running = np.cumsum(spectrum[rows, 1 : last.max() + 1], axis=1)
    warm = running[np.arange(len(rows)), np.minimum(last, running.shape[1]) - 1]
    return share(warm, audio.shared(shares).energy[rows])
