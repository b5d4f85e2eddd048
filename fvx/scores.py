"""Scores: one number per clip, higher for bona fide, and the files they are kept in."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.atomic import replacing
from fvx.errors import ScoreError

Format = Literal["fvx", "asvspoof2019", "asvspoof2021", "asvspoof5"]

UNKNOWN = "-"
POLARITY = "# fvx scores: log-likelihood ratio, higher means bona fide"
_COLUMNS = ["clip", "score", "label", "speaker", "system"]
_HEADER_ASVSPOOF5 = "filename\tcm-score"
_LABELS = {"bonafide": "bonafide", "spoof": "spoof"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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

    Raises
    ------
    ScoreError
        If there is no clip, columns differ in length, an id repeats, a score is NaN or
        infinite, a label is another word, or a name is empty, is surrounded by blanks or
        holds a control character (no score file could give it back).
    """

    clips: tuple[str, ...]
    values: NDArray[np.float64]
    labels: tuple[str, ...] | None = None
    speakers: tuple[str, ...] | None = None
    systems: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "clips", tuple(self.clips))
        values = np.array(self.values, np.float64)
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        if values.shape != (len(self.clips),) or not self.clips:
            raise ScoreError(f"{len(self.clips)} clips, but scores of shape {values.shape}")
        for name in ("labels", "speakers", "systems"):
            column = getattr(self, name)
            if column is not None:
                object.__setattr__(self, name, tuple(column))
                if len(column) != len(self.clips):
                    raise ScoreError(f"{len(self.clips)} clips, but {len(column)} {name}")
        fault = _first_fault(self.clips, values, self.labels, self.speakers, self.systems)
        if fault:
            raise ScoreError(fault[1])
        if self.labels is not None:  # an enumeration of the same words becomes plain words
            object.__setattr__(self, "labels", tuple(_LABELS[label] for label in self.labels))

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
        _known(format)
        if format == "asvspoof2019" and self.labels is None:
            raise ScoreError("asvspoof2019 states the key of each clip; these have no labels")
        try:
            with (
                replacing(path) as temporary,
                temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
            ):
                file.writelines(self._lines(format))
        except OSError as error:
            raise ScoreError(f"{path}: cannot be written ({error.strerror})") from error

    def _lines(self, format: Format) -> Iterator[str]:
        unknown = (UNKNOWN,) * len(self.clips)
        scores = [repr(value) for value in self.values.tolist()]
        if format == "fvx":
            yield f"{POLARITY}\n"
            # An empty cell says that the scores never had the column, "-" that it is unknown.
            empty = ("",) * len(self.clips)
            columns = (self.labels or empty, self.speakers or empty, self.systems or empty)
            table = io.StringIO()
            rows = csv.writer(table, lineterminator="\n")
            rows.writerow(_COLUMNS)
            rows.writerows(zip(self.clips, scores, *columns, strict=True))
            yield table.getvalue()
        elif format == "asvspoof2019":
            keys, systems = self.labels or unknown, self.systems or unknown
            for clip, system, key, score in zip(self.clips, systems, keys, scores, strict=True):
                yield f"{clip} {'_'.join(system.split())} {key} {score}\n"
        elif format == "asvspoof2021":
            yield from map("{} {}\n".format, self.clips, scores)
        else:
            yield f"{_HEADER_ASVSPOOF5}\n"
            yield from map("{}\t{}\n".format, self.clips, scores)

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
            _known(format)
        try:
            text = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ScoreError(f"{path}: cannot be read ({error.strerror})") from error
        lines = text.removesuffix("\n").split("\n")
        format = format or _told_by(lines[0])
        n_header = {"fvx": 2, "asvspoof5": 1}.get(format, 0)
        header = lines[:n_header]
        if format == "fvx":
            if header[0] != POLARITY:
                raise ScoreError(f"{path}:1: expected {POLARITY!r}, got {header[0]!r}")
            if header[1:] != [",".join(_COLUMNS)]:
                raise ScoreError(f"{path}:2: expected the columns {','.join(_COLUMNS)}")
        elif format == "asvspoof5" and header != [_HEADER_ASVSPOOF5]:
            raise ScoreError(f"{path}:1: expected {_HEADER_ASVSPOOF5!r}, got {header[0]!r}")
        rows = []
        for number, line in enumerate(lines[n_header:], n_header + 1):
            try:
                clip, score, *rest = _cells(line, format)
                rows.append((clip, _number(score), *rest))
            except (ValueError, csv.Error) as error:
                raise ScoreError(f"{path}:{number}: {error}") from error
        if not rows:
            raise ScoreError(f"{path}: holds no scores")
        clips, values, *columns = zip(*rows, strict=True)
        labels, speakers, systems = (column if any(column) else None for column in columns)
        fault = _first_fault(clips, np.array(values), labels, speakers, systems)
        if fault:
            raise ScoreError(f"{path}:{n_header + 1 + fault[0]}: {fault[1]}")
        return cls(clips, np.array(values), labels, speakers, systems)


def summarise(scores: Scores, threshold: float, protocol: str, seed: int = 0) -> dict[str, Any]:
    """All metrics of labelled scores, as `metrics.json` records them.

    Parameters
    ----------
    threshold : float
        Where decisions are made: bona fide at or above it. Chosen on development data.
    protocol : str
        What was evaluated, in words.
    seed : int
        For the bootstrap.

    Returns
    -------
    dict
        JSON-serialisable. Rates are fractions. ``interval`` says what was resampled for
        ``eer_ci95``, which is None where a class has a single clip. ``by_system``: each
        spoof system against all bona fide clips. ``by_speaker``: an EER where a speaker has
        clips of both classes, else their mean score; what is undefined is None. Speakers
        named "-" or "unknown…" are nobody: their clips are resampled one by one.

    Raises
    ------
    ScoreError
        If labels are missing, or a class is empty.
    """
    bonafide, spoof = scores.bonafide, scores.spoof
    decisions = metrics.confusion(bonafide, spoof, threshold)
    interval, of_bonafide, of_spoof = _resampling(scores)
    ci95 = None
    if min(len(bonafide), len(spoof)) > 1:  # else there is nothing to redraw
        low, high = metrics.bootstrap_ci(bonafide, spoof, _eer, of_bonafide, of_spoof, seed=seed)
        ci95 = [low, high]
    return {
        "protocol": protocol,
        "n_bonafide": len(bonafide),
        "n_spoof": len(spoof),
        "eer": metrics.eer(bonafide, spoof)[0],
        "eer_ci95": ci95,
        "interval": interval,
        "eer_asvspoof": metrics.eer_asvspoof(bonafide, spoof)[0],
        "auc": metrics.auc(bonafide, spoof),
        "min_dcf": metrics.min_dcf(bonafide, spoof),
        "act_dcf": metrics.act_dcf(bonafide, spoof),
        "cllr": metrics.cllr(bonafide, spoof),
        "cllr_min": metrics.cllr_min(bonafide, spoof),
        "accuracy": decisions.accuracy,
        "balanced_accuracy": decisions.balanced_accuracy,
        "f1": decisions.f1,
        "confusion": asdict(decisions),
        "threshold": float(threshold),
        "by_system": _by_system(scores, bonafide),
        "by_speaker": _by_speaker(scores),
    }


def _eer(bonafide: NDArray[np.float64], spoof: NDArray[np.float64]) -> float:
    return metrics.eer(bonafide, spoof)[0]


def _resampling(scores: Scores) -> tuple[str, list[str] | None, list[str] | None]:
    """What the bootstrap redraws, in words and as the groups of the two classes."""
    is_bonafide = scores.where("bonafide")
    n_clips, n_bonafide = len(is_bonafide), int(is_bonafide.sum())
    if min(n_bonafide, n_clips - n_bonafide) < 2:
        return "none: a class has a single clip", None, None
    speakers = scores.speakers or (UNKNOWN,) * n_clips
    n_alone = sum(not _is_somebody(speaker) for speaker in speakers)
    if n_alone == n_clips:
        return f"bootstrap over {n_clips} clips, no speaker known", None, None
    # A clip of nobody is a unit of its own; no speaker's name holds a control character.
    units = [who if _is_somebody(who) else f"\0{i}" for i, who in enumerate(speakers)]
    of_bonafide = list(itertools.compress(units, is_bonafide))
    of_spoof = list(itertools.compress(units, ~is_bonafide))
    for name, units_of_class in (("bona fide clips", of_bonafide), ("spoofs", of_spoof)):
        if len(set(units_of_class)) == 1:
            why = f"since all {name} are of one speaker"
            return f"bootstrap over {n_clips} clips, {why}", None, None
    alone = f" and {n_alone} clips of unknown speakers" if n_alone else ""
    return f"bootstrap over {len(set(units)) - n_alone} speakers{alone}", of_bonafide, of_spoof


def _is_somebody(speaker: str) -> bool:
    return speaker != UNKNOWN and not speaker.casefold().startswith("unknown")


def _by_system(scores: Scores, bonafide: NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    spoof, is_spoof = scores.spoof, scores.where("spoof")
    systems = itertools.compress(scores.systems or (), is_spoof)
    return {
        system: {
            "n": len(where),
            "eer": metrics.eer(bonafide, spoof[where])[0],
            "mean_score": float(spoof[where].mean()),
        }
        for system, where in _places(systems)
    }


def _by_speaker(scores: Scores) -> dict[str, dict[str, Any]]:
    is_bonafide = scores.where("bonafide")
    record = {}
    for speaker, where in _places(scores.speakers or ()):
        if not _is_somebody(speaker):
            continue
        values, first = scores.values[where], is_bonafide[where]
        both = 0 < first.sum() < len(where)
        record[speaker] = {
            "n": len(where),
            "n_bonafide": int(first.sum()),
            "n_spoof": int((~first).sum()),
            "eer": metrics.eer(values[first], values[~first])[0] if both else None,
            "mean_score": None if both else float(values.mean()),
        }
    return record


def _places(names: Iterable[str]) -> list[tuple[str, list[int]]]:
    """Where each name occurs, sorted by name."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return sorted(places.items())


def _cells(line: str, format: Format) -> tuple[str, ...]:
    """Id, score, label, speaker and system of a line; empty where the format has none."""
    if format == "fvx":
        cells = next(csv.reader([line], strict=True), [])
        if len(cells) != len(_COLUMNS):
            raise ValueError(f"expected {len(_COLUMNS)} columns, got {len(cells)}")
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
        return clip, score, key, "", system
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
    return "asvspoof2019" if len(cells) == 4 and cells[2] in _LABELS else "asvspoof2021"


def _known(format: str) -> None:
    if format not in get_args(Format):
        raise ScoreError(f"no score format {format!r}; known: {', '.join(get_args(Format))}")


def _first_fault(
    clips: Sequence[str],
    values: NDArray[np.float64],
    labels: Sequence[str] | None,
    speakers: Sequence[str] | None,
    systems: Sequence[str] | None,
) -> tuple[int, str] | None:
    """Index of the first row that no score file may hold, and why."""
    seen: set[str] = set()
    for index, clip in enumerate(clips):
        names = [clip]
        names += [column[index] for column in (speakers, systems) if column is not None]
        for name in names:
            if not name or name != name.strip() or _CONTROL.search(name):
                return index, f"clip {clip!r}: {name!r} cannot be a name in a score file"
        if clip in seen:
            return index, f"clip {clip!r} occurs twice"
        seen.add(clip)
        if not np.isfinite(values[index]):
            return index, f"clip {clip!r} has the score {values[index]}"
        if labels is not None and labels[index] not in _LABELS:
            return index, f"clip {clip!r}: label {labels[index]!r} is not bonafide or spoof"
    return None
