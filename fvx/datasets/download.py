"""download: a published corpus, audio and keys, into its folder; pooch lives here only."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvx.atomic import write_json
from fvx.datasets.fetch import Fetcher, length_of
from fvx.datasets.layout import Layout
from fvx.datasets.remote import Remote
from fvx.datasets.unpack import unpack
from fvx.errors import DatasetError

RECORD = ".fvx-download.json"  # in the corpus's folder: what has come, and its checksums
ARCHIVES = ".archives"
_UNPACKED_RATIO = 1.5  # flac packs no further, wav to some two thirds
_SPARE_BYTES = 256 << 20


@dataclass(frozen=True)
class Progress:
    """How far a download is.

    Attributes
    ----------
    file : str
    doing : str
        ``fetch``, ``check`` or ``unpack``.
    n_done : int
        Bytes, or files when unpacking.
    n_all : int or None
        None where it is not known.
    """

    file: str
    doing: str
    n_done: int
    n_all: int | None


@dataclass(frozen=True)
class Downloaded:
    """What came of a download.

    Attributes
    ----------
    folder : Path
    files : dict of str to str
        Checksum of each file, and ``(first seen)`` where none is published.
    n_there : int
        Files that had come before.
    """

    folder: Path
    files: dict[str, str]
    n_there: int


def download(
    layout: Layout,
    home: Path = Path("datasets"),
    *,
    keep_archives: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    n_tries: int = 5,
    wait_s: float = 1.0,
) -> Downloaded:
    """Fetch, check and unpack what a corpus consists of; given again, it goes on.

    Parameters
    ----------
    home : Path
        The corpus gets its folder below it.
    keep_archives : bool
        Leave archives where they were put (``.archives`` in the folder) once unpacked.
    n_tries, wait_s : int, float
        Attempts in a row that bring nothing, and the pause after the first, in seconds.

    Raises
    ------
    DatasetError
        If the corpus is to be asked for, the disk is too small, a server fails, or what it
        sends is not what is published. What has come stays.
    """
    if layout.shipped:
        raise DatasetError(f"{layout.name}: came with fvx, in {layout.shipped}")
    if layout.gated:
        raise DatasetError(
            f"{layout.name}: is given on request; {layout.gated}, and unpack it in "
            f"{layout.place(home)}"
        )
    if not layout.remotes:
        where = f"; see {', '.join(layout.urls)}" if layout.urls else ""
        raise DatasetError(
            f"{layout.name}: fvx cannot download it (fvx datasets info {layout.name} says why)"
            f"{where}; unpack it in {layout.place(home)}"
        )
    folder = layout.place(home)
    try:
        (folder / ARCHIVES).mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            record = read_record(folder)
            todo = [one for one in layout.remotes if one.name not in record]
            _refuse_small_disk(todo, folder)
            for remote in todo:
                record[remote.name] = _get(
                    remote, folder, keep_archives, on_progress, n_tries, wait_s
                )
                write_json(folder / RECORD, record)
            if not keep_archives and not any((folder / ARCHIVES).iterdir()):
                (folder / ARCHIVES).rmdir()
    except OSError as error:
        raise DatasetError(f"{folder}: {error.strerror or error}") from error
    return Downloaded(
        folder,
        {
            name: one["checksum"] + ("" if one["published"] else " (first seen)")
            for name, one in record.items()
        },
        len(layout.remotes) - len(todo),
    )


def read_record(folder: Path) -> dict[str, Any]:
    """Return what has come into the folder, by file name: checksum, length, number of files."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder / RECORD}: cannot be read ({error})") from error
    if not isinstance(record, dict):
        raise DatasetError(f"{folder / RECORD}: is no record of a download")
    return record


def checksum_of(path: Path, kind: str = "sha256") -> str:
    """Return ``sha256:…`` of a file, or of another kind."""
    import pooch

    return f"{kind}:{pooch.file_hash(str(path), alg=kind)}"


def _get(
    remote: Remote,
    folder: Path,
    keep_archives: bool,
    on_progress: Callable[[Progress], None],
    n_tries: int,
    wait_s: float,
) -> dict[str, Any]:
    import pooch

    pooch.get_logger().setLevel("WARNING")
    name = remote.name
    archives = folder / ARCHIVES

    def on_bytes(n_done: int, n_all: int | None) -> None:
        on_progress(Progress(name, "fetch", n_done, remote.n_bytes or n_all))

    fetcher = Fetcher(
        archives / f"{name}.part",
        remote.n_bytes,
        bool(remote.checksum),
        on_bytes,
        n_tries,
        wait_s,
    )
    try:
        path = Path(
            pooch.retrieve(
                remote.url,
                known_hash=remote.checksum or None,
                fname=name,
                path=archives,
                downloader=fetcher,
            )
        )
    except ValueError as error:
        if "hash" not in str(error):
            raise
        raise DatasetError(
            f"{remote.url}: what came has not the published checksum {remote.checksum}; it was "
            "discarded, and may have been tampered with or replaced by its authors"
        ) from error
    on_progress(Progress(name, "check", 0, None))
    found: dict[str, Any] = {
        "url": remote.url,
        "checksum": remote.checksum or checksum_of(path),
        "published": bool(remote.checksum),
        "n_bytes": path.stat().st_size,
    }
    into = folder / remote.into
    if not remote.is_archive:
        into.mkdir(parents=True, exist_ok=True)
        path.replace(into / name)
        return found

    def on_file(n_files: int) -> None:
        on_progress(Progress(name, "unpack", n_files, None))

    found["n_files"] = unpack(path, into, strip=remote.strip, on_file=on_file)
    if not keep_archives:
        path.unlink()
    return found


def _refuse_small_disk(todo: list[Remote], folder: Path) -> None:
    """Say so before, and not after a night, if the corpus will not fit."""
    needed = largest = 0
    for remote in todo:
        length = remote.n_bytes or length_of(remote.url) or 0
        there = sum(
            path.stat().st_size
            for path in (folder / ARCHIVES / remote.name, folder / ARCHIVES / f"{remote.name}.part")
            if path.exists()
        )
        needed += int(length * _UNPACKED_RATIO) - there if remote.is_archive else length - there
        largest = max(largest, length)
    free = shutil.disk_usage(folder).free
    if todo and needed + largest + _SPARE_BYTES > free:  # one archive lies beside what is in it
        raise DatasetError(
            f"{folder}: about {(needed + largest + _SPARE_BYTES) / 1e9:.1f} GB are needed, "
            f"{free / 1e9:.1f} GB are free"
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / f"{RECORD}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetError(f"{folder}: another download is at work there") from error
        yield
