"""The verb evaluate: a run's scores on a store, their metrics and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from fvx.atomic import write_json
from fvx.errors import ModelError, ModelMismatch, ScoreError, SplitError
from fvx.model import Card, Scorer
from fvx.model.card import SPLIT_FILE
from fvx.model.data import WindowData
from fvx.protocol import PARTS
from fvx.scores import Format, Scores, summarise
from fvx.store import Store
from fvx.windows import Windows

Subset = Literal["train", "development", "test", "all"]
METRICS, SCORES = "metrics.json", "scores"
_CLIPS_AT_ONCE = 64


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
) -> Evaluation:
    """Score the clips of a store and write metrics, scores and pictures.

    Parameters
    ----------
    subset : str
        A part of the run's own split, or ``all``. Clips that the run has never seen (another
        corpus) form no part: they are all taken, and the protocol says so.
    out : Path or None
        None: the run directory for its own test part, else a folder in it named after
        corpus and subset.

    Raises
    ------
    ModelMismatch
        If the store's features are not those the run was trained on.
    ScoreError
        If the clips lack a class.
    """
    scorer = Scorer.load(run)
    card = scorer.card
    _check(store, card, run)
    names = tuple(feature.name for feature in card.features)
    wanted, sentence, own = _members(run, card, store, subset)
    complete = set(store.complete(names))
    members = [clip for clip in wanted if clip in complete]
    if not members:
        raise ScoreError(
            f"{store.path}: no clip of the {subset} part has all of {', '.join(names)}"
        )
    clips = store.clips.loc[members]
    scores = Scores(
        tuple(members),
        _score(scorer, store, members),
        tuple(clips["label"]),
        tuple(clips["speaker"]),
        tuple(clips["system"]),
    )
    record = summarise(scores, card.threshold, sentence, seed)
    folder = out or (
        run if own and subset == "test" else run / f"{store.about['dataset']}-{subset}"
    )
    files = _write(folder, scores, record, format)
    return Evaluation(folder, record, files, len(wanted) - len(members))


def _check(store: Store, card: Card, run: Path) -> None:
    for feature in card.features:
        stored = store.features.get(feature.name)
        if stored is None:
            raise ModelMismatch(
                f"{run} reads {feature.name}, which {store.path} does not hold; "
                f"add it with: fvx extract --features {feature.name} --store {store.path}"
            )
        if not stored.same_numbers(feature):
            raise ModelMismatch(
                f"{run} was trained on {feature.name} version {feature.version} "
                f"{dict(feature.settings)}; {store.path} holds version {stored.version} "
                f"{dict(stored.settings)}"
            )


def _members(run: Path, card: Card, store: Store, subset: Subset) -> tuple[list[str], str, bool]:
    """Clips to score, the protocol in words, and whether they are of the run's own corpus."""
    dataset = str(store.about["dataset"])
    if dataset != card.dataset:
        words = f"{dataset}, every clip; trained on {card.dataset} (cross-corpus)"
        return [str(clip) for clip in store.clips.index], words, False
    try:
        parts = pd.read_csv(run / SPLIT_FILE, index_col="clip", keep_default_na=False, dtype=str)
    except (OSError, ValueError) as error:
        raise ModelError(f"{run / SPLIT_FILE}: cannot be read ({error})") from error
    part = parts["part"].reindex(store.clips.index).fillna("")
    if subset == "all":
        chosen, words = part.index, "every clip, those trained on included: this flatters"
    else:
        chosen = part.index[part == subset]
        words = f"{subset} part; {card.protocol_sentence}"
        if not len(chosen):
            raise SplitError(f"the run has no {subset} part in {store.path}; parts: {PARTS}")
    return [str(clip) for clip in chosen], f"{dataset}, {card.protocol} split, {words}", True


def _score(scorer: Scorer, store: Store, members: list[str]) -> np.ndarray[Any, Any]:
    parts = []
    for first in range(0, len(members), _CLIPS_AT_ONCE):
        some = members[first : first + _CLIPS_AT_ONCE]
        windows = Windows.over(store, scorer.card.geometry, some)
        data = WindowData.load(store, scorer.card.features, windows)
        scores = np.concatenate([scorer.llr(scorer.embed(batch)) for batch in data.batches(512)])
        parts.append(data.clip_means(scores))
    return np.concatenate(parts)


def _write(
    folder: Path, scores: Scores, record: dict[str, Any], format: Format
) -> tuple[Path, ...]:
    from fvx.report import plots

    suffix = {"fvx": "csv", "asvspoof5": "tsv"}.get(format, "txt")
    files = {
        "metrics": folder / METRICS,
        "scores": folder / f"{SCORES}.{suffix}",
        "evaluation": folder / "evaluation.png",
        "roc": folder / "roc.png",
        "det": folder / "det.png",
        "histogram": folder / "histogram.png",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(files["metrics"], record)
        scores.write(files["scores"], format)
        plots.save_evaluation(files["evaluation"], scores, record)
        plots.save_roc(files["roc"], scores.bonafide, scores.spoof)
        plots.save_det(files["det"], scores.bonafide, scores.spoof)
        plots.save_histogram(files["histogram"], scores.bonafide, scores.spoof, record["threshold"])
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return tuple(files.values())
