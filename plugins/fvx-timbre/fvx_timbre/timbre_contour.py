"""The timbre_contour feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_timbre.loudness import HOP_S
from fvx_timbre.spectrum import shares

AUDIBLE_SONE = 0.1


@dataclass(frozen=True)
class TimbreContour(Feature):
    """How bright, sharp, boomy and deep each moment sounds.

    The four qualities of ``timbre`` that a moment can have, by the same definitions, and how
    loud it is. Over the clip, their means weighted with energy (brightness, depth) or loudness
    (sharpness, boominess) are the values of ``timbre``.

    Returns
    -------
    float32 array, shape (n_frames, 6)
        ``loudness_sone``, the clip played at 65 dB; ``brightness_percent`` and
        ``depth_percent``, shares of the energy above 2 kHz and from 30 to 200 Hz;
        ``sharpness_acum``; ``boominess_percent``, share of the loudness below 280 Hz;
        ``defined``, 1 where the loudness reaches 0.1 sone. Elsewhere all but loudness are 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one window of 25 ms.

    References
    ----------
    Pearce, Brookes and Mason (2017), "Timbral attributes for sound effect library searching",
    AES conference on semantic audio (the words).
    DIN 45692 (2009), "Simulation of the auditory sensation sharpness".
    Hatano and Hashimoto (2000), "Booming index as a measure for evaluating booming sensation",
    Inter-noise.
    """

    name = "timbre_contour"
    columns = (
        "loudness_sone",
        "brightness_percent",
        "sharpness_acum",
        "boominess_percent",
        "depth_percent",
        "defined",
    )
    kind = "matrix"
    perceptible = True
    hop_s = HOP_S

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        parts = audio.shared(shares)
        values = np.zeros((len(parts.energy), 6), np.float32)
        values[:, 0] = parts.loudness
        rows = np.flatnonzero(parts.loudness >= AUDIBLE_SONE)
        energy, loudness = parts.energy[rows], parts.loudness[rows]
        values[rows, 1] = 100 * parts.bright[rows] / energy
        values[rows, 2] = parts.sharp[rows] / loudness
        values[rows, 3] = 100 * parts.boomy[rows] / loudness
        values[rows, 4] = 100 * parts.deep[rows] / energy
        values[rows, 5] = 1
        return values
