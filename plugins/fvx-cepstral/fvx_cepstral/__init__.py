"""Cepstral features: the shape of the spectrum on four scales of frequency."""

from __future__ import annotations

from collections.abc import Iterable

from fvx import Feature, hookimpl
from fvx_cepstral.cqcc import Cqcc
from fvx_cepstral.gtcc import Gtcc
from fvx_cepstral.lfcc import Lfcc
from fvx_cepstral.mfcc import Mfcc

__all__ = ["Cqcc", "Gtcc", "Lfcc", "Mfcc"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return [Cqcc(), Gtcc(), Lfcc(), Mfcc()]
