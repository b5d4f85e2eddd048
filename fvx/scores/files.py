"""The forms of score files: what a line of each looks like, and what it says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, get_args

from fvx.errors import ScoreError

Format = Literal["fvx", "asvspoof2019", "asvspoof2021", "asvspoof5"]

UNKNOWN = "-"
POLARITY = "# fvx scores: log-likelihood ratio, higher means bona fide"
LABELS = {"bonafide": "bonafide", "spoof": "spoof"}
_COLUMNS = ("clip", "score", "label", "speaker", "system")
_HEADER_ASVSPOOF5 = "filename\tcm-score"
_N_HEADER = {"fvx": 2, "asvspoof5": 1}


@dataclass(frozen=True)
class Table:
    """What a score file holds, in parallel columns.

    Attributes
    ----------
    n_header : int
        Lines before the first score.
    clips, scores : one entry a clip
    labels, speakers, systems : tuple of str, or None
        None where the file has no such column, or nothing in it.
    extra : mapping of str to tuple of str
        The remaining columns.
    """

    n_header: int
    clips: tuple[str, ...]
    scores: Sequence[float]
    labels: tuple[str, ...] | None
    speakers: tuple[str, ...] | None
    systems: tuple[str, ...] | None
    extra: Mapping[str, tuple[str, ...]]


def lines(format: Format, table: Table) -> Iterator[str]:
    """The lines of a score file, each with its end."""
    unknown = (UNKNOWN,) * len(table.clips)
    scores = map(repr, table.scores)
    if format == "fvx":
        yield f"{POLARITY}\n"
        # An empty cell says that the scores never had the column, "-" that it is unknown.
        empty = ("",) * len(table.clips)
        columns = [table.labels or empty, table.speakers or empty, table.systems or empty]
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow([*_COLUMNS, *table.extra])
        rows.writerows(zip(table.clips, scores, *columns, *table.extra.values(), strict=True))
        yield text.getvalue()
    elif format == "asvspoof2019":
        keys, systems = table.labels or unknown, table.systems or unknown
        for clip, system, key, score in zip(table.clips, systems, keys, scores, strict=True):
            yield f"{clip} {'_'.join(system.split())} {key} {score}\n"
    elif format == "asvspoof2021":
        yield from map("{} {}\n".format, table.clips, scores)
    else:
        yield f"{_HEADER_ASVSPOOF5}\n"
        yield from map("{}\t{}\n".format, table.clips, scores)


def parse(path: object, text: str, format: Format | None) -> Table:
    """Read the text of a score file; `ScoreError` with path and number of a line that is wrong."""
    rows = text.removesuffix("\n").split("\n")
    format = format or _told_by(rows[0])
    n_header = _N_HEADER.get(format, 0)
    extra = _extra_columns(path, rows[:n_header], format)
    cells: list[tuple[str, ...]] = []
    scores = []
    for number, row in enumerate(rows[n_header:], n_header + 1):
        try:
            clip, score, *rest = _cells(row, format, len(_COLUMNS) + len(extra))
            scores.append(_number(score))
            cells.append((clip, *rest))
        except (ValueError, csv.Error) as error:
            raise ScoreError(f"{path}:{number}: {error}") from error
    if not cells:
        raise ScoreError(f"{path}: holds no scores")
    clips, *columns = zip(*cells, strict=True)
    labels, speakers, systems = (column if any(column) else None for column in columns[:3])
    more = dict(zip(extra, columns[3:], strict=True))
    return Table(n_header, clips, scores, labels, speakers, systems, more)


def known(format: str) -> None:
    """Raise `ScoreError` for a format that there is not."""
    if format not in get_args(Format):
        raise ScoreError(f"no score format {format!r}; known: {', '.join(get_args(Format))}")


def _extra_columns(path: object, header: Sequence[str], format: Format) -> tuple[str, ...]:
    """Check the lines before the scores; return the names of columns beyond the usual."""
    if format == "fvx":
        if header[0] != POLARITY:
            raise ScoreError(f"{path}:1: expected {POLARITY!r}, got {header[0]!r}")
        names = tuple(chain.from_iterable(csv.reader(header[1:])))
        extra = names[len(_COLUMNS) :]
        if names[: len(_COLUMNS)] != _COLUMNS or len(set(names)) < len(names) or "" in extra:
            raise ScoreError(
                f"{path}:2: expected the columns {','.join(_COLUMNS)}, then others if any, each "
                "once"
            )
        return extra
    if format == "asvspoof5" and list(header) != [_HEADER_ASVSPOOF5]:
        raise ScoreError(f"{path}:1: expected {_HEADER_ASVSPOOF5!r}, got {header[0]!r}")
    return ()


def _cells(line: str, format: Format, n_columns: int) -> tuple[str, ...]:
    """Id, score, label, speaker, system and the rest of a line; empty where there is none."""
    if format == "fvx":
        cells = next(csv.reader([line], strict=True), [])
        if len(cells) != n_columns:
            raise ValueError(f"expected {n_columns} columns, got {len(cells)}")
        return tuple(cells)
    if format == "asvspoof5":
        cells, expected = line.split("\t"), "an id and a score with a tab between"
    elif format == "asvspoof2021":
        cells, expected = line.rsplit(maxsplit=1), "an id and a score"
    else:
        cells, expected = line.rsplit(maxsplit=3), "an id, a system, a key and a score"
    if len(cells) != (4 if format == "asvspoof2019" else 2):
        raise ValueError(f"expected {expected}, got {line!r}")
    if format == "asvspoof2019":
        clip, system, key, score = cells
        # spoof_SUPERB and others write "-" for a key that they do not tell.
        return clip, score, "" if key == UNKNOWN else key, "", system
    return cells[0], cells[1], "", "", ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"score {text!r} is no number") from None


def _told_by(line: str) -> Format:
    cells = line.rsplit(maxsplit=3)
    if line.startswith("#"):
        return "fvx"
    if line == _HEADER_ASVSPOOF5:
        return "asvspoof5"
    return "asvspoof2019" if len(cells) == 4 and cells[2] in LABELS else "asvspoof2021"
