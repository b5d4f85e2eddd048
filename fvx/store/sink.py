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
    """A file that keeps its first failed write for `check`, and what it could not write in memory.

    HDF5 cannot close a file that it cannot flush: the process crashes when it ends. So it is
    not told. But it reads back what it wrote, and crashes as well on bytes that are not what it
    wrote: so those are kept, until whoever writes asks `check` and gives up.
    """

    _failed: OSError | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._kept: list[tuple[int, bytes]] = []  # offset and bytes, in the order of writing

    def check(self) -> None:
        """Raise what a write failed with, if one did."""
        if self._failed is not None:
            raise self._failed

    def put(self, data: memoryview) -> int:
        """Write some of ``data`` to the disk; return how much."""
        return super().write(data)

    def write(self, data: Any) -> int:
        """Write all of ``data``, to memory once the disk has refused."""
        left = memoryview(data).cast("B")
        size = len(left)
        while len(left) and self._failed is None:
            try:
                left = left[self.put(left) :]
            except OSError as error:
                self._failed = error
        if len(left):
            self._kept.append((self.tell(), bytes(left)))
            self.seek(len(left), io.SEEK_CUR)
        return size

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` with what was written here, whether the disk took it or not."""
        view = memoryview(buffer).cast("B")
        start, size = self.tell(), len(view)
        filled = 0
        while filled < size and (n_read := super().readinto(view[filled:])):
            filled += n_read
        view[filled:] = bytes(size - filled)
        for offset, data in self._kept:
            first, last = max(start, offset), min(start + size, offset + len(data))
            if first < last:
                view[first - start : last - start] = data[first - offset : last - offset]
        self.seek(start + size)
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
