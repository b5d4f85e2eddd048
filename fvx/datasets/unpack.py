"""Unpacking archives that come from elsewhere: nothing in them may write outside its folder."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from fvx.errors import DatasetError

MAX_RATIO = 30  # speech hardly packs to less than a tenth; silence packs to nothing
MIN_LIMIT_BYTES = 64 << 20
MAX_MEMBERS = 5_000_000
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Member:
    name: PurePosixPath
    target: PurePosixPath | None  # of a link, from the archive's root
    open: Callable[[], IO[bytes] | None]


def unpack(
    archive: Path,
    folder: Path,
    *,
    strip: str = "",
    max_bytes: int | None = None,
    on_file: Callable[[int], None] = lambda _: None,
) -> int:
    """Unpack a zip or a tar, compressed or not, into a folder, all of it or nothing.

    Members are written into a new folder beside the others and moved when all are there; what
    was of the same name is replaced. Links are never made: one to a file of the same archive
    becomes that file. Owners, permissions and times are not taken over.

    Parameters
    ----------
    strip : str
        First folder of the members' paths, left off.
    max_bytes : int or None
        Most that may come out; None: thirty times the archive, and at least 64 MiB.
    on_file : callable
        Called with the number of files unpacked so far.

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    DatasetError
        If the archive is damaged, holds too much, or a member whose path is absolute, climbs
        with ``..``, leads through or to a link out of the archive, or is a device.
    """
    if max_bytes is None:
        max_bytes = max(MIN_LIMIT_BYTES, MAX_RATIO * archive.stat().st_size)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as temporary:
            new = Path(temporary)
            n_files = _write_all(archive, new, strip, max_bytes, on_file)
            _move(new, folder)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise DatasetError(f"{archive}: damaged, or of another kind ({error})") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(f"{archive}: cannot be unpacked ({reason})") from error
    return n_files


def _write_all(
    archive: Path, new: Path, strip: str, max_bytes: int, on_file: Callable[[int], None]
) -> int:
    n_bytes = n_files = n_members = 0
    with ExitStack() as stack:
        for member in _members(archive, stack):
            n_members += 1
            if n_members > MAX_MEMBERS:
                raise DatasetError(f"{archive}: holds more than {MAX_MEMBERS:,} members")
            path = new / _checked(member.name, archive, strip)
            if member.target is not None:
                _copy_linked(member, new / _checked(member.target, archive, strip), path, archive)
                n_bytes += path.stat().st_size
            elif (source := member.open()) is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with source, path.open("wb") as file:
                    while block := source.read(_BLOCK_BYTES):
                        n_bytes += len(block)
                        if n_bytes > max_bytes:  # counted, not believed
                            raise DatasetError(
                                f"{archive}: unpacks to more than {max_bytes:,} bytes, against "
                                f"{archive.stat().st_size:,} packed; it is not unpacked"
                            )
                        file.write(block)
            else:
                continue
            n_files += 1
            on_file(n_files)
    if not n_files:
        raise DatasetError(f"{archive}: holds no files")
    return n_files


def _members(archive: Path, stack: ExitStack) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        packed = stack.enter_context(zipfile.ZipFile(archive))
        for info in packed.infolist():
            name = PurePosixPath(info.filename)
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                link = packed.read(info).decode("utf-8", "surrogateescape")
                yield _Member(name, name.parent / link, lambda: None)
            elif mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DatasetError(f"{archive}: {info.filename!r} is neither a file nor a folder")
            elif info.is_dir():
                yield _Member(name, None, lambda: None)
            else:
                yield _Member(name, None, lambda info=info: packed.open(info))  # type: ignore[misc]
        return
    tar = stack.enter_context(tarfile.open(archive))  # noqa: SIM115 - the stack closes it
    while (entry := tar.next()) is not None:
        name = PurePosixPath(entry.name)
        if entry.issym():
            yield _Member(name, name.parent / entry.linkname, lambda: None)
        elif entry.islnk():
            yield _Member(name, PurePosixPath(entry.linkname), lambda: None)
        elif entry.isdir():
            yield _Member(name, None, lambda: None)
        elif entry.isreg():
            yield _Member(name, None, lambda entry=entry: tar.extractfile(entry))  # type: ignore[misc]
        else:
            raise DatasetError(f"{archive}: {entry.name!r} is neither a file nor a folder")
        tar.members.clear()  # type: ignore[attr-defined] # or 600,000 are held in memory


def _checked(name: PurePosixPath, archive: Path, strip: str) -> PurePosixPath:
    """The path below the folder, if it is one."""
    text = str(name)
    if name.is_absolute() or "\\" in text or "\0" in text or text[1:2] == ":":
        raise DatasetError(f"{archive}: {text!r} is an absolute path; nothing is unpacked")
    parts = PurePosixPath(os.path.normpath(text)).parts
    if ".." in parts:
        raise DatasetError(f"{archive}: {text!r} leads out of the folder; nothing is unpacked")
    if strip and parts[:1] == (strip,):
        parts = parts[1:]
    return PurePosixPath(*parts)


def _copy_linked(member: _Member, target: Path, path: Path, archive: Path) -> None:
    if not target.is_file():
        raise DatasetError(
            f"{archive}: {str(member.name)!r} is a link to what is not in the archive before it"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target, path)


def _move(new: Path, folder: Path) -> None:
    """Move all that is new into the folder; existing folders are filled, not replaced."""
    root = folder.resolve()
    for above, folders, files in os.walk(new):
        relative = Path(above).relative_to(new)
        into = folder / relative
        if not into.resolve().is_relative_to(root):
            raise DatasetError(f"{into}: a link out of {folder}; nothing is put there")
        into.mkdir(parents=True, exist_ok=True)
        for name in list(folders):
            if not (into / name).exists() and not (into / name).is_symlink():
                (Path(above) / name).rename(into / name)
                folders.remove(name)
        for name in files:
            (Path(above) / name).replace(into / name)
