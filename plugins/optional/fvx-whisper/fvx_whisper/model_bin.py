"""Read the file that CTranslate2 keeps a model in: names, shapes and numbers, nothing that runs."""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FeatureError

_VERSIONS = range(4, 7)
_SPEC = "WhisperSpec"
_MAX_VARIABLES, _MAX_RANK = 10_000, 4
_BFLOAT16 = 5
# By CTranslate2's number of a type; bfloat16 is the upper half of a float32.
_TYPES = {0: "<f4", 1: "i1", 2: "<i2", 3: "<i4", 4: "<f2", _BFLOAT16: "<u2"}


class Variable(NamedTuple):
    """One array of a file: the number of its type, its shape and its bytes."""

    kind: int
    shape: tuple[int, ...]
    content: memoryview

    def stored(self) -> NDArray[Any]:
        """The numbers as they lie there."""
        return np.frombuffer(self.content, _TYPES[self.kind]).reshape(self.shape)


def read(content: bytes, where: str) -> dict[str, Variable]:
    """Take a file of CTranslate2's versions 4 to 6 apart; the arrays are not copied.

    Parameters
    ----------
    content : bytes
        The whole file.
    where : str
        What to call it in errors.

    Raises
    ------
    FeatureError
        If it is another kind of file or not Whisper, or if it ends too early or too late, or
        says what cannot be.
    """
    reader = _Reader(content, where)
    version = reader.number("I", "the version")
    if version not in _VERSIONS:
        reader.refuse(f"no model of CTranslate2's versions 4 to 6 (it begins with {version})")
    spec = reader.text("the kind of model")
    if spec != _SPEC:
        reader.refuse(f"holds {spec!r}, and not {_SPEC!r}")
    reader.number("I", "the revision")
    n_variables = reader.number("I", "the number of arrays")
    if n_variables > _MAX_VARIABLES:
        reader.refuse(f"says it has {n_variables} arrays; at most {_MAX_VARIABLES} are read")
    found = {}
    for number in range(n_variables):
        name = reader.text(f"the name of array {number}")
        found[name] = reader.variable(name)
    for number in range(reader.number("I", "the number of other names")):
        also, name = (reader.text(f"other name {number}") for _ in range(2))
        if name not in found:
            reader.refuse(f"{also!r} is another name of {name!r}, which is not there")
        found[also] = found[name]
    if left := len(content) - reader.place:
        reader.refuse(f"goes on for {left} bytes after its end")
    return found


def dequantised(variables: dict[str, Variable], name: str, where: str) -> NDArray[np.float32]:
    """Return an array as float32, whichever type it is stored as.

    Raises
    ------
    FeatureError
        If it is not there, or is of whole numbers without a scale.
    """
    if name not in variables:
        raise FeatureError(f"{where}: has no array {name!r}")
    variable = variables[name]
    stored = variable.stored()
    if variable.kind == _BFLOAT16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if stored.dtype.kind == "f":
        return stored.astype(np.float32)
    scale_name = f"{name}_scale"
    if scale_name not in variables:
        raise FeatureError(f"{where}: {name!r} is of whole numbers, and has no {scale_name!r}")
    scale = dequantised({"scale": variables[scale_name]}, "scale", where)
    if scale.size not in (1, *stored.shape[:1]) or not (scale > 0).all():
        raise FeatureError(f"{where}: {scale_name!r} is no scale of {name!r}")
    by_row = scale.reshape(-1, *[1] * (stored.ndim - 1))
    result: NDArray[np.float32] = stored.astype(np.float32) / by_row
    return result


class _Reader:
    """Takes one thing after another from a file, never beyond its end."""

    def __init__(self, content: bytes, where: str) -> None:
        self.content, self.where, self.place = memoryview(content), where, 0

    def refuse(self, reason: str) -> NoReturn:
        raise FeatureError(f"{self.where}: {reason}")

    def taken(self, n_bytes: int, what: str) -> memoryview:
        left = len(self.content) - self.place
        if n_bytes > left:
            self.refuse(f"ends within {what}: {n_bytes} bytes expected, {left} left")
        self.place += n_bytes
        return self.content[self.place - n_bytes : self.place]

    def number(self, code: str, what: str) -> int:
        found: int = struct.unpack(f"<{code}", self.taken(struct.calcsize(f"<{code}"), what))[0]
        return found

    def text(self, what: str) -> str:
        raw = bytes(self.taken(self.number("H", what), what)).removesuffix(b"\0")
        if not raw.isascii() or not raw.decode("ascii").isprintable():
            self.refuse(f"{what} is no text")
        return raw.decode("ascii")

    def variable(self, name: str) -> Variable:
        rank = self.number("B", f"the shape of {name!r}")
        if rank > _MAX_RANK:
            self.refuse(f"{name!r} has {rank} dimensions; at most {_MAX_RANK} are read")
        shape = tuple(self.number("I", f"the shape of {name!r}") for _ in range(rank))
        kind = self.number("B", f"the type of {name!r}")
        if kind not in _TYPES:
            self.refuse(f"{name!r} is of type {kind}; known: {', '.join(map(str, _TYPES))}")
        n_bytes = self.number("I", f"the size of {name!r}")
        if n_bytes != math.prod(shape) * np.dtype(_TYPES[kind]).itemsize:
            self.refuse(f"{name!r} of shape {shape} and type {kind} cannot take {n_bytes} bytes")
        return Variable(kind, shape, self.taken(n_bytes, repr(name)))
