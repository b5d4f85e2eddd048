"""New HDF5 files: whole or not at all, also where the disk is full."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from fvx.atomic import replacing
from fvx.errors import StoreError


class Sink(io.FileIO):
    """A file that keeps its first failed write for `check`, and takes the rest for granted.

    HDF5 cannot close a file that it cannot flush: the process crashes when it ends. So it is
    not told.
    """

    _failed: OSError | None = None

    def check(self) -> None:
        """Raise what a write failed with, if one did."""
        if self._failed is not None:
            raise self._failed

    def write(self, data: Any) -> int:
        """Write all of ``data``."""
        left = memoryview(data).cast("B")
        size = len(left)
        while len(left) and self._failed is None:
            try:
                left = left[super().write(left) :]
            except OSError as error:
                self._failed = error
        return size

    def truncate(self, size: int | None = None) -> int:
        """Set the file's size."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._failed = self._failed or error
            return size or 0


@contextmanager
def new_file(path: Path) -> Iterator[tuple[h5py.File, Sink]]:
    """Yield an HDF5 file to fill, and the sink it goes to; it gets its name at the end.

    Raises
    ------
    StoreError
        If it cannot be written; then there is no such file, nor a part of it.
    """
    try:
        with replacing(path) as temporary, Sink(temporary, "w+") as sink:
            try:
                with h5py.File(sink, "w") as file:
                    yield file, sink
            finally:
                sink.check()  # before any error of HDF5, which only follows from it
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error})") from error
