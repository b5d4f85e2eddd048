"""Features of the voice itself: its pitch, its steadiness, its clearness."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_voice.cpp import Cpp, CppContour
from fvx_voice.f0 import F0
from fvx_voice.formants import Formants
from fvx_voice.gne import Gne
from fvx_voice.hnr import Hnr, HnrContour
from fvx_voice.jitter import Jitter, JitterContour
from fvx_voice.nhr import Nhr
from fvx_voice.pitch import PitchSettings, PitchTrack, pitch_track
from fvx_voice.pulses import glottal_pulses
from fvx_voice.shimmer import Shimmer, ShimmerContour

__all__ = [
    "F0",
    "Cpp",
    "CppContour",
    "Formants",
    "Gne",
    "Hnr",
    "HnrContour",
    "Jitter",
    "JitterContour",
    "Nhr",
    "PitchSettings",
    "PitchTrack",
    "Shimmer",
    "ShimmerContour",
    "glottal_pulses",
    "pitch_track",
]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (
        Cpp(),
        CppContour(),
        F0(),
        Formants(),
        Gne(),
        Hnr(),
        HnrContour(),
        Jitter(),
        JitterContour(),
        Nhr(),
        Shimmer(),
        ShimmerContour(),
    )
