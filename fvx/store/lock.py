"""One writer at a time: a lock that dies with the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fvx.errors import StoreError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a store's folder for writing, and remove what a run that was killed had begun.

    Raises
    ------
    StoreError
        If another process holds it, or the folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:
        raise StoreError(f"{folder}: stores are written on Linux and macOS only") from None
    try:
        # Unbuffered: what a full disk did not take would be written again on closing.
        lock = (folder / ".lock").open("ab+", buffering=0)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().decode(errors="replace").strip() or "another process"
            raise StoreError(f"{folder}: in use by {holder}; wait for it to end") from None
        except OSError as error:
            raise StoreError(f"{folder}: cannot be locked ({error.strerror})") from error
        try:
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {os.uname().nodename}".encode())
            _sweep(folder)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be written ({error.strerror})") from error
        try:
            yield
        finally:
            with suppress(OSError):
                _sweep(folder)  # what a worker left that was killed, and whose shard another wrote


def _sweep(folder: Path) -> None:
    """Remove what was begun and not finished: with the lock, nobody is at it any more."""
    for abandoned in folder.glob(".*.tmp.*"):
        abandoned.unlink(missing_ok=True)
