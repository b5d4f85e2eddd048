"""TableReader: goes through the protocol files of a `Table`, and gathers clips."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fvx.datasets.clip import Clip, Columns, Dataset
from fvx.datasets.label import LABEL_WORDS, Label, parse_label
from fvx.datasets.listing import Listing, counted, few, is_audio
from fvx.datasets.rows import read_rows
from fvx.errors import DatasetError

if TYPE_CHECKING:
    from fvx.datasets.table import Table

_ABSENT = -1
_SPLIT = 2  # place of the split among what is appended to a row


@dataclass(frozen=True, slots=True)
class Positions:
    """Where in a row each thing stands: looked up once a file, not once a clip."""

    n_columns: int
    clip: int
    label: int
    speaker: int
    system: int
    split: int
    extra: tuple[int, ...]
    extra_names: tuple[str, ...]
    audio: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, first: list[str], where: str) -> Positions:
        """Find the columns by the table's names, or by the header that is the first row.

        Raises
        ------
        DatasetError
            If a column is missing or named twice, or the number of columns is another.
        """
        names = list(table.columns) or [name.strip() for name in first]
        if len(first) != len(names):
            raise DatasetError(f"{where}: expected {len(names)} columns, found {len(first)}")
        for name, count in Counter(names).items():
            if count > 1 and name:
                raise DatasetError(f"{where}: column {name!r} stands there {count} times")
        # What `TableReader.read` appends to each row.
        places = {"protocol": len(names), "folder": len(names) + 1, "split": len(names) + 2}
        places |= {name: len(names) + 3 + n for n, name in enumerate(table.constants)}
        places |= {name: place for place, name in enumerate(names)}

        def place_of(name: str) -> int:
            if not name:
                return _ABSENT
            if name not in places:
                raise DatasetError(f"{where}: no column {name!r}; there are {', '.join(names)}")
            return places[name]

        wanted = (table.clip, table.label, table.speaker, table.system, table.split)
        extra = tuple(i for i, name in enumerate(names) if name and name not in wanted)
        slots = {name: f"{{{place}}}" for name, place in places.items()}
        try:
            audio = tuple(template.format_map(slots) for template in table.audio)
        except KeyError as error:
            raise DatasetError(f"{where}: no column {error} for the audio path") from error
        return cls(
            n_columns=len(names),
            clip=place_of(table.clip),
            label=_ABSENT if isinstance(table.label, Label) else place_of(table.label),
            speaker=place_of(table.speaker),
            system=place_of(table.system),
            split=place_of(table.split),
            extra=extra,
            extra_names=tuple(names[i] for i in extra),
            audio=audio,
        )


class TableReader:
    """Gathers the clips of one corpus; each distinct word is held once, however many clips."""

    def __init__(self, table: Table, root: Path) -> None:
        self._table = table
        self._root = root
        self._listing = Listing(root)
        self._clips: list[Clip] = []
        self._missing: list[str] = []
        self._looked_for = ""
        self._renamed: list[str] = []
        self._counts: Counter[Label] = Counter()
        self._parts: Counter[str] = Counter()
        self._unlabelled: Counter[str] = Counter()
        self._unreadable: list[str] = []
        self._ids: set[str] = set()
        self._used: set[str] = set()
        self._labels: dict[str, Label] = {}
        self._speakers: dict[str, str] = {}
        self._splits: dict[str, str] = {}
        self._systems: dict[str, str] = {}
        self._extras: dict[tuple[str, ...], Columns] = {}

    def read(self, protocol: Path) -> None:
        """Add the clips of one protocol file."""
        table = self._table
        positions: Positions | None = None
        folder = PurePosixPath(protocol.relative_to(self._root)).parent
        more = [protocol.name, str(folder), "", *table.constants.values()]
        for line, row in read_rows(protocol, table.delimiter, table.quoting):
            if positions is None:
                positions = Positions.of(table, row, f"{protocol}, line {line}")
                if not table.columns:
                    continue
            self._add(row, more, positions, f"{protocol}, line {line}")

    def dataset(self, layout: str) -> Dataset:
        """Return what was gathered.

        Raises
        ------
        DatasetError
            If no clip is listed, or none of those listed has audio.
        """
        links = self._listing.not_followed
        linked = f"; links out of the folder were not followed: {few(links)}" if links else ""
        if not self._ids:
            raise DatasetError(f"{self._root}: no clip is listed in its protocol")
        if not self._clips:
            raise DatasetError(
                f"{self._root}: none of {counted(len(self._ids), 'clip')} listed has audio; "
                f"{self._looked_for} is not there{linked}"
            )
        return Dataset(
            self._table.name,
            self._root,
            tuple(self._clips),
            layout,
            self._notes() + self._table.unexpected(self._counts, self._parts),
            tuple(self._missing),
        )

    def _add(self, row: list[str], more: list[str], at: Positions, where: str) -> None:
        if len(row) != at.n_columns:
            raise DatasetError(f"{where}: expected {at.n_columns} fields, found {len(row)}")
        clip_id = row[at.clip]
        if not clip_id:
            raise DatasetError(f"{where}: the clip has no name")
        if clip_id in self._ids:
            raise DatasetError(f"{where}: clip {clip_id!r} is listed for the second time")
        self._ids.add(clip_id)
        row += more
        if at.split != _ABSENT:
            row[at.n_columns + _SPLIT] = self._split(row[at.split])
        split = row[at.n_columns + _SPLIT]
        path = self._find(row, at, where)
        if self._is_unlabelled(row, at):
            self._unlabelled[row[at.label]] += 1
            return
        label = self._label(row, at, where)
        self._counts[label] += 1
        self._parts[split] += 1
        if not path:
            self._missing.append(clip_id)
            return
        if not is_audio(path):
            self._unreadable.append(path)
        extra = tuple([row[place] for place in at.extra])
        if extra not in self._extras:
            self._extras[extra] = Columns(at.extra_names, extra)
        self._clips.append(
            Clip(
                clip_id,
                path,
                label,
                self._speaker(row[at.speaker]) if at.speaker != _ABSENT else "-",
                self._system(row[at.system]) if at.system != _ABSENT else "-",
                split,
                self._extras[extra],
            )
        )

    def _find(self, row: list[str], at: Positions, where: str) -> str:
        for template in at.audio:
            for spelling in _spellings(template.format(*row)):
                path = _below_root(spelling, where)
                if found := self._listing.find(path):
                    if found in self._used:
                        raise DatasetError(f"{where}: {found} is the audio of two clips")
                    self._used.add(found)
                    if found != path and is_audio(path):
                        self._renamed.append(f"{path} as {found}")
                    return found
                self._looked_for = self._looked_for or path
        return ""

    def _is_unlabelled(self, row: list[str], at: Positions) -> bool:
        words = self._table.unlabelled
        return bool(words) and row[at.label].strip().casefold() in words

    def _label(self, row: list[str], at: Positions, where: str) -> Label:
        if isinstance(self._table.label, Label):
            return self._table.label
        word = row[at.label]
        if word not in self._labels:
            self._labels[word] = parse_label(word, where, self._table.labels)
        return self._labels[word]

    def _speaker(self, word: str) -> str:
        if word not in self._speakers:
            name = word.strip()
            self._speakers[word] = "-" if name in self._table.placeholders else name
        return self._speakers[word]

    def _system(self, word: str) -> str:
        if word not in self._systems:
            name = word.strip()
            none = name in self._table.placeholders
            human = LABEL_WORDS.get(name.casefold()) is Label.BONAFIDE
            self._systems[word] = "-" if none or human else name
        return self._systems[word]

    def _split(self, word: str) -> str:
        if word not in self._splits:
            name = word.strip()
            self._splits[word] = self._table.splits.get(name.casefold(), name)
        return self._splits[word]

    def _notes(self) -> tuple[str, ...]:
        notes = []
        for word, count in self._unlabelled.items():
            notes.append(f"{counted(count, 'clip')} labelled {word!r} by its authors, left out")
        if self._unreadable:
            n_files = counted(len(self._unreadable), "file")
            names = few(self._unreadable)
            notes.append(f"{n_files} of a kind that fvx does not decode, to be converted: {names}")
        if self._missing:
            n_clips = counted(len(self._missing), "clip")
            notes.append(f"{n_clips} in the protocol without audio: {few(self._missing)}")
        if links := self._listing.not_followed:
            n_links = counted(len(links), "link")
            notes.append(f"{n_links} out of the folder not followed: {few(links)}")
        if unused := self._listing.unused(self._used):
            n_files = counted(len(unused), "audio file")
            notes.append(f"{n_files} not in the protocol, left out: {few(unused)}")
        if self._renamed:
            n_clips = counted(len(self._renamed), "clip")
            notes.append(f"{n_clips} under another extension than listed: {few(self._renamed, 1)}")
        return tuple(notes)


def _spellings(path: str) -> Iterator[str]:
    """The path as listed, and where that is no file, as other systems may have written it."""
    yield path
    if "\\" in path:  # Windows
        path = path.replace("\\", "/")
        yield path
    if not path.isascii():  # macOS keeps accents apart from their letters
        for form in ("NFC", "NFD"):
            yield unicodedata.normalize(form, path)


def _below_root(path: str, where: str) -> str:
    """The path without ``.`` and doubled slashes, refused if it could lead out of the root."""
    if not (path.startswith("/") or "./" in path or "//" in path or ".." in path or "\0" in path):
        return path  # nearly always
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\0" in path:
        raise DatasetError(f"{where}: {path!r} leads out of the corpus folder")
    return str(parts)
