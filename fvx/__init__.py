"""fvx: tells bona fide human speech from synthetic speech, and says why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvx.audio import Audio
    from fvx.datasets import Label
    from fvx.detector import Detector, load_model
    from fvx.errors import FvxError
    from fvx.feature import Feature
    from fvx.hookspecs import hookimpl
    from fvx.registry import discover
    from fvx.store import Store

__version__ = "0.1.0"

_HOME = {
    "Audio": "fvx.audio",
    "Detector": "fvx.detector",
    "Feature": "fvx.feature",
    "FvxError": "fvx.errors",
    "Label": "fvx.datasets",
    "Store": "fvx.store",
    "discover": "fvx.registry",
    "hookimpl": "fvx.hookspecs",
    "load_model": "fvx.detector",
}

__all__ = [
    "Audio",
    "Detector",
    "Feature",
    "FvxError",
    "Label",
    "Store",
    "discover",
    "hookimpl",
    "load_model",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: ``fvx --help`` needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module 'fvx' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
