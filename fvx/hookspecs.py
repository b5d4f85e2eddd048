"""The extension surface of fvx: what a plugin may offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pluggy

from fvx.datasets.layout import Layout
from fvx.feature import Feature

hookspec = pluggy.HookspecMarker("fvx")
hookimpl = pluggy.HookimplMarker("fvx")

Branch = Callable[[Any], Any]
"""Builds the sub-network of one feature: takes a Keras tensor of shape (n, n_frames, n_columns),
or (n, n_columns) per clip, standardised; returns one of shape (n, any size), or, leaving time in,
(n, n_moments, any size), which is averaged over the window. Branches that all leave time in learn
from the moments of longer stretches where a corpus says which spans of its clips are synthetic."""


@hookspec
def fvx_features() -> Iterable[Feature]:  # type: ignore[empty-body]
    """Return the features this plugin offers, each with its default settings."""


@hookspec
def fvx_datasets() -> Iterable[Layout]:  # type: ignore[empty-body]
    """Return the corpora this plugin can read."""


@hookspec
def fvx_branches() -> Mapping[str, Branch]:  # type: ignore[empty-body]
    """Return branches for features of this plugin, by name; others get one by their kind.

    Keras is imported inside the branch: extraction and explanation do without it, and plugins
    are asked for their branches by these, too.
    """
