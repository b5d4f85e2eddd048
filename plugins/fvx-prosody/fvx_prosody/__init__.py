"""Features of how something is said, whoever says it."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_prosody.intensity import Intensity

__all__ = ["Intensity"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (Intensity(),)
