"""openSMILE's statistics over a whole clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx import Audio, Feature
from fvx_opensmile.smile import columns, process


@dataclass(frozen=True)
class Egemaps(Feature):
    """openSMILE's 88 voice measures of a clip: pitch, loudness, formants, spectral balance.

    Research use only: openSMILE's licence allows no commercial use without audEERING's leave.

    Returns
    -------
    float32 array, shape (1, 88)
        The functionals of eGeMAPSv02, in openSMILE's units: pitch in semitones above 27.5 Hz,
        formants in hertz, shimmer, HNR and level ratios in decibels, lengths in seconds, rates
        per second, alpha ratio and Hammarberg index in decibels. Names are openSMILE's own in
        lower case. openSMILE's own values where a quantity does not exist; 0 where it gives none.

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

    name = "egemaps"
    kind = "per_clip"
    perceptible = True
    hop_s = None

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # openSMILE knows them
        return columns("eGeMAPSv02", "Functionals")

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return process(audio, "eGeMAPSv02", "Functionals")


@dataclass(frozen=True)
class Emobase(Feature):
    """openSMILE's 988 statistics made for emotion: level, pitch, line spectra, cepstra.

    Research use only: openSMILE's licence allows no commercial use without audEERING's leave.

    Returns
    -------
    float32 array, shape (1, 988)
        The functionals of emobase, in openSMILE's units. Names are openSMILE's own in lower
        case. openSMILE's own values where a quantity does not exist; 0 where it gives none.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.

    References
    ----------
    Eyben, Wöllmer and Schuller (2010), "openSMILE: the Munich versatile and fast open-source
    audio feature extractor", ACM Multimedia.
    """

    name = "emobase"
    kind = "per_clip"
    perceptible = False
    hop_s = None

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # openSMILE knows them
        return columns("emobase", "Functionals")

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return process(audio, "emobase", "Functionals")


@dataclass(frozen=True)
class Compare2016(Feature):
    """openSMILE's 6,373 statistics made for the paralinguistic challenges: brute force.

    Research use only: openSMILE's licence allows no commercial use without audEERING's leave.

    Returns
    -------
    float32 array, shape (1, 6373)
        The functionals of ComParE 2016, in openSMILE's units. Names are openSMILE's own in lower
        case. openSMILE's own values where a quantity does not exist; 0 where it gives none.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.

    References
    ----------
    Schuller et al. (2016), "The INTERSPEECH 2016 computational paralinguistics challenge:
    deception, sincerity and native language", Interspeech.
    Eyben, Wöllmer and Schuller (2010), "openSMILE: the Munich versatile and fast open-source
    audio feature extractor", ACM Multimedia.
    """

    name = "compare2016"
    kind = "per_clip"
    perceptible = False
    hop_s = None

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]  # openSMILE knows them
        return columns("ComParE_2016", "Functionals")

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return process(audio, "ComParE_2016", "Functionals")
