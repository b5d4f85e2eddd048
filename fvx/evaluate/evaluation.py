"""Evaluation: what is found of one subject or several, from runs or from score files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fvx import metrics
from fvx.baselines import open_scorer
from fvx.errors import ScoreError
from fvx.evaluate.judging import Options, judge, judge_all
from fvx.evaluate.robustness import perturbed
from fvx.evaluate.scoring import Members, Subject, Subset, members, score
from fvx.evaluate.writing import write
from fvx.scores import Format, Key, Scores
from fvx.store import Store


@dataclass(frozen=True)
class Evaluation:
    """Where an evaluation lies and what it found.

    Attributes
    ----------
    folder : Path
    metrics : mapping
        What ``metrics.json`` holds.
    files : tuple of Path
    n_left_out : int
        Clips of the subset that lack a feature of the model, so have no score.
    """

    folder: Path
    metrics: dict[str, Any]
    files: tuple[Path, ...]
    n_left_out: int


def evaluate(
    run: Path,
    store: Store,
    *,
    subset: Subset = "test",
    format: Format = "fvx",
    out: Path | None = None,
    seed: int = 0,
    options: Options | None = None,
    on_progress: Callable[[int, int, int], None] = lambda *_: None,
) -> Evaluation:
    """Score the clips of a store; write metrics, scores, pictures and a page.

    Parameters
    ----------
    subset : str
        A part of the run's own split, or ``all``. Clips that the run has never seen (another
        corpus) form no part: they are all taken, and the protocol says so. Copies are never
        scored: they are no clips of their own.
    out : Path or None
        None: the run directory for its own test part, else a folder in it named after
        corpus and subset.
    seed : int
        Used where there are no options.
    on_progress : callable
        Called with (perturbed clips done, to do, failures so far).

    Raises
    ------
    ModelMismatch
        If the store's features are not those the run was trained on.
    ScoreError
        If the clips lack a class, or there is no such column.
    """
    options = options or Options(seed=seed)
    scorer = open_scorer(run)
    chosen = members(run, scorer.card, store, subset)
    columns = _asked_for(options)
    subject = score(run, scorer, store, chosen, columns=columns, ablate=options.ablate)
    folder = out or (
        run if chosen.own and subset == "test" else run / f"{store.about['dataset']}-{subset}"
    )
    record = judge(subject, options)
    if options.conditions:
        record["robustness"] = perturbed(
            run, subject.scores, options.dataset, options.conditions,
            jobs=options.jobs, seed=options.seed, on_progress=on_progress,
        )  # fmt: skip
    files = write(folder, [subject], record, format)
    return Evaluation(folder, record, files, chosen.n_left_out)


def evaluate_runs(
    runs: Sequence[Path],
    store: Store,
    *,
    subset: Subset = "test",
    format: Format = "fvx",
    out: Path | None = None,
    options: Options | None = None,
) -> Evaluation:
    """Score the clips of a store by several runs, and compare each with the first.

    Only clips that belong to the part in every run's own split count: none has been trained
    on by either.

    Parameters
    ----------
    runs : sequence of Path
        Two or more.
    out : Path or None
        None: a folder in the first run, named after the others.

    Returns
    -------
    Evaluation
        Its metrics are those of the first run, with ``runs``, the metrics of each by name, and
        ``comparison``.

    Raises
    ------
    ModelMismatch, ScoreError
        As `evaluate`; also if two runs have no clip in common, or are the same.
    """
    options = options or Options()
    if len({run.resolve() for run in runs}) < len(runs) or len(runs) < 2:
        raise ScoreError("a comparison needs two different runs at least")
    scorers = [open_scorer(run) for run in runs]
    chosen = [
        members(run, scorer.card, store, subset) for run, scorer in zip(runs, scorers, strict=True)
    ]
    common = set.intersection(*(set(one.clips) for one in chosen))
    if not common:
        raise ScoreError(f"no clip is in the {subset} part of every run: {_names(runs)}")
    columns = _asked_for(options)
    subjects = []
    for name, run, scorer, own in zip(_distinct(runs), runs, scorers, chosen, strict=True):
        clips = tuple(clip for clip in own.clips if clip in common)
        words = own.words
        if len(clips) < len(own.clips):
            words += f"; of its {len(own.clips)} clips the {len(clips)} that every run leaves out"
        few = Members(clips, words, own.own, own.n_left_out)
        subject = score(run, scorer, store, few, columns=columns, ablate=options.ablate)
        subjects.append(replace(subject, name=name))
    record = judge_all(subjects, options)
    others = "-".join(subject.name.replace("/", "-") for subject in subjects[1:])
    folder = out or runs[0] / f"{store.about['dataset']}-{subset}-against-{others}"
    files = write(folder, subjects, record, format)
    return Evaluation(folder, record, files, max(one.n_left_out for one in chosen))


def evaluate_files(
    paths: Sequence[Path],
    out: Path,
    *,
    key: Key | None = None,
    subset: Subset = "test",
    threshold: float | None = None,
    format: Format = "fvx",
    options: Options | None = None,
) -> Evaluation:
    """Judge score files of any system, fvx or not; several are compared with the first.

    Parameters
    ----------
    key : Key or None
        Labels of the trials; None where the score files have them.
    subset : str
        Of the key, where it divides the trials.
    threshold : float or None
        Where decisions are made. None: at the equal error rate of the very scores that are
        judged, which flatters, and the protocol says so.

    Raises
    ------
    ScoreError
        If a file cannot be read, there are no labels, keys do not match, or a class is empty.
    """
    options = options or Options()
    if len({path.resolve() for path in paths}) < len(paths):
        raise ScoreError(f"a score file is named twice: {_names(paths)}")
    subjects = []
    for name, path in zip(_distinct(paths), paths, strict=True):
        scores, words = Scores.read(path), "as the score file labels them"
        if key is not None:
            scores, which = key.label(scores, subset)
            words = f"{key.path.name}, {which}"
        elif scores.labels is None:
            raise ScoreError(f"{path}: says nothing of labels; name a key file: --key")
        limit, origin = threshold, "the command line"
        if limit is None:
            limit = metrics.eer(scores.bonafide, scores.spoof)[1]
            origin = "these very scores (their EER): decisions flatter"
        subjects.append(Subject(name, scores, limit, origin, f"{path.name}, {words}"))
    record = judge_all(subjects, options) if len(subjects) > 1 else judge(subjects[0], options)
    return Evaluation(out, record, write(out, subjects, record, format), 0)


def _asked_for(options: Options) -> tuple[str, ...]:
    return (*options.by, options.within) if options.within else options.by


def _distinct(paths: Sequence[Path]) -> list[str]:
    """A name for each path: the last part, or all where two are alike."""
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))
