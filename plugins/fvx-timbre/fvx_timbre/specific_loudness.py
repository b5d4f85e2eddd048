"""The specific_loudness feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_timbre.loudness import BAND_BARK, HOP_S, loudness

N_BANDS = 24  # the critical bands that the ear has
_PER_BAND = round(1 / BAND_BARK)  # bands of the model in each


@dataclass(frozen=True)
class SpecificLoudness(Feature):
    """How loud each critical band of the ear sounds at each moment.

    The clip is taken to be played at 65 dB, so that the level of the recording does not count.
    Zwicker's model, simplified as in ``timbre``; a sound also spreads to the bands around it, more
    to those above. Over the bands, the sum is the loudness of ``timbre_contour``.

    Returns
    -------
    float32 array, shape (n_frames, 24)
        ``loudness_0_1_bark_sone`` and so on up to 24 Bark (15.5 kHz): loudness of each band in
        sone, which is its mean specific loudness in sone per Bark, since it is one Bark wide;
        0 where nothing is heard. Bands over half the sampling rate (at 16 kHz from 22 Bark, at 8
        kHz from 18 Bark) have no sound of their own, only what spreads to them.

    Raises
    ------
    AudioError
        If the clip is shorter than one window of 25 ms.

    References
    ----------
    Zwicker, Fastl, Widmann, Kurakata, Kuwano and Namba (1991), "Program for calculating
    loudness according to DIN 45631 (ISO 532B)", Journal of the Acoustical Society of Japan (E)
    12(1).
    """

    name = "specific_loudness"
    columns = tuple(f"loudness_{bark}_{bark + 1}_bark_sone" for bark in range(N_BANDS))
    kind = "matrix"
    perceptible = True
    hop_s = HOP_S

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        specific = audio.shared(loudness).specific
        bands: NDArray[np.float32] = specific.reshape(len(specific), N_BANDS, _PER_BAND).sum(axis=2)
        bands *= np.float32(BAND_BARK)
        return bands
