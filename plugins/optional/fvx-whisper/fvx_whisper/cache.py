"""Cache: the part of a model's weights that is used, in a few megabytes of the user's folder."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.atomic import replacing

Stored = dict[str, NDArray[Any]]

FORMAT = 1
_LARGEST = 127
_SCALE = "_scale"
_MODEL, _FORMAT = "model", "format"
_DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def quantised(arrays: Mapping[str, NDArray[np.float32]]) -> Stored:
    """Matrices as int8, each row (output) with a step of its own; vectors as they are."""
    found: Stored = {}
    for name, array in arrays.items():
        if array.ndim < 2:
            found[name] = array
            continue
        rows = array.reshape(len(array), -1)
        step = np.abs(rows).max(axis=1) / np.float32(_LARGEST)
        step[step == 0] = 1
        found[name] = np.rint(rows / step[:, np.newaxis]).astype(np.int8).reshape(array.shape)
        found[name + _SCALE] = step
    return found


def restored(stored: Stored) -> dict[str, NDArray[np.float32]]:
    """Return float32 arrays again: the nearest whole number of steps."""
    found = {}
    for name, array in stored.items():
        if name.endswith(_SCALE):
            continue
        found[name] = array.astype(np.float32)
        if name + _SCALE in stored:
            found[name] *= stored[name + _SCALE].reshape(-1, *[1] * (array.ndim - 1))
    return found


def path_of(model: str, n_blocks: int) -> Path:
    """Where the first blocks of a model lie: in ``XDG_CACHE_HOME``, or in ``~/.cache``."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(folder) / "fvx" / f"whisper-{model[:16]}-{n_blocks}.npz"


def read(model: str, n_blocks: int) -> Stored | None:
    """What was kept of a model; None if nothing was, or if it is damaged or of another format."""
    try:
        # Opened here, since NumPy leaves one open that is no archive.
        with path_of(model, n_blocks).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = dict(file)
        kept = (str(found.pop(_MODEL)), int(found.pop(_FORMAT)))
    except _DAMAGE:
        return None
    return found if kept == (model, FORMAT) else None


def write(model: str, n_blocks: int, stored: Stored) -> None:
    """Keep it for the next process; where that cannot be, the weights are read anew."""
    path = path_of(model, n_blocks)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            np.savez(temporary, **stored, **{_MODEL: np.array(model), _FORMAT: np.array(FORMAT)})
    except OSError:
        return
