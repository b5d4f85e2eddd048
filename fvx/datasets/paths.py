"""Paths: corpora without protocol, whose paths say what their clips are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from fvx.datasets.clip import Clip, Columns, Dataset
from fvx.datasets.label import LABEL_WORDS, Label, parse_label
from fvx.datasets.layout import Layout
from fvx.datasets.listing import Listing, counted, few
from fvx.errors import DatasetError

_FIELD = re.compile(r"\{(\w+)\}|(\*\*/|\*)")
_OWN = ("label", "speaker", "system", "split")


@dataclass(frozen=True)
class Paths(Layout):
    """A corpus whose every path fits a template.

    Attributes
    ----------
    templates : tuple of str
        Paths below the root, without extension: ``"{split}/{speaker}/*"``. A name in braces
        stands for some characters of one folder or file name, ``*`` for any, and the folder
        ``**`` for any folders or none. ``label``, ``speaker``, ``system`` and ``split`` are
        the clip's; the others are kept with it. The first template that any path fits counts.
    label : str or Label
        Name in the template that tells the label, or the label of all.
    labels : mapping of str to Label
        Label words besides `LABEL_WORDS`, in lower case.
    others : Label or None
        Label of every other word; None makes such a word an error.
    splits : mapping of str to str
        What split words, in lower case, are to be called.
    constants : mapping of str to str
        Further names with what they stand for: ``{"speaker": "LJ"}``.
    markers : tuple of str
        Any of these below the root gives the corpus away; if empty it is read by name only.
    """

    _: KW_ONLY
    templates: tuple[str, ...]
    label: str | Label = "label"
    labels: Mapping[str, Label] = field(default_factory=dict)
    others: Label | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    markers: tuple[str, ...] = ()

    def knows(self) -> frozenset[str]:
        """Return which of speaker, system and split the path tells."""
        names = {name for template in self.templates for name, _ in _FIELD.findall(template)}
        return frozenset((names | set(self.constants)) & {"speaker", "system", "split"})

    def marker(self, root: Path) -> str:
        """Return the first marker that is there."""
        return next((marker for marker in self.markers if any(root.glob(marker))), "")

    def read(self, root: Path) -> Dataset:
        """Walk the folder; every audio file whose path fits a template is a clip."""
        listing = Listing(root)
        clips: list[Clip] = []
        found = list(listing.walk())
        pattern = self._pattern(found)
        strangers: list[str] = []
        columns: dict[tuple[tuple[str, ...], tuple[str, ...]], Columns] = {}
        parts: Counter[str] = Counter()
        for path in found:
            match = pattern.fullmatch(path.rpartition(".")[0])
            if match is None:
                strangers.append(path)
                continue
            words = {**self.constants, **match.groupdict()}
            label = self._label(words, str(root / path))
            known = {name: word for name, word in words.items() if name not in _OWN}
            key = (tuple(known), tuple(known.values()))
            split = words.get("split", "")
            clip = Clip(
                path,
                path,
                label,
                words.get("speaker", "-"),
                self._system(words),
                self.splits.get(split.casefold(), split),
                columns.setdefault(key, Columns(*key)),
            )
            parts[clip.split] += 1
            clips.append(clip)
        notes = _notes(listing, strangers)
        if not clips:
            said = f"; {'; '.join(notes)}" if notes else ""
            raise DatasetError(f"{root}: no audio like {' or '.join(self.templates)}{said}")
        counts = Counter(clip.label for clip in clips)
        used = next(one for one in self.templates if _pattern(one) == pattern)
        layout = f"{self.title or self.name}: paths like {used}"
        return Dataset(
            self.name, root, tuple(clips), layout, notes + self.unexpected(counts, parts)
        )

    def _pattern(self, paths: list[str]) -> re.Pattern[str]:
        """The first template that fits a path, or the first if none does."""
        patterns = [_pattern(template) for template in self.templates]
        stems = [path.rpartition(".")[0] for path in paths]
        fitting = (one for one in patterns if any(map(one.fullmatch, stems)))
        return next(fitting, patterns[0])

    def _label(self, found: Mapping[str, str], where: str) -> Label:
        if isinstance(self.label, Label):
            return self.label
        word = found[self.label]
        words = {**LABEL_WORDS, **self.labels}
        if self.others is not None and word.casefold() not in words:
            return self.others
        return parse_label(word, where, self.labels)

    def _system(self, found: Mapping[str, str]) -> str:
        word = found.get("system", "-")
        words = {**LABEL_WORDS, **self.labels}
        return "-" if words.get(word.casefold()) is Label.BONAFIDE else word


def _pattern(template: str) -> re.Pattern[str]:
    pieces, place = [], 0
    for found in _FIELD.finditer(template):
        pieces.append(re.escape(template[place : found.start()]))
        place = found.end()
        name, stars = found.groups()
        if name:
            pieces.append(rf"(?P<{name}>[^/]+?)")
        else:
            pieces.append(r"(?:[^/]+/)*" if stars == "**/" else r"[^/]*")
    pieces.append(re.escape(template[place:]))
    return re.compile("".join(pieces))


def _notes(listing: Listing, strangers: list[str]) -> tuple[str, ...]:
    notes = []
    if strangers:
        n_files = counted(len(strangers), "audio file")
        notes.append(f"{n_files} that the corpus does not name so, left out: {few(strangers)}")
    return (*notes, *listing.notes())
