"""CTranslate2's model files, read as data: names, shapes and numbers, every length checked."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Container
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FeatureError

_VERSIONS = range(4, 7)  # before, a file did not say of which kind its numbers are
_SPEC = "WhisperSpec"
_BFLOAT16 = 5
_DTYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2", _BFLOAT16: "<u2"}
_MAX_RANK, _MAX_NAME, _MAX_VARIABLES = 4, 256, 10_000


def read_variables(
    file: BinaryIO, path: Path, wanted: Container[str]
) -> dict[str, NDArray[np.generic]]:
    """Read the variables that are wanted; the others are skipped, but have to be well formed.

    Parameters
    ----------
    file : binary file
        Open at its beginning.
    path : Path
        What to call it in errors.
    wanted : container of str
        Names of variables, as ``encoder/conv1/weight``.

    Returns
    -------
    dict
        Arrays by name, in the file's own kind of number (bfloat16 as float32).

    Raises
    ------
    FeatureError
        If it is no file of a Whisper model, is of a version that is not known, is cut short or
        goes on beyond its end, or says one thing about a variable in two ways.
    """
    reader = _Reader(file, path)
    if (version := reader.number("I")) not in _VERSIONS:
        raise reader.error(f"version {version}; known: {_VERSIONS[0]} to {_VERSIONS[-1]}")
    if (spec := reader.text()) != _SPEC:
        raise reader.error(f"holds {spec!r}, not {_SPEC!r}")
    reader.number("I")  # the specification's revision
    found: dict[str, NDArray[np.generic]] = {}
    names = set()
    for _ in range(reader.count()):
        name = reader.text()
        if name in names:
            raise reader.error(f"has {name} twice")
        names.add(name)
        values = reader.variable(name, name in wanted)
        if values is not None:
            found[name] = values
    for _ in range(reader.count()):
        alias, name = reader.text(), reader.text()
        if name not in names:
            raise reader.error(f"{alias} stands for {name}, which is not in it")
        if name in found and alias in wanted:
            found[alias] = found[name]
    if reader.left:
        raise reader.error(f"{reader.left} bytes beyond its end")
    return found


class _Reader:
    """Takes numbers and names from a file, never more than it has."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.file, self.path = file, path
        self.left = os.fstat(file.fileno()).st_size

    def error(self, reason: str) -> FeatureError:
        return FeatureError(f"{self.path}: cannot be read as a CTranslate2 model ({reason})")

    def take(self, n_bytes: int) -> bytes:
        if n_bytes > self.left or len(taken := self.file.read(n_bytes)) != n_bytes:
            raise self.error("cut short")
        self.left -= n_bytes
        return taken

    def number(self, form: str) -> int:
        (value,) = struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))
        return int(value)

    def count(self) -> int:
        if (value := self.number("I")) > _MAX_VARIABLES:
            raise self.error(f"promises {value} variables")
        return value

    def text(self) -> str:
        n_bytes = self.number("H")
        if not 1 < n_bytes <= _MAX_NAME:
            raise self.error(f"a name of {n_bytes} bytes")
        raw = self.take(n_bytes)
        if raw[-1] or not (raw[:-1].isascii() and raw[:-1].decode("latin-1").isprintable()):
            raise self.error("a name that is none")
        return raw[:-1].decode("ascii")

    def variable(self, name: str, wanted: bool) -> NDArray[np.generic] | None:
        rank = self.number("B")
        if rank > _MAX_RANK:
            raise self.error(f"{name} has {rank} dimensions")
        shape = tuple(self.number("I") for _ in range(rank))
        kind, n_bytes = self.number("B"), self.number("I")
        if kind not in _DTYPES:
            raise self.error(f"{name} holds numbers of kind {kind}")
        dtype = np.dtype(_DTYPES[kind])
        if n_bytes != math.prod(shape) * dtype.itemsize:
            raise self.error(f"{name} has {n_bytes} bytes, which is not its shape {shape}")
        if n_bytes > self.left:
            raise self.error("cut short")
        if not wanted:
            self.file.seek(n_bytes, os.SEEK_CUR)
            self.left -= n_bytes
            return None
        values = np.frombuffer(self.take(n_bytes), dtype).reshape(shape)
        return (values.astype("<u4") << 16).view("<f4") if kind == _BFLOAT16 else values
