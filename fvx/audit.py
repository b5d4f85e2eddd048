"""The verb audit: do trivial properties of the files already tell the classes apart?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx import executors, metrics
from fvx.audio import Audio
from fvx.datasets import Clip, Dataset, Label
from fvx.errors import DatasetError, FvxError
from fvx.feature import Feature

_CLIPS_PER_TASK = 32
_N_FOLDS = 5
_N_TREES = 100
_N_BOOTSTRAP = 200
_CODEC_COLUMNS = ("codec", "compression", "format")  # what protocols call it
_NOBODY = ("", "-")
ALONE = "alone, decision tree"
LOGISTIC, FOREST = "all together, logistic regression", "all together, random forest"


@dataclass(frozen=True)
class Property:
    """How well one property, or all of them, tells bona fide from spoof.

    Attributes
    ----------
    name : str
    auc : float or None
        Chance that the property is higher in a bona fide clip than in a spoof, ties counting
        one half; 0.5 says nothing, and 0 as much as 1. None where it has no order.
    auc_cv : float or None
        Of a classifier (a decision tree, unless its name says otherwise) on clips of speakers
        it was not trained on; 0.5 says nothing. None where there are too few speakers.
    auc_cv_ci95 : tuple of float, or None
        Speakers resampled.
    bonafide, spoof : float or None
        Medians.
    """

    name: str
    auc: float | None
    auc_cv: float | None
    auc_cv_ci95: tuple[float, float] | None
    bonafide: float | None = None
    spoof: float | None = None


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    properties : tuple of Property
        Each alone, the most telling first, then all together by two classifiers.
    warning : str
        In words.
    values : pandas.DataFrame
        Every property of every clip that could be read, and its label; by clip id.
    failures : dict of str to str
        Clips that could not be read, with the reason.
    how : str
        How it was measured.
    """

    properties: tuple[Property, ...]
    warning: str
    values: pd.DataFrame
    failures: dict[str, str]
    how: str


def audit(
    dataset: Dataset,
    feature: Feature,
    *,
    limit: int | None = None,
    jobs: int = 1,
    seed: int = 0,
    on_progress: Callable[[int, int, int], None] = lambda *_: None,
) -> Audit:
    """Measure trivial properties of every clip, and how far they give its label away.

    Parameters
    ----------
    feature : Feature
        ``per_clip``: its columns are the properties. Added are the file's extension, its
        bits per second, and a codec column of the protocol.
    limit : int or None
        So many clips, drawn at random.
    on_progress : callable
        Called with the numbers of clips done, to do and failed.

    Raises
    ------
    DatasetError
        If fewer than two clips of either kind can be read.
    """
    clips = list(dataset.clips)
    if limit is not None and limit < len(clips):
        chosen = np.random.default_rng(seed).permutation(len(clips))[:limit]
        clips = [clips[i] for i in sorted(chosen)]
    rows, failures = _measure_all(dataset, clips, feature, jobs, on_progress)
    measured = [clip for clip in clips if clip.id in rows]
    values = pd.DataFrame([rows[clip.id] for clip in measured])
    values.index = pd.Index([clip.id for clip in measured], name="id")
    bonafide = np.array([clip.label is Label.BONAFIDE for clip in measured], bool)
    if min(bonafide.sum(), (~bonafide).sum()) < 2:
        raise DatasetError(
            f"{dataset.name}: {bonafide.sum()} bona fide and {(~bonafide).sum()} spoof clips could "
            "be read; an audit compares two of each at least (--dataset may name several corpora)"
        )
    groups = _groups(measured)
    judge = partial(_cross_validated, bonafide=bonafide, groups=groups, seed=seed)
    alone = [_property(values[name], bonafide, judge) for name in values]
    alone.sort(key=lambda one: -max(one.auc_cv or 0, abs((one.auc or 0.5) - 0.5) + 0.5))
    everything = np.hstack([_columns(values[name]) for name in values])
    together = [Property(name, None, *judge(everything, how=name)) for name in (LOGISTIC, FOREST)]
    n_groups = len(set(groups))
    how = (
        f"{bonafide.sum()} bona fide and {(~bonafide).sum()} spoof clips; cross-validated with "
        f"{n_groups} speakers (or systems, where no speaker is named) kept whole"
    )
    values.insert(0, "label", ["bonafide" if one else "spoof" for one in bonafide])
    return Audit((*alone, *together), _warning(alone, together), values, failures, how)


def _measure_all(
    dataset: Dataset,
    clips: Sequence[Clip],
    feature: Feature,
    jobs: int,
    on_progress: Callable[[int, int, int], None],
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    tasks = [clips[i : i + _CLIPS_PER_TASK] for i in range(0, len(clips), _CLIPS_PER_TASK)]
    rows: dict[str, dict[str, Any]] = {}
    failures: dict[str, str] = {}
    bare = Dataset(dataset.name, dataset.root, (), dataset.layout, mounts=dataset.mounts)
    work = partial(_measure, dataset=bare, feature=feature)

    for found, failed in executors.run(work, tasks, jobs=jobs):
        rows |= found
        failures |= failed
        on_progress(len(rows) + len(failures), len(clips), len(failures))
    return rows, failures


def _measure(
    clips: Sequence[Clip], dataset: Dataset, feature: Feature
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    rows: dict[str, dict[str, Any]] = {}
    failures: dict[str, str] = {}
    for clip in clips:
        try:
            path = dataset.audio_path(clip)
            audio = Audio.read(path)
            row: dict[str, Any] = dict(
                zip(feature.columns, map(float, feature(audio)[0]), strict=True)
            )
            row["file_kbps"] = 8e-3 * path.stat().st_size / audio.duration_s
            row["extension"] = Path(clip.path).suffix.lower()
            row |= {name: clip.extra[name] for name in _CODEC_COLUMNS if name in clip.extra}
            rows[clip.id] = row
        except FvxError as error:
            failures[clip.id] = str(error)
        except OSError as error:
            failures[clip.id] = f"cannot be read ({error.strerror})"
    return rows, failures


def _groups(clips: Sequence[Clip]) -> list[str]:
    """Whose clip each is: the speaker, else the system, else nobody but itself."""
    return [
        f"speaker {clip.speaker}"
        if clip.speaker not in _NOBODY
        else f"system {clip.system}"
        if clip.system not in _NOBODY
        else f"clip {clip.id}"
        for clip in clips
    ]


def _columns(values: pd.Series) -> NDArray[np.float64]:
    """Numbers as they are; words as one column each."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64)[:, None]
    return pd.get_dummies(values.fillna("")).to_numpy(np.float64)


def _property(
    values: pd.Series,
    bonafide: NDArray[np.bool_],
    judge: Callable[..., tuple[float | None, tuple[float, float] | None]],
) -> Property:
    name = str(values.name)
    judged = judge(_columns(values))
    if not pd.api.types.is_numeric_dtype(values):
        return Property(name, None, *judged)
    human, made = values[bonafide], values[~bonafide]
    auc = metrics.auc(human, made)
    return Property(name, auc, *judged, float(human.median()), float(made.median()))


def _cross_validated(
    columns: NDArray[np.float64],
    bonafide: NDArray[np.bool_],
    groups: Sequence[str],
    seed: int,
    how: str = ALONE,
) -> tuple[float | None, tuple[float, float] | None]:
    """AUC on speakers not trained on, and its interval."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    owners = np.asarray(groups)
    n_each = [len(set(owners[of_class])) for of_class in (bonafide, ~bonafide)]
    n_folds = min(_N_FOLDS, *n_each, int(bonafide.sum()), int((~bonafide).sum()))
    if n_folds < 2:
        return None, None
    model: Any = {
        ALONE: DecisionTreeClassifier(
            min_samples_leaf=max(5, len(columns) // 50), class_weight="balanced", random_state=seed
        ),
        LOGISTIC: make_pipeline(
            StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
        ),
        FOREST: RandomForestClassifier(
            _N_TREES,
            min_samples_leaf=max(5, len(columns) // 100),
            class_weight="balanced",
            random_state=seed,
        ),
    }[how]
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    scores = np.full(len(columns), np.nan)
    for train, test in folds.split(columns, bonafide, owners):
        if len(set(bonafide[train])) == 2:
            model.fit(columns[train], bonafide[train])
            usual = model.predict_proba(columns[train])[:, 1].mean()  # differs with the fold
            scores[test] = (model.predict_proba(columns[test])[:, 1] - usual).round(9)
    if np.isnan(scores).any():
        return None, None
    of_each = scores[bonafide], scores[~bonafide]
    interval = metrics.bootstrap_ci(
        *of_each,
        metrics.auc,
        owners[bonafide].tolist(),
        owners[~bonafide].tolist(),
        _N_BOOTSTRAP,
        seed,
    )
    return metrics.auc(*of_each), interval


def _warning(alone: Sequence[Property], together: Sequence[Property]) -> str:
    judged = [one for one in together if one.auc_cv is not None]
    if not judged:
        return (
            "Too few speakers to say whether these properties tell the classes apart: at least two "
            "are needed on each side."
        )
    best = max(judged, key=lambda one: one.auc_cv or 0)
    auc, (low, _) = best.auc_cv or 0, best.auc_cv_ci95 or (0, 0)
    if low <= 0.5 or auc < 0.55:
        return (
            f"These properties tell the classes apart hardly or not at all (AUC {auc:.2f}, 0.5 is "
            "chance). That clears this corpus of them, not of every other shortcut."
        )
    how_far = "almost wholly" if auc >= 0.9 else "largely" if auc >= 0.7 else "in part"
    telling = [one.name for one in alone if (one.auc_cv or 0) >= 0.6][:4]
    chiefly = f", chiefly {', '.join(telling)}" if telling else ""
    return (
        f"WARNING: properties that have nothing to do with the voice tell the classes apart "
        f"{how_far} (AUC {auc:.2f} on unseen speakers{chiefly}). A detector trained here may learn "
        "just that, and figures measured here may show just that."
    )
