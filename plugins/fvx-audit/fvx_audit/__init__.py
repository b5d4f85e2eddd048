"""Known shortcuts: what tells recordings apart, but not voices."""

from __future__ import annotations

from collections.abc import Iterable

from fvx.feature import Feature
from fvx.hookspecs import hookimpl
from fvx_audit.audit import Audit

__all__ = ["Audit"]


@hookimpl
def fvx_features() -> Iterable[Feature]:
    return (Audit(),)
