"""Layout: how a corpus lies on disk, as a record and not as code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from fvx.datasets.clip import Dataset
from fvx.datasets.label import Label


@dataclass(frozen=True)
class Layout(ABC):
    """What is known of a corpus before it is opened; `Table` and `Tree` read two kinds.

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

    def unexpected(self, counts: Mapping[Label, int]) -> tuple[str, ...]:
        """Return a note if the counts are not the published ones."""
        expected = (self.n_bonafide, self.n_spoof)
        found = (counts.get(Label.BONAFIDE, 0), counts.get(Label.SPOOF, 0))
        if None in expected or expected == found:
            return ()
        return (
            f"{self.title or self.name} has {expected[0]:,} bona fide and {expected[1]:,} spoof "
            f"clips as published; {found[0]:,} and {found[1]:,} are listed here",
        )
