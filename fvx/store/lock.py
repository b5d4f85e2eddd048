"""One writer at a time: a lock that dies with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
        lock = (folder / ".lock").open("a+")
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise StoreError(f"{folder}: in use by {holder}; wait for it to end") from None
        except OSError as error:
            raise StoreError(f"{folder}: cannot be locked ({error.strerror})") from error
        try:
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {os.uname().nodename}")
            lock.flush()
            for abandoned in folder.glob(".*.tmp.*"):
                abandoned.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be written ({error.strerror})") from error
        yield
