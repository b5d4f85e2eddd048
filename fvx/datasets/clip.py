"""Clip and Dataset: which recordings there are, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fvx.datasets.label import Label
from fvx.errors import DatasetError


class Columns(Mapping[str, str]):
    """The remaining columns of a clip: read-only, and small enough for 600,000 clips.

    Parameters
    ----------
    names, cells : tuple of str
        Column names, shared by the clips of a corpus, and what stands in them.
    """

    __slots__ = ("_cells", "_names")

    def __init__(self, names: tuple[str, ...] = (), cells: tuple[str, ...] = ()) -> None:
        self._names = names
        self._cells = cells

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        return self._cells[self._names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __hash__(self) -> int:
        return hash(frozenset(self.items()))

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording of a corpus.

    Attributes
    ----------
    id : str
        As the protocol names it; unique in its dataset.
    path : str
        Audio file, relative to the dataset's root, with forward slashes.
    label : Label
    speaker, system : str
        Who speaks, and what made it; ``-`` where that is unknown or nothing did.
    split : str
        Part of the corpus as its authors divide it; empty where they do not.
    extra : mapping of str to str
        The protocol's remaining columns.
    """

    id: str
    path: str
    label: Label
    speaker: str = "-"
    system: str = "-"
    split: str = ""
    extra: Mapping[str, str] = field(default=Columns(), hash=False)


@dataclass(frozen=True)
class Dataset:
    """A corpus as it was found on this machine.

    Attributes
    ----------
    name : str
    root : Path
        Folder that clip paths are relative to.
    clips : tuple of Clip
        Every clip whose audio is there, in the protocol's order.
    layout : str
        Which layout was recognised, in words.
    notes : tuple of str
        What was counted and deserves saying, a sentence each.
    missing : tuple of str
        Ids of clips that the protocol lists and that have no audio.
    mounts : mapping of str to Path
        Of a combination, the folder that each first part of a clip's path stands for; empty
        where all lies below the root.
    """

    name: str
    root: Path
    clips: tuple[Clip, ...]
    layout: str
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    mounts: Mapping[str, Path] = field(default_factory=dict)

    def count(self, label: Label) -> int:
        """Return how many clips bear the label."""
        return sum(clip.label is label for clip in self.clips)

    def audio_path(self, clip: Clip) -> Path:
        """Return where the clip's audio lies.

        Raises
        ------
        DatasetError
            If the path is absolute, climbs with ``..``, or follows a link out of the root.
        """
        root, relative = self.root, PurePosixPath(clip.path)
        if relative.is_absolute() or ".." in relative.parts:
            raise DatasetError(f"clip {clip.id}: {clip.path} leaves the folder {root}")
        if self.mounts:
            name, _, rest = clip.path.partition("/")
            root, relative = self.mounts[name], PurePosixPath(rest)
        path = root / relative
        if not path.resolve().is_relative_to(root.resolve()):
            raise DatasetError(f"clip {clip.id}: {clip.path} is a link out of {root}")
        return path
