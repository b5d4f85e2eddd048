"""Tree: corpora whose folder names say what their clips are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from fvx.datasets.clip import Clip, Dataset
from fvx.datasets.label import LABEL_WORDS, Label
from fvx.datasets.layout import Layout
from fvx.datasets.listing import AUDIO_EXTENSIONS, Listing, counted, few
from fvx.errors import DatasetError

SPLIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "development", "val", "valid", "validation"), "dev"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


@dataclass(frozen=True)
class Tree(Layout):
    """A corpus without protocol: a folder somewhere above a clip names its label.

    Attributes
    ----------
    labels : mapping of str to Label
        Folder names besides `LABEL_WORDS`, in lower case: such a folder of spoof clips is
        taken for the name of the system that made them.
    splits : mapping of str to str
        Folder names, in lower case, and the split they stand for; the outermost counts.
    markers : tuple of str
        Folders that all must be there for the corpus to be recognised; if empty it never is.
    """

    _: KW_ONLY
    labels: Mapping[str, Label] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=lambda: SPLIT_WORDS)
    markers: tuple[str, ...] = ()

    def marker(self, root: Path) -> str:
        """Return the marker folders, if all are there."""
        there = all((root / folder).is_dir() for folder in self.markers)
        return ", ".join(self.markers) if there else ""

    def read(self, root: Path) -> Dataset:
        """Walk the folder; every audio file below a folder that names a label is a clip."""
        listing = Listing(root)
        clips: list[Clip] = []
        unlabelled: list[str] = []
        label_folders: Counter[str] = Counter()
        folder, kind = None, None
        for path in listing.walk():
            above = path.rpartition("/")[0]
            if above != folder:
                folder, kind = above, self._kind(root, above)
            if kind is None:
                unlabelled.append(path)
                continue
            name, label, system, split = kind
            label_folders[name] += 1
            clips.append(Clip(path, path, label, system=system, split=split))
        notes = _notes(listing, unlabelled)
        if not clips:
            raise DatasetError(_nothing(root, notes))
        counts = Counter(clip.label for clip in clips)
        found = ", ".join(f"{name}/ ({n:,})" for name, n in sorted(label_folders.items()))
        title = self.title or "a folder tree"
        return Dataset(
            self.name, root, tuple(clips), f"{title}: {found}", notes + self.unexpected(counts)
        )

    def _kind(self, root: Path, folder: str) -> tuple[str, Label, str, str] | None:
        """Folder that names the label, label, system and split of the clips in a folder."""
        names = [name for name in folder.split("/") if name]
        words = {**LABEL_WORDS, **self.labels}
        naming = [(name, words[name.casefold()]) for name in names if name.casefold() in words]
        if not naming:
            return None
        if len({label for _, label in naming}) > 1:
            raise DatasetError(
                f"{root / folder}: both a bona fide and a spoof folder: "
                + ", ".join(name for name, _ in naming)
            )
        name, label = naming[-1]
        is_system = label is Label.SPOOF and name.casefold() in self.labels
        splits = [self.splits[n.casefold()] for n in names if n.casefold() in self.splits]
        return name, label, name if is_system else "-", splits[0] if splits else ""


def _notes(listing: Listing, unlabelled: list[str]) -> tuple[str, ...]:
    notes = []
    if unlabelled:
        n_files = counted(len(unlabelled), "audio file")
        notes.append(f"{n_files} under no folder that names a label, left out: {few(unlabelled)}")
    return (*notes, *listing.notes())


def _nothing(root: Path, notes: tuple[str, ...]) -> str:
    """What to say of a folder without a single clip."""
    try:
        there = sorted(entry.name for entry in root.iterdir())
    except OSError as error:
        return f"{root}: cannot be listed ({error.strerror})"
    tables = [name for name in there if name.lower().endswith((".csv", ".tsv", ".txt"))]
    hint = f"; if {tables[0]} lists the clips, name that file" if tables else ""
    said = f"; {'; '.join(notes)}" if notes else ""
    return (
        f"{root}: no clips. It holds {few(there) or 'nothing'}{said}. Expected are folders named "
        f"like bonafide and spoof (or real and fake, …) with {', '.join(AUDIO_EXTENSIONS)}{hint}"
    )
