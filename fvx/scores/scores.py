"""Scores: one number per clip, higher for bona fide, beside what is known of the clip."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx import notebook
from fvx.atomic import replacing
from fvx.errors import ScoreError
from fvx.scores import files
from fvx.scores.files import LABELS, Format

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_N_EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of clips, in parallel columns.

    Attributes
    ----------
    clips : tuple of str, length n_clips
        Clip ids; each occurs once. Spaces inside are allowed.
    values : float64 array, shape (n_clips,)
        Higher means bona fide; a natural log-likelihood ratio once calibrated. Read-only.
    labels : tuple of {"bonafide", "spoof"}, or None
    speakers, systems : tuple of str, or None
        ``"-"`` where unknown, as is the system of a bona fide clip.
    extra : mapping of str to tuple of str
        What else is known of each clip (codec, language, source, …), by column; empty where
        it is not.

    Raises
    ------
    ScoreError
        If there is no clip, columns differ in length, an id repeats, a score is NaN or
        infinite, a label is another word, or a name is empty, is surrounded by blanks or
        holds a control character (no score file could give it back). Says how many clips it
        concerns, and names some.
    """

    clips: tuple[str, ...]
    values: NDArray[np.float64]
    labels: tuple[str, ...] | None = None
    speakers: tuple[str, ...] | None = None
    systems: tuple[str, ...] | None = None
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "clips", tuple(self.clips))
        values = np.array(self.values, np.float64)
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        if values.shape != (len(self.clips),) or not self.clips:
            raise ScoreError(f"{len(self.clips)} clips, but scores of shape {values.shape}")
        extra = {name: tuple(column) for name, column in self.extra.items()}
        object.__setattr__(self, "extra", extra)
        columns = {"labels": self.labels, "speakers": self.speakers, "systems": self.systems}
        for name, column in (columns | extra).items():
            if column is not None and len(column) != len(self.clips):
                raise ScoreError(f"{len(self.clips)} clips, but {len(column)} {name}")
        names = (self.speakers, self.systems)
        fault = _first_fault(values, self.clips, self.labels, names, extra)
        if fault:
            raise ScoreError(fault[1])
        for name, column in columns.items():
            if column is not None:
                # An enumeration of the same words becomes plain words.
                plain = map(LABELS.__getitem__, column) if name == "labels" else column
                object.__setattr__(self, name, tuple(plain))

    def _repr_html_(self) -> str:
        columns = {"clip": self.clips, "score": self.values.tolist()}
        known = {"label": self.labels, "speaker": self.speakers, "system": self.systems}
        told = {name: column for name, column in known.items() if column is not None}
        return notebook.scores_html(len(self.clips), {**columns, **told, **self.extra})

    @property
    def bonafide(self) -> NDArray[np.float64]:
        """Scores of the bona fide clips, in order; `ScoreError` without labels."""
        return self.values[self.where("bonafide")]

    @property
    def spoof(self) -> NDArray[np.float64]:
        """Scores of the spoofs, in order; `ScoreError` without labels."""
        return self.values[self.where("spoof")]

    def where(self, label: str) -> NDArray[np.bool_]:
        """Which clips carry the label, shape (n_clips,); `ScoreError` without labels."""
        if self.labels is None:
            raise ScoreError("these scores come without labels")
        return np.array([word == label for word in self.labels])

    def column(self, name: str) -> tuple[str, ...]:
        """What stands in a column, ``speaker`` and ``system`` among them.

        Raises
        ------
        ScoreError
            If there is no such column; says which there are.
        """
        there = {"speaker": self.speakers, "system": self.systems, **self.extra}
        column = there.get(name)
        if column is None:
            names = ", ".join(key for key, cells in there.items() if cells is not None)
            raise ScoreError(f"the clips have no column {name!r}; there are: {names or 'none'}")
        return column

    def write(self, path: str | Path, format: Format = "fvx") -> None:
        """Write a score file; it appears whole or not at all.

        Parameters
        ----------
        format : {"fvx", "asvspoof2019", "asvspoof2021", "asvspoof5"}
            ``fvx`` is CSV with a comment on top that states the polarity, and loses nothing.
            The others are what the official scripts accept: ``id system key score``,
            ``id score``, and ``filename`` and ``cm-score`` with a tab between.

        Raises
        ------
        ScoreError
            If the format is unknown, asvspoof2019 is asked for without labels, or the file
            cannot be written.

        Notes
        -----
        Scores are written with as many digits as give back the very same number. Blanks in
        the name of a system become underscores in asvspoof2019, which has no quoting.
        """
        files.known(format)
        if format == "asvspoof2019" and self.labels is None:
            raise ScoreError("asvspoof2019 states the key of each clip; these have no labels")
        table = files.Table(
            0, self.clips, self.values.tolist(), self.labels, self.speakers, self.systems,
            self.extra,
        )  # fmt: skip
        try:
            with (
                replacing(path) as temporary,
                temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
            ):
                file.writelines(files.lines(format, table))
        except OSError as error:
            raise ScoreError(f"{path}: cannot be written ({error.strerror})") from error

    @classmethod
    def read(cls, path: str | Path, format: Format | None = None) -> Scores:
        """Read a score file.

        Parameters
        ----------
        format : str or None
            One of those that `write` knows. None: told by the first line, namely fvx by its
            comment, asvspoof5 by its header, asvspoof2019 by a key before the score, else
            asvspoof2021.

        Raises
        ------
        ScoreError
            If the file is missing or empty, or (with the number of the line) if columns are
            wrong, a score is no finite number, an id repeats, or the polarity is not stated.
        """
        if format is not None:
            files.known(format)
        try:
            text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ScoreError(f"{path}: cannot be read ({error.strerror})") from error
        table = files.parse(path, text, format)
        values, names = np.array(table.scores), (table.speakers, table.systems)
        fault = _first_fault(values, table.clips, table.labels, names, table.extra)
        if fault:
            raise ScoreError(f"{path}:{table.n_header + 1 + fault[0]}: {fault[1]}")
        return cls(table.clips, values, table.labels, *names, table.extra)


def examples(names: Sequence[str]) -> str:
    """A few of many names, for an error."""
    shown = ", ".join(repr(name) for name in names[:_N_EXAMPLES])
    return f"{shown}, …" if len(names) > _N_EXAMPLES else shown


def _first_fault(
    values: NDArray[np.float64],
    clips: Sequence[str],
    labels: Sequence[str] | None,
    names: Sequence[Sequence[str] | None],
    extra: Mapping[str, Sequence[str]],
) -> tuple[int, str] | None:
    """Index of the first row that no score file may hold, and why, with how many are like it."""
    faults: list[tuple[int, str]] = []

    def note(rows: Sequence[int], words: str, alike: str) -> None:
        more = [clips[row] for row in rows[1:]]
        rest = f" ({len(rows)} {alike} in all, also {examples(more)})" if more else ""
        faults.append((rows[0], f"clip {clips[rows[0]]!r}{words}{rest}"))

    for column in (clips, *names):
        if column is not None and (rows := _rows(column, lambda name: not _is_name(name))):
            note(rows, f": {column[rows[0]]!r} cannot be a name in a score file", "such")
    for name, column in extra.items():
        if rows := _rows(column, lambda cell: bool(_CONTROL.search(cell))):
            note(rows, f": {name} {column[rows[0]]!r} holds a control character", "such")
    if rows := _again(clips):
        times = clips.count(clips[rows[0]])
        note(rows, f" occurs {'twice' if times == 2 else f'{times} times'}", "repetitions")
    if rows := np.flatnonzero(~np.isfinite(values)).tolist():
        note(rows, f" has the score {values[rows[0]]}", "NaN or infinite")
    if labels is not None and (rows := _rows(labels, lambda label: label not in LABELS)):
        note(rows, f": label {labels[rows[0]]!r} is not bonafide or spoof", "such labels")
    return min(faults, default=None)


def _rows(column: Sequence[str], is_bad: Callable[[str], bool]) -> list[int]:
    """Where bad names stand; each distinct one is looked at once."""
    bad = set(filter(is_bad, set(column)))
    return [row for row, name in enumerate(column) if name in bad] if bad else []


def _again(clips: Sequence[str]) -> list[int]:
    """Rows whose id has occurred before."""
    seen: set[str] = set()
    rows = []
    if len(set(clips)) < len(clips):
        for row, clip in enumerate(clips):
            if clip in seen:
                rows.append(row)
            seen.add(clip)
    return rows


def _is_name(name: str) -> bool:
    return bool(name) and name == name.strip() and not _CONTROL.search(name)
