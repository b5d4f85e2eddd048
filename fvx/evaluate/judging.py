"""Judging: from scores to everything that is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fvx import metrics
from fvx.datasets.clip import Dataset
from fvx.evaluate.robustness import Condition
from fvx.evaluate.scoring import USUAL_COLUMNS, Subject
from fvx.scores import Scores, compare, read_asv, summarise, tandem
from fvx.scores.groups import units

SOURCE = "source"
_MOST_VALUES = 60  # of a column that is looked at unasked


@dataclass(frozen=True)
class Options:
    """What to look at, besides the pooled figures.

    Attributes
    ----------
    by : tuple of str
        Columns of the clip table that get a table of their own, besides the usual ones.
    within : str or None
        Column that says where a clip is from, for the mean of the error rates inside each
        source; None: ``source``, if there is such a column and more than one.
    ablate : bool
        Whether each feature is withheld in turn.
    asv : Path or None
        Scores of a speaker verification system, for the tandem costs.
    conditions : tuple of Condition
        Perturbations to score the clips under; they need ``dataset``.
    dataset : Dataset or None
        Where the recordings are.
    jobs : int
        Worker processes for that.
    seed : int
        For the bootstrap and the perturbations.
    """

    by: tuple[str, ...] = ()
    within: str | None = None
    ablate: bool = False
    asv: Path | None = None
    conditions: tuple[Condition, ...] = ()
    dataset: Dataset | None = None
    jobs: int = 1
    seed: int = 0


def judge_all(subjects: Sequence[Subject], options: Options) -> dict[str, Any]:
    """What is found of the first, with what is found of each and of their differences."""
    records = {subject.name: judge(subject, options) for subject in subjects}
    first = next(iter(records.values()))
    comparison = compare(
        {subject.name: subject.scores for subject in subjects},
        [subject.threshold for subject in subjects],
        options.seed,
    )
    return {**first, "runs": records, "comparison": comparison}


def judge(subject: Subject, options: Options) -> dict[str, Any]:
    """What is found of one subject, as ``metrics.json`` records it."""
    scores, seed = subject.scores, options.seed
    has_sources = len(set(scores.extra.get(SOURCE, ()))) > 1
    within = options.within or (SOURCE if has_sources else None)
    usual = [name for name in USUAL_COLUMNS if _is_telling(scores.extra.get(name, ()))]
    record = summarise(
        scores, subject.threshold, subject.protocol, seed, by=(*usual, *options.by), within=within
    )
    record["name"] = subject.name
    record["threshold_from"] = subject.threshold_from
    if subject.windows is not None:
        record["windows"] = _of_windows(subject.windows, seed)
    if subject.withheld:
        record["ablation"] = _ablation(subject, seed)
    if options.asv is not None:
        record["tandem"] = tandem(scores, read_asv(options.asv))
    return record


def _of_windows(windows: Scores, seed: int) -> dict[str, Any]:
    pair = windows.bonafide, windows.spoof
    interval, of_bonafide, of_spoof = units(windows)
    ci95 = None
    if min(map(len, pair)) > 1:
        resampled = metrics.resampled_figures(
            *pair, of_bonafide, of_spoof, figures=("eer",), seed=seed
        )
        ci95 = list(metrics.percentile_ci95(resampled["eer"]))
    return {
        "n_bonafide": len(pair[0]),
        "n_spoof": len(pair[1]),
        "eer": metrics.eer(*pair)[0],
        "eer_ci95": ci95,
        "interval": interval,
        "auc": metrics.auc(*pair),
    }


def _ablation(subject: Subject, seed: int) -> dict[str, dict[str, Any]]:
    """What each feature brings: how much worse it goes without it, and how far it gets alone."""
    scores = subject.scores
    pair = scores.bonafide, scores.spoof
    _, of_bonafide, of_spoof = units(scores)
    is_bonafide, cllr = scores.where("bonafide"), metrics.cllr(*pair)
    record: dict[str, dict[str, Any]] = {}
    for name, values in subject.withheld.items():
        without = values[is_bonafide], values[~is_bonafide]
        alone = subject.alone[name]
        found = None
        if min(map(len, pair)) > 1:
            found = metrics.paired_difference(pair, without, of_bonafide, of_spoof, seed=seed)
        record[name] = {
            "eer_without": metrics.eer(*without)[0],
            "brings": metrics.eer(*without)[0] - metrics.eer(*pair)[0],
            "brings_ci95": found and list(found.ci95),
            "p_value": found and found.p_value,
            "cllr_brings": metrics.cllr(*without) - cllr,
            "eer_alone": metrics.eer(alone[is_bonafide], alone[~is_bonafide])[0],
        }
    return dict(sorted(record.items(), key=lambda item: -float(item[1]["brings"])))


def _is_telling(column: Sequence[str]) -> bool:
    """Whether a column divides the clips into a few groups."""
    return 1 < len(set(column)) <= _MOST_VALUES
