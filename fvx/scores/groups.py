"""Groups of clips: by system, speaker, source, or whatever column says."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.metrics import Floats
from fvx.scores.files import UNKNOWN
from fvx.scores.scores import Scores

MIN_CLIPS_WITHIN = 5  # of each class, for a source to count
_N_RESAMPLES = 1000


def units(scores: Scores) -> tuple[str, list[str] | None, list[str] | None]:
    """What the bootstrap redraws, in words and as the groups of the two classes."""
    is_bonafide = scores.where("bonafide")
    n_clips, n_bonafide = len(is_bonafide), int(is_bonafide.sum())
    if min(n_bonafide, n_clips - n_bonafide) < 2:
        return "none: a class has a single clip", None, None
    speakers = scores.speakers or (UNKNOWN,) * n_clips
    n_alone = sum(not is_somebody(speaker) for speaker in speakers)
    if n_alone == n_clips:
        return f"bootstrap over {n_clips} clips, no speaker known", None, None
    # A clip of nobody is a unit of its own; no speaker's name holds a control character.
    each = [who if is_somebody(who) else f"\0{i}" for i, who in enumerate(speakers)]
    of_bonafide = list(itertools.compress(each, is_bonafide))
    of_spoof = list(itertools.compress(each, ~is_bonafide))
    for name, of_class in (("bona fide clips", of_bonafide), ("spoofs", of_spoof)):
        if len(set(of_class)) == 1:
            why = f"since all {name} are of one speaker"
            return f"bootstrap over {n_clips} clips, {why}", None, None
    alone = f" and {n_alone} clips of unknown speakers" if n_alone else ""
    return f"bootstrap over {len(set(each)) - n_alone} speakers{alone}", of_bonafide, of_spoof


def is_somebody(speaker: str) -> bool:
    """Whether a name in the speaker column is a person's."""
    return speaker != UNKNOWN and not speaker.casefold().startswith("unknown")


def part(scores: Scores, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Scores:
    """Some of the clips."""
    places = np.arange(len(scores.clips))[rows].tolist()

    def some(column: Sequence[str] | None) -> tuple[str, ...] | None:
        return None if column is None else tuple(column[i] for i in places)

    return Scores(
        tuple(scores.clips[i] for i in places), scores.values[places], some(scores.labels),
        some(scores.speakers), some(scores.systems),
    )  # fmt: skip


def resampled_eer(scores: Scores, seed: int) -> Floats | None:
    """Equal error rates of resamples; None where a class has a single clip."""
    _, of_bonafide, of_spoof = units(scores)
    pair = scores.bonafide, scores.spoof
    if min(map(len, pair)) < 2:
        return None
    return metrics.resampled_figures(
        *pair, of_bonafide, of_spoof, figures=("eer",), n_resamples=_N_RESAMPLES, seed=seed
    )["eer"]


def ci95(values: Floats | None) -> list[float] | None:
    """95 % interval as JSON knows it."""
    return None if values is None else list(metrics.percentile_ci95(values))


def by_system(scores: Scores, seed: int) -> dict[str, dict[str, Any]]:
    """Each spoof system against all bona fide clips; bona fide clips name none."""
    is_spoof = scores.where("spoof")
    record = {}
    for system, where in places(scores.systems or ()):
        own = np.array(where)[is_spoof[where]]
        if not len(own):
            continue
        against = part(scores, np.concatenate([np.flatnonzero(~is_spoof), own]))
        record[system] = {
            "n": len(own),
            "eer": metrics.eer(against.bonafide, against.spoof)[0],
            "eer_ci95": ci95(resampled_eer(against, seed)),
            "mean_score": float(scores.values[own].mean()),
        }
    return record


def by_speaker(scores: Scores) -> dict[str, dict[str, Any]]:
    """An EER where a speaker has clips of both classes, else their mean score."""
    is_bonafide = scores.where("bonafide")
    record = {}
    for speaker, where in places(scores.speakers or ()):
        if not is_somebody(speaker):
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


def by_column(scores: Scores, column: str, seed: int) -> dict[str, dict[str, Any]]:
    """Each value of a column: the EER among its own clips.

    Returns
    -------
    dict
        A value whose clips are all of one class is set against all clips of the other, and
        ``against`` says so; those without a value are left out if they are of one class, as
        bona fide clips are that no vocoder made.
    """
    is_bonafide = scores.where("bonafide")
    record = {}
    for value, where in places(scores.column(column)):
        rows = np.array(where)
        n_bonafide = int(is_bonafide[rows].sum())
        against = "its own clips"
        if value in ("", UNKNOWN) and n_bonafide in (0, len(where)):
            continue
        if n_bonafide == 0:
            rows, against = np.append(rows, np.flatnonzero(is_bonafide)), "all bona fide clips"
        elif n_bonafide == len(where):
            rows, against = np.append(rows, np.flatnonzero(~is_bonafide)), "all spoofs"
        members = part(scores, rows)
        record[value or UNKNOWN] = {
            "n_bonafide": n_bonafide,
            "n_spoof": len(where) - n_bonafide,
            "eer": metrics.eer(members.bonafide, members.spoof)[0],
            "eer_ci95": ci95(resampled_eer(members, seed)),
            "auc": metrics.auc(members.bonafide, members.spoof),
            "against": against,
        }
    return record


def within(scores: Scores, column: str, seed: int) -> dict[str, Any]:
    """Mean of the EERs among the clips of each source alone: the channel is the same for both.

    Returns
    -------
    dict
        ``eer`` over those sources that have five clips of each class or more, None where there
        is none; its interval redraws the speakers of each source and keeps the sources.
    """
    is_bonafide = scores.where("bonafide")
    rates, resampled, n_sources, n_clips = [], [], 0, 0
    for value, where in places(scores.column(column)):
        n_sources += bool(value)
        n_bonafide = int(is_bonafide[where].sum())
        if not value or min(n_bonafide, len(where) - n_bonafide) < MIN_CLIPS_WITHIN:
            continue
        members = part(scores, np.array(where))
        n_clips += len(where)
        rates.append(metrics.eer(members.bonafide, members.spoof)[0])
        # Another seed for each, or all would be drawn alike.
        resampled.append(resampled_eer(members, seed + len(rates)))
    means = np.mean([one for one in resampled if one is not None], axis=0) if rates else None
    return {
        "column": column,
        "eer": float(np.mean(rates)) if rates else None,
        "eer_ci95": ci95(means),
        "interval": "bootstrap over the speakers of each source (its clips, where a class has one "
        "speaker or none is known); the sources stay",
        "n_sources": len(rates),
        "n_sources_all": n_sources,
        "n_clips": n_clips,
        "min_clips_of_each_class": MIN_CLIPS_WITHIN,
    }


def places(names: Iterable[str]) -> list[tuple[str, list[int]]]:
    """Where each name occurs, sorted by name, numbers in it by their value."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return sorted(found.items(), key=lambda item: _natural(item[0]))


def _natural(name: str) -> list[tuple[int, str]]:
    return [
        (int(run), "") if run.isascii() and run.isdigit() else (-1, run)
        for run in re.split(r"([0-9]+)", name)
        if run
    ]
