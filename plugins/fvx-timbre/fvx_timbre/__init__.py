"""Features of timbre: the words that listeners have for the colour of a sound."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_timbre.modulation_spectrum import ModulationSpectrum
from fvx_timbre.specific_loudness import SpecificLoudness
from fvx_timbre.timbre import Timbre
from fvx_timbre.timbre_contour import TimbreContour
from fvx_timbre.tonality import Tonality

__all__ = ["ModulationSpectrum", "SpecificLoudness", "Timbre", "TimbreContour", "Tonality"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (ModulationSpectrum(), SpecificLoudness(), Timbre(), TimbreContour(), Tonality())
