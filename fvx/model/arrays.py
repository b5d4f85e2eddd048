"""Named arrays in a file that cannot execute code, however it came about."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.atomic import replacing
from fvx.errors import ModelError

_LIMIT_BYTES = 1 << 28


def save_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write numbers by name, as ``.npz``; the file appears whole or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load_arrays(path: Path, expected: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Read what `save_arrays` wrote.

    Parameters
    ----------
    expected : mapping of str to int
        The arrays there have to be, and how many dimensions each has.

    Raises
    ------
    ModelError
        If the file is missing or damaged, holds Python objects, other arrays than expected,
        NaN or infinity, or more than 256 MB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
        if n_bytes > _LIMIT_BYTES:
            raise ModelError(f"{path}: holds {n_bytes >> 20} MB; more than any run of fvx")
        with np.load(path, allow_pickle=False) as file:
            if set(file.files) != set(expected):
                raise ModelError(f"{path}: does not hold {', '.join(expected)} and nothing else")
            arrays = {name: file[name] for name in expected}
    except (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise ModelError(f"{path}: cannot be read ({' '.join(str(error).split())})") from error
    for name, n_dimensions in expected.items():
        array = arrays[name]
        if array.ndim != n_dimensions or array.dtype.kind not in "fi" or not array.size:
            raise ModelError(f"{path}: {name} is not an array of {n_dimensions} dimensions")
        if not np.isfinite(array).all():
            raise ModelError(f"{path}: {name} holds NaN or infinity")
    return arrays
