"""Spectral features: what the spectrum looks like, and how fast it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fvx import Feature, hookimpl
from fvx.hookspecs import Branch
from fvx_spectral.band_flutter import BandFlutter
from fvx_spectral.bicoherence import Bicoherence
from fvx_spectral.chroma import Chroma
from fvx_spectral.group_delay import GroupDelay
from fvx_spectral.instantaneous_frequency import InstantaneousFrequency
from fvx_spectral.log_cqt import LogCqt
from fvx_spectral.log_mel import LogMel
from fvx_spectral.log_spectrum import LogSpectrum
from fvx_spectral.lp_residual import LpResidual
from fvx_spectral.ltas import Ltas
from fvx_spectral.picture_branch import picture_branch
from fvx_spectral.spectral_contrast import SpectralContrast
from fvx_spectral.spectral_flux import SpectralFlux
from fvx_spectral.spectral_shape import SpectralShape
from fvx_spectral.subband_energy import SubbandEnergy
from fvx_spectral.subband_moments import SubbandMoments
from fvx_spectral.upsampling_artifacts import UpsamplingArtifacts

__all__ = [
    "BandFlutter",
    "Bicoherence",
    "Chroma",
    "GroupDelay",
    "InstantaneousFrequency",
    "LogCqt",
    "LogMel",
    "LogSpectrum",
    "LpResidual",
    "Ltas",
    "SpectralContrast",
    "SpectralFlux",
    "SpectralShape",
    "SubbandEnergy",
    "SubbandMoments",
    "UpsamplingArtifacts",
]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [
        BandFlutter(),
        Bicoherence(),
        Chroma(),
        GroupDelay(),
        InstantaneousFrequency(),
        LogCqt(),
        LogMel(),
        LogSpectrum(),
        LpResidual(),
        Ltas(),
        SpectralContrast(),
        SpectralFlux(),
        SpectralShape(),
        SubbandEnergy(),
        SubbandMoments(),
        UpsamplingArtifacts(),
    ]


@hookimpl
def fvx_branches() -> Mapping[str, Branch]:
    return {BandFlutter.name: picture_branch(2), LogSpectrum.name: picture_branch()}
