"""fvx: tells bona fide human speech from synthetic speech, and says why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fvx.audio import Audio
    from fvx.datasets import Label
    from fvx.detector import Detector, load_model
    from fvx.errors import AudioError, FeatureError, FvxError
    from fvx.feature import Feature
    from fvx.hookspecs import hookimpl
    from fvx.registry import discover
    from fvx.store import Store

__version__ = "0.1.0"

API_VERSION = "1.1"
"""Version of what plugins rely on, docs/api.md: 1.1 adds to 1.0, 2.0 takes something away."""

_HOME = {
    "Audio": "fvx.audio",
    "AudioError": "fvx.errors",
    "Detector": "fvx.detector",
    "Feature": "fvx.feature",
    "FeatureError": "fvx.errors",
    "FvxError": "fvx.errors",
    "Label": "fvx.datasets",
    "Store": "fvx.store",
    "discover": "fvx.registry",
    "hookimpl": "fvx.hookspecs",
    "load_model": "fvx.detector",
}

__all__ = [
    "API_VERSION",
    "Audio",
    "AudioError",
    "Detector",
    "Feature",
    "FeatureError",
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
