"""Features of the voice itself: its pitch, its steadiness, its clearness."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_voice.f0 import F0
from fvx_voice.hnr import Hnr
from fvx_voice.jitter import Jitter
from fvx_voice.pitch import PitchSettings, PitchTrack, pitch_track
from fvx_voice.pulses import glottal_pulses
from fvx_voice.shimmer import Shimmer

__all__ = [
    "F0",
    "Hnr",
    "Jitter",
    "PitchSettings",
    "PitchTrack",
    "Shimmer",
    "glottal_pulses",
    "pitch_track",
]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (F0(), Hnr(), Jitter(), Shimmer())
