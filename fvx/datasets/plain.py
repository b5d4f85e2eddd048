"""Plain files: recordings of one kind, without any table or folder that says so."""

from __future__ import annotations

from pathlib import Path

from fvx.datasets.clip import Clip, Dataset
from fvx.datasets.label import LABEL_WORDS, Label
from fvx.datasets.listing import Listing, counted, is_audio
from fvx.errors import DatasetError


def label_and_path(text: str) -> tuple[Label, Path] | None:
    """Take ``bonafide:my/folder`` apart; None if no label word stands before a colon."""
    word, colon, rest = text.partition(":")
    if not colon or not rest or word.casefold() not in LABEL_WORDS:
        return None
    return LABEL_WORDS[word.casefold()], Path(rest)


def read_plain(label: Label, path: Path) -> Dataset:
    """Read one audio file, or all those below a folder, as clips of one label.

    Returns
    -------
    Dataset
        Named after the file or folder; no speakers, systems or splits are known.

    Raises
    ------
    DatasetError
        If there is no such file or folder, or no audio in it.
    """
    path = path.absolute()
    notes: tuple[str, ...] = ()
    if path.is_file() and is_audio(path.name):
        root, names = path.parent, [path.name]
    elif path.is_dir():
        listing = Listing(path)
        root, names = path, list(listing.walk())
        notes = listing.notes()
    else:
        raise DatasetError(f"{path}: neither an audio file nor a folder")
    if not names:
        raise DatasetError(f"{path}: no audio in it")
    clips = tuple(Clip(name, name, label) for name in names)
    layout = f"plain files: {counted(len(clips), 'clip')}, all {label}"
    return Dataset(path.name, root, clips, layout, notes)
