"""Table: corpora whose protocol files list a clip per row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from fvx.datasets.clip import Dataset
from fvx.datasets.label import Label
from fvx.datasets.layout import Layout
from fvx.datasets.rows import read_rows
from fvx.datasets.table_reader import Positions, TableReader
from fvx.errors import DatasetError


@dataclass(frozen=True)
class Table(Layout):
    """A corpus with protocol files: they, and no listing of a folder, say which clips exist.

    Attributes
    ----------
    protocols : tuple of str
        Where protocol files lie below the root, ``*`` allowed. The first pattern that finds
        any counts, and all that it finds.
    delimiter : str
        One character; a space stands for any run of spaces and tabs.
    quoting : bool
        Whether double quotes may enclose a field.
    columns : tuple of str
        Column names of a file without header; empty if its first row names them.
    clip : str
        Column that holds the clip's id.
    audio : tuple of str
        Where a clip's audio may lie below the root, best first, with column names in braces:
        ``"flac/{trial}.flac"``. ``{protocol}``, ``{folder}`` and ``{split}`` stand for the
        protocol file's name, for its folder, and for the clip's split. Where the file is
        not there, other audio extensions are tried.
    label : str or Label
        Column that holds the label, or the label of all.
    labels : mapping of str to Label
        Label words besides `LABEL_WORDS`, in lower case.
    unlabelled : tuple of str
        Words, in lower case, by which the authors say that they do not know: such clips are
        left out, and counted.
    speaker, system, split : str
        Columns that hold them (``protocol`` and ``folder`` will do too); empty if none does.
    splits : mapping of str to str
        What words of the split column, in lower case, are to be called.
    placeholders : tuple of str
        Words in the speaker and system columns that mean "none". So do words for bona fide
        in the system column.
    constants : mapping of str to str
        Further columns, the same for every clip.
    markers : tuple of str
        What else must lie in the protocol file's folder for the corpus to be recognised.
    segments : tuple of str
        Where label files of short segments may lie, best first, with ``{split}`` and
        ``{resolution_s}`` in braces; empty where clips are of one kind throughout.
    segment_words : mapping of str to Label
        What stands in them.
    """

    _: KW_ONLY
    protocols: tuple[str, ...]
    delimiter: str = ","
    quoting: bool = True
    columns: tuple[str, ...] = ()
    clip: str = "file"
    audio: tuple[str, ...] = ("{file}",)
    label: str | Label = "label"
    labels: Mapping[str, Label] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    speaker: str = "speaker"
    system: str = ""
    split: str = ""
    splits: Mapping[str, str] = field(default_factory=dict)
    placeholders: tuple[str, ...] = ("", "-")
    constants: Mapping[str, str] = field(default_factory=dict)
    markers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    segment_words: Mapping[str, Label] = field(default_factory=dict)

    def knows(self) -> frozenset[str]:
        """Return which of speaker, system and split have a column."""
        columns = {"speaker": self.speaker, "system": self.system, "split": self.split}
        return frozenset(thing for thing, column in columns.items() if column)

    def marker(self, root: Path) -> str:
        """Return the pattern that finds protocol files, if the first row in them fits."""
        pattern, files = self._find(root)
        try:
            for file in files[:1]:
                if not all((file.parent / marker).exists() for marker in self.markers):
                    return ""
                _, first = next(read_rows(file, self.delimiter, self.quoting), (0, []))
                Positions.of(self, first, str(file))
                return pattern
        except DatasetError:
            pass  # a file of that name that says something else
        return ""

    def read(self, root: Path) -> Dataset:
        """Read every protocol file, and look for each clip's audio."""
        pattern, files = self._find(root)
        if not files:
            raise DatasetError(f"{root}: holds no {' or '.join(self.protocols)}")
        reader = TableReader(self, root)
        for file in files:
            reader.read(file)
        layout = f"{self.title or self.name}: table {pattern}"
        return reader.dataset(layout)

    def _find(self, root: Path) -> tuple[str, list[Path]]:
        for pattern in self.protocols:
            if files := sorted(file for file in root.glob(pattern) if file.is_file()):
                return pattern, files
        return "", []
