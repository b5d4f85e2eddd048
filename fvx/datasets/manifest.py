"""Manifests: a user's own table of clips, whose form is found out from its header."""

from __future__ import annotations

import csv
import glob
from dataclasses import replace
from pathlib import Path

from fvx.datasets.clip import Dataset
from fvx.datasets.listing import is_audio
from fvx.datasets.rows import PARQUET, read_rows
from fvx.datasets.spans import COLUMN, parse_spans
from fvx.datasets.table import Table
from fvx.datasets.tree import SPLIT_WORDS
from fvx.errors import DatasetError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# The first name found counts; columns that are left over go to `Clip.extra`.
FILE_COLUMNS = ("file", "path", "filename", "clip")
LABEL_COLUMNS = ("label", "key", "class")
SPEAKER_COLUMNS = ("speaker",)
SYSTEM_COLUMNS = ("system", "attack")
SPLIT_COLUMNS = ("split", "subset", "partition")


def read_manifest(path: Path) -> Dataset:
    """Read a table with a header; audio paths in it are relative to its folder.

    Parameters
    ----------
    path : Path
        Parquet, or a text file, UTF-8, delimited by comma, semicolon, tab or bar. Its header
        names at least a file column (file, path, filename or clip) and a label column (label,
        key or class), in any case. Words such as training or eval in the split column become
        train, dev and test. A column ``spans`` says what is synthetic of partly fake clips, as
        `parse_spans` reads it.

    Raises
    ------
    DatasetError
        If the header names neither, or a row cannot be read, its spans included.
    """
    header, names_by = _header(path)
    for delimiter, names in names_by.items():
        by_lower = {name.strip().lower(): name.strip() for name in reversed(names)}

        def column(choices: tuple[str, ...], there: dict[str, str] = by_lower) -> str:
            return next((there[choice] for choice in choices if choice in there), "")

        file, label = column(FILE_COLUMNS), column(LABEL_COLUMNS)
        if file and label:
            table = Table(
                name=path.stem,
                protocols=(glob.escape(path.name),),
                delimiter=delimiter,
                clip=file,
                audio=(f"{{{file}}}",),
                label=label,
                speaker=column(SPEAKER_COLUMNS),
                system=column(SYSTEM_COLUMNS),
                split=column(SPLIT_COLUMNS),
                splits=SPLIT_WORDS,
            )
            word = f", delimited by {DELIMITERS[delimiter]}" if delimiter in DELIMITERS else ""
            layout = f"a manifest: {path.name}{word}"
            dataset = replace(table.read(path.parent), layout=layout)
            if COLUMN in (name.strip() for name in names):
                # Read here only to refuse what cannot be read, before hours of extraction.
                for clip in dataset.clips:
                    parse_spans(clip.extra[COLUMN], clip.id, clip.label)
            return dataset
    raise DatasetError(
        f"{path}: its first line names no file column ({', '.join(FILE_COLUMNS)}) or no label "
        f"column ({', '.join(LABEL_COLUMNS)}): {header[:80]!r}"
    )


def _header(path: Path) -> tuple[str, dict[str, list[str]]]:
    """The first line, and the names that it holds by each delimiter."""
    if is_audio(path.name):
        raise DatasetError(
            f"{path}: an audio file; a corpus is a manifest or a folder (or say what it is: "
            f"bonafide:{path.name})"
        )
    if path.suffix.lower() == PARQUET:
        _, names = next(read_rows(path, ""))
        return ", ".join(names), {"": names}
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = next((line.rstrip("\n") for line in file if line.strip()), "")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error
    return line, {
        delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in DELIMITERS
    }
