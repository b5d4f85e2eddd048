"""Layout: how a published corpus lies on disk, as a record and not as code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Placeholder filled in next."""

    name: str
