"""The extension surface of fvx: what a plugin may offer."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from fvx.datasets.layout import Layout
from fvx.feature import Feature

hookspec = pluggy.HookspecMarker("fvx")
hookimpl = pluggy.HookimplMarker("fvx")


@hookspec
def fvx_features() -> Iterable[Feature]:  # type: ignore[empty-body]
    """Return the features this plugin offers, each with its default settings."""


@hookspec
def fvx_datasets() -> Iterable[Layout]:  # type: ignore[empty-body]
    """Return the corpora this plugin can read."""
