"""Spectral features: what the spectrum looks like, and how fast it changes."""

from __future__ import annotations

from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_spectral.log_mel import LogMel
from fvx_spectral.spectral_flux import SpectralFlux

__all__ = ["LogMel", "SpectralFlux"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [LogMel(), SpectralFlux()]
