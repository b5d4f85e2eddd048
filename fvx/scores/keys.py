"""Keys: which trials are bona fide, as challenges list it, and how that joins scores."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fvx.datasets.label import LABEL_WORDS, parse_label
from fvx.errors import ScoreError
from fvx.scores.files import UNKNOWN
from fvx.scores.scores import Scores, examples

# Columns of keys without a header, by their number: ASVspoof 2019, 2021 LA, 5 and 2021 DF.
_LAYOUTS: Mapping[int, tuple[str, ...]] = {
    2: ("clip", "label"),
    5: ("speaker", "clip", "environment", "system", "label"),
    8: ("speaker", "clip", "codec", "transmission", "system", "label", "trim", "subset"),
    10: (
        "speaker", "clip", "gender", "codec", "codec_quality", "codec_seed", "attack", "system",
        "label", "",
    ),
    13: (
        "speaker", "clip", "codec", "source", "system", "label", "trim", "subset", "vocoder",
        "task", "team", "gender", "language",
    ),
}  # fmt: skip
_NAMES = {
    "clip": ("clip", "file", "filename", "file_name", "path", "utterance", "utt", "trial", "id"),
    "label": ("label", "cm-label", "cm_label", "key", "class"),
    "speaker": ("speaker", "spk", "speaker_id"),
    "system": ("system", "attack"),
    "subset": ("subset", "split", "partition"),
}
_DELIMITERS = (",", "\t", ";", "|")
_SUBSETS = {
    "train": {"train", "trn"},
    "development": {"dev", "development", "progress", "valid", "validation"},
    "test": {"eval", "test", "evaluation"},
}


@dataclass(frozen=True)
class Key:
    """What is known of each trial, in parallel columns.

    Attributes
    ----------
    path : Path
    clips : tuple of str
        Each occurs once.
    labels : tuple of {"bonafide", "spoof"}
    columns : mapping of str to tuple of str
        Speaker, system, subset, codec and whatever else the key lists.
    """

    path: Path
    clips: tuple[str, ...]
    labels: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]

    def label(self, scores: Scores, subset: str = "test") -> tuple[Scores, str]:
        """Put labels to scores, trial by trial.

        Parameters
        ----------
        subset : {"train", "development", "test", "all"}
            Trials to take, where the key divides them: ``test`` is what challenges call
            *eval*, ``development`` *dev* or *progress*. Others may have scores or not.

        Returns
        -------
        scores : Scores
            In the key's order, with its columns.
        words : str
            Which trials these are.

        Raises
        ------
        ScoreError
            If a trial has no score, a score no trial, labels in the score file say otherwise,
            or the subset is empty; says how many and names some.
        """
        place = {clip: row for row, clip in enumerate(scores.clips)}
        self._refuse_strangers(scores)
        rows, words = self._rows(subset)
        missing = [self.clips[row] for row in rows if self.clips[row] not in place]
        if missing:
            raise ScoreError(
                f"{self.path}: {len(missing)} of {len(rows)} trials have no score, such as "
                f"{examples(missing)}"
            )
        chosen = [place[self.clips[row]] for row in rows]
        labels = tuple(self.labels[row] for row in rows)
        if scores.labels is not None:
            other = [
                self.clips[row]
                for row, there, label in zip(rows, chosen, labels, strict=True)
                if scores.labels[there] != label
            ]
            if other:
                raise ScoreError(
                    f"{self.path}: {len(other)} of {len(rows)} trials have another label in the "
                    f"score file, such as {examples(other)}"
                )
        columns = {name: tuple(cells[row] for row in rows) for name, cells in self.columns.items()}
        speakers, systems = columns.pop("speaker", None), columns.pop("system", None)
        labelled = Scores(
            tuple(self.clips[row] for row in rows), scores.values[np.array(chosen)], labels,
            speakers, systems, columns,
        )  # fmt: skip
        return labelled, words

    def _refuse_strangers(self, scores: Scores) -> None:
        known = set(self.clips)
        strangers = [clip for clip in scores.clips if clip not in known]
        if not strangers:
            return
        bare = {clip.rpartition(".")[0] or clip for clip in strangers}
        hint = ""
        if len(strangers) == len(scores.clips):
            hint = f"; the key's are like {examples(self.clips)}"
            if bare & known or {clip.rpartition(".")[0] for clip in known} & set(strangers):
                hint += ": one of the two has a file ending that the other has not"
        raise ScoreError(
            f"{self.path}: {len(strangers)} of {len(scores.clips)} scores are of trials that the "
            f"key does not list, such as {examples(strangers)}{hint}"
        )

    def _rows(self, subset: str) -> tuple[list[int], str]:
        everything = list(range(len(self.clips)))
        subsets = self.columns.get("subset")
        if subset == "all" or subsets is None or len(set(subsets)) < 2:
            return everything, "every trial"
        rows = [row for row in everything if subsets[row].casefold() in _SUBSETS[subset]]
        if not rows:
            raise ScoreError(
                f"{self.path}: no trial of the {subset} subset; there are "
                f"{', '.join(sorted(set(subsets)))} (--subset all takes every one)"
            )
        names = "/".join(sorted({subsets[row] for row in rows}))
        return rows, f"subset {names}, {len(rows)} of {len(self.clips)} trials"


def read_key(path: str | Path) -> Key:
    """Read a key file.

    Parameters
    ----------
    path : path
        Without a header, as ASVspoof 2019 (5 columns), 2021 LA (8), 5 (10) and 2021 DF (13)
        publish them, or ``id label``; or with one that names a trial (clip, file, filename, …)
        and a label (label, key, cm-label, …), delimited by comma, tab, semicolon or bar.

    Raises
    ------
    ScoreError
        If it cannot be read, no such form is recognised, or a trial repeats; with the line.
    UnknownLabel
        If a label is another word.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read ({error.strerror})") from error
    lines = [
        (number, line)
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines:
        raise ScoreError(f"{path}: holds no trials")
    names, rows = _with_header(lines) or _without(path, lines)
    clip, label = names.index("clip"), names.index("label")
    numbers, cells = [], []
    for number, row in rows:
        if len(row) != len(names):
            raise ScoreError(f"{path}:{number}: expected {len(names)} columns, got {len(row)}")
        numbers.append(number)
        cells.append(row)
    columns = list(zip(*cells, strict=True))
    if not columns:
        raise ScoreError(f"{path}: holds no trials")
    if len(set(columns[clip])) < len(columns[clip]):
        again = [name for name, times in Counter(columns[clip]).items() if times > 1]
        raise ScoreError(f"{path}: {len(again)} trials occur twice or more: {examples(again)}")
    labels = tuple(
        str(parse_label(word, f"{path}:{number}"))
        for number, word in zip(numbers, columns[label], strict=True)
    )
    more = {
        name: tuple(cell or UNKNOWN for cell in columns[i])
        for i, name in enumerate(names)
        if name and i not in (clip, label)
    }
    if "system" in more:  # some keys write "bonafide" where there is none
        more["system"] = tuple(
            UNKNOWN if word == "bonafide" else system
            for system, word in zip(more["system"], labels, strict=True)
        )
    return Key(path, tuple(columns[clip]), labels, more)


Rows = Iterator[tuple[int, list[str]]]


def _with_header(lines: Sequence[tuple[int, str]]) -> tuple[list[str], Rows] | None:
    for delimiter in _DELIMITERS:
        header = [name.strip() for name in next(csv.reader([lines[0][1]], delimiter=delimiter))]
        names = [name.casefold() for name in header]
        for ours, theirs in _NAMES.items():
            found = next((name for name in theirs if name in names), None)
            if found is not None and ours not in names[: names.index(found)]:
                names[names.index(found)] = ours
        if "clip" in names and "label" in names:
            rows = (
                (number, [c.strip() for c in next(csv.reader([line], delimiter=delimiter), [])])
                for number, line in lines[1:]
            )
            return names, rows
    return None


def _without(path: Path, lines: Sequence[tuple[int, str]]) -> tuple[list[str], Rows]:
    cells = lines[0][1].split()
    names = _LAYOUTS.get(len(cells), ("",) * len(cells))
    if "label" not in names or cells[names.index("label")].casefold() not in LABEL_WORDS:
        # An id may have spaces, if a label is all that follows.
        if cells[-1].casefold() not in LABEL_WORDS or len(cells) < 2:
            raise ScoreError(
                f"{path}:{lines[0][0]}: no key of a form that is known, got {lines[0][1]!r}; a "
                "header that names a clip and a label column makes any table one"
            )
        names = _LAYOUTS[2]
    n_left = len(names) - 1 if len(names) == 2 else -1
    return list(names), ((number, line.rsplit(maxsplit=n_left)) for number, line in lines)
