"""One shard: some clips' features in one HDF5 file, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fvx.errors import StoreError
from fvx.store.record import Failure, FeatureRecord
from fvx.store.tables import decode, read_column

FORMAT = "fvx-shard"
FORMAT_VERSION = 2
# What h5py raises over bytes that it cannot make sense of.
_DAMAGED = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError)
_record: Callable[[str], FeatureRecord] = lru_cache(FeatureRecord.from_json)


@dataclass(frozen=True)
class Shard:
    """What one shard holds; the clip table and the values are read from the file when asked for.

    Attributes
    ----------
    path : Path
    rate_hz : int
    ids : object array of str, shape (n_clips,)
    records : mapping of str to FeatureRecord
    offsets : mapping of str to int64 array, shape (n_clips + 1,)
        Clip *i* has the rows ``offsets[i]:offsets[i + 1]`` of a feature; none if it failed.
    failures : tuple of Failure
    """

    path: Path
    rate_hz: int
    ids: NDArray[np.object_]
    records: Mapping[str, FeatureRecord]
    offsets: Mapping[str, NDArray[np.int64]]
    failures: tuple[Failure, ...] = ()

    @classmethod
    def open(cls, path: Path) -> Shard:
        """Read what says which clips and features a shard holds.

        Raises
        ------
        StoreError
            If the file is not a shard of this format version, is damaged, or cannot be read.
        """
        with opened(path) as file:
            groups = file.get("features", {})
            ids = decode(read_column(file["clips/id"]))
            shared: dict[bytes, NDArray[np.int64]] = {}  # many features have the same offsets
            offsets = {}
            for name, group in groups.items():
                of = read_column(group["offsets"])
                n_rows = group["values"].shape[0]
                if len(of) != len(ids) + 1 or of[0] or of[-1] != n_rows or (np.diff(of) < 0).any():
                    raise ValueError(f"rows of {name} do not add up")
                offsets[name] = shared.setdefault(of.tobytes(), of)
            return cls(
                path,
                int(file.attrs["rate_hz"]),
                ids,
                {name: _record(group.attrs["record"]) for name, group in groups.items()},
                offsets,
                _failures(file),
            )

    def clips(self) -> dict[str, NDArray[Any]]:
        """The clip table, by column; text as object arrays of str."""
        with opened(self.path) as file:
            columns = {name: read_column(column) for name, column in file["clips"].items()}
        columns.setdefault("audio_notes", np.full(len(self.ids), b""))  # not kept at first
        return {
            name: decode(column) if column.dtype.kind == "S" else column
            for name, column in columns.items()
        }

    def values(self, feature: str, first: int, last: int) -> NDArray[np.float32]:
        """Rows ``first:last`` of a feature, shape (last - first, n_columns)."""
        with opened(self.path) as file:
            rows: NDArray[np.float32] = file[f"features/{feature}/values"][first:last]
        return rows


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a shard's file for reading; all that HDF5 has to say against it is a StoreError."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != FORMAT:
                raise StoreError(f"{path}: not an fvx shard; move it elsewhere")
            version = file.attrs["format_version"]
            if version != FORMAT_VERSION:
                raise StoreError(
                    f"{path}: shard format {version}, this fvx reads {FORMAT_VERSION}; "
                    "extract into another store (--store)"
                )
            yield file
    except _DAMAGED as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> StoreError:
    """What to say when a file could not be read: the disk's fault, or the file's."""
    number = error.errno if isinstance(error, OSError) else None
    if number:  # a disk or network that fails says nothing against the file
        return StoreError(f"{path}: cannot be read ({os.strerror(number)})")
    reason = " ".join(str(error).split())
    return StoreError(f"{path}: damaged shard ({reason}); delete it to redo it")


def _failures(file: h5py.File) -> tuple[Failure, ...]:
    columns = (decode(read_column(file[f"failures/{name}"])) for name in Failure.__annotations__)
    return tuple(Failure(*row) for row in zip(*columns, strict=True))
