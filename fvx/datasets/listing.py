"""Listing: which files a corpus folder holds, each directory listed once."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from fvx.errors import DatasetError

# What libsndfile reads.
AUDIO_EXTENSIONS = (
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".opus",
    ".aiff",
    ".aif",
    ".au",
    ".w64",
    ".caf",
)
# What corpora hold besides, and libsndfile does not read: to be converted first.
CONTAINERS = (".m4a", ".mp4", ".aac", ".webm", ".dat")
_ENDINGS = tuple(ending for ext in AUDIO_EXTENSIONS for ending in (ext, ext.upper()))


class Listing:
    """Files below a root, at one scan a directory: a stat for each of 600,000 would take minutes.

    Attributes
    ----------
    root : Path
    not_followed : dict of str to None
        Links met and not followed, in order: those out of the root, and in `walk` all to folders.
    no_files : dict of str to None
        Names of audio that `walk` passed over, in order: there is no file behind the link, or a
        pipe or device.
    not_utf8 : int
        Audio files that `walk` passed over because their name is not UTF-8.
    hidden : int
        Audio files that `walk` passed over because their name starts with a dot.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.not_followed: dict[str, None] = {}
        self.no_files: dict[str, None] = {}
        self.not_utf8 = 0
        self.hidden = 0
        self._real_root = os.path.realpath(root)
        self._names: dict[str, set[str]] = {}

    def find(self, path: str) -> str:
        """Return that file, or the one that differs in its audio extension only; "" if neither."""
        folder, slash, name = path.rpartition("/")
        if folder not in self._names:
            self._names[folder] = {
                entry.name for entry in self._scan(folder) if self._is_file(entry, folder)
            }
        names = self._names[folder]
        contained = os.path.splitext(name)[1].lower() in CONTAINERS
        if name in names and not contained:
            return path
        # Only an audio extension is taken off: "take.1" is "take.1.wav" and not "take.wav".
        known = contained or is_audio(name)
        stem = os.path.splitext(name)[0] if known else name
        endings = _ENDINGS + CONTAINERS if known else _ENDINGS
        for ending in endings:
            if stem + ending in names:
                return folder + slash + stem + ending
        return ""

    def unused(self, used: Collection[str]) -> list[str]:
        """Return the audio files in the directories that `find` has seen and that are not used."""
        return sorted(
            path
            for folder, names in self._names.items()
            for name in names
            if (path := _join(folder, name)) not in used
            and is_audio(name)
            and not name.startswith(".")
        )

    def walk(self) -> Iterator[str]:
        """Give every audio file, folder by folder, each in order of name."""
        waiting = [""]  # and no recursion: an archive may nest deeper than Python does
        while waiting:
            folder = waiting.pop()
            files, folders = [], []
            for entry in self._scan(folder):
                path = _join(folder, entry.name)
                if entry.name.startswith("."):
                    self.hidden += is_audio(entry.name)
                elif _is_dir(entry):
                    if entry.is_symlink():
                        self.not_followed[path] = None
                    else:
                        folders.append(path)
                elif is_audio(entry.name):
                    if not self._is_file(entry, folder):
                        if path not in self.not_followed:
                            self.no_files[path] = None
                    elif _is_utf8(entry.name):
                        files.append(path)
                    else:
                        self.not_utf8 += 1
            yield from sorted(files)
            waiting += sorted(folders, reverse=True)

    def notes(self) -> tuple[str, ...]:
        """Return what `walk` passed over, a sentence each."""
        notes = []
        if links := self.not_followed:
            notes.append(f"{counted(len(links), 'link')} not followed: {few(links)}")
        if nothing := self.no_files:
            said = counted(len(nothing), "audio name")
            notes.append(f"{said} without a file (a broken link, or a pipe): {few(nothing)}")
        if self.hidden:
            notes.append(f"{counted(self.hidden, 'hidden audio file')} left out")
        if self.not_utf8:
            n_files = counted(self.not_utf8, "audio file")
            notes.append(f"{n_files} left out whose name is not UTF-8")
        return tuple(notes)

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        place = os.path.join(self.root, folder)
        if not self._is_below_root(place):
            self.not_followed[folder] = None
            return []
        try:
            with os.scandir(place) as entries:
                return list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise DatasetError(f"{place}: cannot be listed ({error.strerror})") from error

    def _is_file(self, entry: os.DirEntry[str], folder: str) -> bool:
        if entry.is_symlink() and not self._is_below_root(entry.path):
            self.not_followed[_join(folder, entry.name)] = None
            return False
        try:
            return entry.is_file()
        except OSError:  # a link in a circle
            return False

    def _is_below_root(self, place: str) -> bool:
        return os.path.commonpath([self._real_root, os.path.realpath(place)]) == self._real_root


def is_audio(name: str) -> bool:
    """Whether the name ends like a file that libsndfile reads."""
    return os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS


def few(names: Collection[str], limit: int = 3) -> str:
    """Return the first names, for a note: ``a, b, c, …``."""
    shown = [name for name, _ in zip(names, range(limit), strict=False)]
    return ", ".join(shown) + (", …" if len(names) > limit else "")


def counted(n: int, noun: str) -> str:
    """Return the number and the noun: ``1 clip``, ``1,200 clips``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _is_utf8(name: str) -> bool:
    # Python carries bytes that are not UTF-8 as lone surrogates, which no file can store.
    return not any("\ud800" <= character <= "\udfff" for character in name)
