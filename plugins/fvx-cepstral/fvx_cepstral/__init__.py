"""Cepstral features: the shape of the spectrum on three scales of frequency."""

from __future__ import annotations

from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_cepstral.cqcc import Cqcc
from fvx_cepstral.lfcc import Lfcc
from fvx_cepstral.mfcc import Mfcc

__all__ = ["Cqcc", "Lfcc", "Mfcc"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [Cqcc(), Lfcc(), Mfcc()]
