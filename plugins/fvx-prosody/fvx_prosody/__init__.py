"""Features of how something is said, whoever says it."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_prosody.amplitude import Amplitude
from fvx_prosody.breath import Breath
from fvx_prosody.intensity import Intensity
from fvx_prosody.onset_strength import OnsetStrength
from fvx_prosody.pauses import Pauses
from fvx_prosody.pitch_fluctuation import PitchFluctuation
from fvx_prosody.speech_rate import SpeechRate
from fvx_prosody.voicing import Voicing

__all__ = [
    "Amplitude",
    "Breath",
    "Intensity",
    "OnsetStrength",
    "Pauses",
    "PitchFluctuation",
    "SpeechRate",
    "Voicing",
]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (
        Amplitude(),
        Breath(),
        Intensity(),
        OnsetStrength(),
        Pauses(),
        PitchFluctuation(),
        SpeechRate(),
        Voicing(),
    )
