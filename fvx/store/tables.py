"""The tables of a shard: columns of text and numbers, each with its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

SHA256 = "sha256"
MAX_TEXT_BYTES = 1 << 16  # a column is as wide as its longest text


class Changed(ValueError):
    """What is read is not what was written."""


def encode(words: Sequence[str]) -> NDArray[np.bytes_]:
    """Text as fixed-length UTF-8, which every HDF5 reader knows.

    Raises
    ------
    ValueError
        If a text holds a null character, or is not Unicode, or is longer than 64 KiB.
    """
    coded = [word.encode() for word in words]
    for word in coded:
        if b"\0" in word:
            raise ValueError("a null character in it")
        if len(word) > MAX_TEXT_BYTES:
            raise ValueError(f"longer than {MAX_TEXT_BYTES} bytes")
    return np.asarray(coded, f"S{max(map(len, coded), default=0) or 1}")


def decode(column: NDArray[np.bytes_]) -> NDArray[np.object_]:
    """Text again; equal texts are one object, since a corpus repeats a few labels throughout."""
    distinct, which = np.unique(column, return_inverse=True)
    words: NDArray[np.object_] = np.asarray([text.decode() for text in distinct.tolist()], object)
    return words[which]


def write_column(group: h5py.Group, name: str, column: NDArray[Any]) -> None:
    """Write a column, text or numbers, and its checksum beside it."""
    if column.dtype.kind == "S":
        text = h5py.string_dtype("utf-8", column.dtype.itemsize)
        packed = {"chunks": True, "compression": "gzip", "shuffle": True} if len(column) else {}
        dataset = group.create_dataset(name, data=column.astype(text), **packed)
    else:
        dataset = group.create_dataset(name, data=column)
    dataset.attrs[SHA256] = digest([column])


def read_column(dataset: h5py.Dataset) -> NDArray[Any]:
    """Read a column back; text comes as bytes, see `decode`.

    Raises
    ------
    Changed
        If it is not what was written.
    """
    column: NDArray[Any] = dataset[:]
    if digest([column]) != dataset.attrs[SHA256]:
        raise Changed(f"{dataset.name.lstrip('/')} is not as it was written")
    return column


def digest(parts: Iterable[NDArray[Any]]) -> str:
    """SHA-256 of arrays that follow one another, as their bytes lie in a file."""
    state = hashlib.sha256()
    for part in parts:
        state.update(np.ascontiguousarray(part).view(np.uint8).data if part.size else b"")
    return state.hexdigest()


def fingerprint(file: h5py.File) -> str:
    """Checksum of a shard: of all its attributes, and of its datasets' names, forms and checksums.

    However the values are chunked and compressed, the same content has the same one.
    """
    lines = [json.dumps(["", _plain(file)])]

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        line: list[Any] = [name, _plain(item)]
        if isinstance(item, h5py.Dataset):
            line += [item.dtype.str, list(item.shape), item.attrs[SHA256]]
        lines.append(json.dumps(line))

    file.visititems(visit)
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _plain(item: h5py.Group) -> list[list[str]]:
    return sorted([key, str(value)] for key, value in item.attrs.items() if key != SHA256)
