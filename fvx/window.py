"""The verb window: choose the window geometry of a store and index its windows."""

from __future__ import annotations

from fvx.errors import WindowError
from fvx.store import Store
from fvx.windows import Geometry, Windows


def window(store: Store, geometry: Geometry) -> Windows:
    """Lay windows over every clip of ``store`` that has all its features, and keep the index.

    Raises
    ------
    WindowError
        If no clip has all the features, or a window is too short for the frames of one.
    """
    for feature in store.features.values():
        if feature.hop_s is not None:
            geometry.n_frames(feature.hop_s)
    clips = store.complete(tuple(store.features))
    if not clips:
        raise WindowError(f"{store.path}: no clip has all of {', '.join(store.features) or '-'}")
    windows = Windows.over(store, geometry, clips)
    windows.save(store)
    return windows
