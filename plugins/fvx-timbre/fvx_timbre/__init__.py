"""Features of timbre: the words that listeners have for the colour of a sound."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_timbre.timbre import Timbre
from fvx_timbre.timbre_contour import TimbreContour

__all__ = ["Timbre", "TimbreContour"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (Timbre(), TimbreContour())
