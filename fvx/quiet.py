"""Keep the chatter of native libraries off the terminal."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

# Two at a time would each put back what the other had put there.
_one_at_a_time = threading.RLock()


@contextmanager
def quiet(*, stdout: bool = False, on_error: bool = False) -> Iterator[None]:
    """Hold back what native code writes to stderr; show it after all if the block fails.

    Parameters
    ----------
    stdout : bool
        Hold back what it writes to stdout, too.
    on_error : bool
        Stay quiet even if the block fails.

    Notes
    -----
    TensorFlow and LiteRT announce devices and delegates, and libsndfile's decoders their doubts,
    on file descriptors, and no setting of theirs silences them in time. What other threads write
    there meanwhile is held back as well.
    """
    with _one_at_a_time:
        sys.stderr.flush()
        sys.stdout.flush()
        saved = {}
        for descriptor in (1, 2) if stdout else (2,):
            try:
                saved[descriptor] = _copy(descriptor)
            except OSError:  # closed: nothing to keep clean
                continue
        with _memory() as held:
            for descriptor in saved:
                os.dup2(held.fileno(), descriptor)
            failed = True
            try:
                yield
                failed = False
            finally:
                if stdout and os.name == "posix":
                    ctypes.CDLL(None).fflush(None)  # the C library's own buffer
                for descriptor, original in saved.items():
                    os.dup2(original, descriptor)
                    os.close(original)
                if failed and not on_error and 2 in saved:
                    held.seek(0)
                    os.write(2, held.read())


def _copy(descriptor: int) -> int:
    try:
        import fcntl
    except ImportError:  # Windows
        return os.dup(descriptor)
    # From 3 on: where stderr is closed, a copy of stdout must not take its place.
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _memory() -> BinaryIO:
    if hasattr(os, "memfd_create"):  # Linux: nothing depends on there being room in /tmp
        return os.fdopen(os.memfd_create("quiet"), "w+b")
    return tempfile.TemporaryFile()
