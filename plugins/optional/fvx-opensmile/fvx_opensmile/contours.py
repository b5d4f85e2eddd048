"""openSMILE's measures over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_opensmile.smile import columns, process

_FEATURE_SET = "eGeMAPSv02"
_HOP_S = 0.010  # what the feature set is made with
_CENTRE_S = 0.010  # of its 20 ms frames, after they begin
_LONGEST_FRAME_S = 0.060


@dataclass(frozen=True)
class EgemapsContour(Feature):
    """openSMILE's 25 voice measures over time: pitch, loudness, formants, spectral balance.

    Research use only: openSMILE's licence allows no commercial use without audEERING's leave.

    Returns
    -------
    float32 array, shape (n_frames, 25)
        The low-level descriptors of eGeMAPSv02, in openSMILE's units, 0 in unvoiced frames for
        those that need a pitch. Names are openSMILE's own in lower case. Silence is put before
        and after the clip, so that the 20 ms frames (loudness, spectrum) are centred at
        ``k * 10 ms``; the 60 ms frames (pitch and what rests on it) begin with them, and so look
        20 ms further ahead.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.

    References
    ----------
    Eyben et al. (2016), "The Geneva minimalistic acoustic parameter set (GeMAPS) for voice
    research and affective computing", IEEE Transactions on Affective Computing 7(2).
    Eyben, Wöllmer and Schuller (2010), "openSMILE: the Munich versatile and fast open-source
    audio feature extractor", ACM Multimedia.
    """

    name = "egemaps_contour"
    kind = "matrix"
    perceptible = True
    hop_s = _HOP_S

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # openSMILE knows them
        return columns(_FEATURE_SET, "LowLevelDescriptors")

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        after_s = _LONGEST_FRAME_S + _HOP_S
        values = process(audio, _FEATURE_SET, "LowLevelDescriptors", _CENTRE_S, after_s)
        # The law's hop is a whole number of samples, openSMILE's frames are 10 ms apart.
        hop_s = max(1, round(_HOP_S * audio.rate_hz)) / audio.rate_hz
        nearest = np.rint(np.arange(audio.n_frames(_HOP_S)) * (hop_s / _HOP_S)).astype(int)
        picked: NDArray[np.float32] = values[np.minimum(nearest, len(values) - 1)]
        return picked
