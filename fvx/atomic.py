"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; what was written there gets the name at the end.

    The data is flushed to disk before the rename, and the rename itself after it, so that
    a crash leaves the old file or the new one. On an error the temporary file is removed.
    """
    path = Path(path)
    # Random, since processes of two machines may share a number. The suffix stays last:
    # libraries choose a format by it.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        if os.name != "posix":  # where a folder cannot be opened
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, record: object) -> None:
    """Write a JSON file; NaN and infinity are refused, since JSON has none."""
    write_text(path, json.dumps(record, indent=2, allow_nan=False) + "\n")
