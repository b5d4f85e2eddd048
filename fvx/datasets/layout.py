"""Layout: how a corpus lies on disk, as a record and not as code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from fvx.datasets.clip import Dataset
from fvx.datasets.label import Label
from fvx.datasets.remote import Remote


@dataclass(frozen=True)
class Layout(ABC):
    """What is known of a corpus before it is opened; `Table`, `Paths` and `Tree` read it.

    Attributes
    ----------
    name : str
        How the corpus is asked for; unique among the installed plugins.
    title : str
        What its authors call it.
    folder : str
        Where it lies below ``datasets/``; its name if empty.
    urls : tuple of str
        Where to get it; the first is the one an error names.
    licence, citation : str
    n_bonafide, n_spoof : int or None
        Clips its protocol lists; None where that is not published.
    n_parts : mapping of str to int
        Clips of each split, where that is published: who has only some of the splits is
        told of those alone.
    hours : float or None
    size : str
        Of the download, in words.
    remotes : tuple of Remote
        What `fvx datasets download` fetches, audio and keys; empty if it cannot.
    gated : str
        Whom to ask and where, for a corpus that is given on request only.
    traps : tuple of str
        What has misled readers of this corpus before, a sentence each.
    shipped : Path or None
        Where it lies when it came with a package: then ``datasets/`` is not looked into.
    """

    name: str
    _: KW_ONLY
    title: str = ""
    folder: str = ""
    urls: tuple[str, ...] = ()
    licence: str = ""
    citation: str = ""
    n_bonafide: int | None = None
    n_spoof: int | None = None
    n_parts: Mapping[str, int] = field(default_factory=dict)
    hours: float | None = None
    size: str = ""
    remotes: tuple[Remote, ...] = ()
    gated: str = ""
    traps: tuple[str, ...] = ()
    shipped: Path | None = None

    @abstractmethod
    def marker(self, root: Path) -> str:
        """Return what in the folder gives this corpus away; empty if nothing does."""

    @abstractmethod
    def read(self, root: Path) -> Dataset:
        """Read the corpus that lies in the folder.

        Raises
        ------
        DatasetError
            If it is missing, empty, or laid out otherwise; says where.
        """

    def place(self, home: Path) -> Path:
        """Return the folder this corpus is expected in, below ``home`` unless shipped."""
        return self.shipped or home / (self.folder or self.name)

    def knows(self) -> frozenset[str]:
        """Return which of speaker, system and split it tells of its clips."""
        return frozenset()

    def unexpected(
        self, counts: Mapping[Label, int], parts: Mapping[str, int] | None = None
    ) -> tuple[str, ...]:
        """Return notes on counts, of labels and of splits, that are not the published ones."""
        title, parts = self.title or self.name, parts or {}
        notes = [
            f"{title} has {expected:,} clips in {part} as published; {parts[part]:,} are listed "
            "here"
            for part, expected in self.n_parts.items()
            if parts.get(part, expected) != expected
        ]
        if lacking := [part for part in self.n_parts if not parts.get(part)]:
            return (*notes, f"{title} has {', '.join(lacking)}, too, listed nowhere here")
        found = (counts.get(Label.BONAFIDE, 0), counts.get(Label.SPOOF, 0))
        expected = (self.n_bonafide, self.n_spoof)
        if None not in expected and expected != found:
            notes.append(
                f"{title} has {expected[0]:,} bona fide and {expected[1]:,} spoof "
                f"clips as published; {found[0]:,} and {found[1]:,} are listed here"
            )
        return tuple(notes)
