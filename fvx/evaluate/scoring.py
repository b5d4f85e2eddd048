"""Scoring: a run over the clips of a store, each feature there or withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx.baselines import BaselineScorer
from fvx.errors import ModelError, ModelMismatch, ScoreError, SplitError
from fvx.model import Card, Scorer
from fvx.model.card import NETWORK, SPLIT_FILE, refuse_other_conversion
from fvx.model.data import WindowData
from fvx.model.pooling import pool
from fvx.protocol import PARTS, is_copy
from fvx.scores import Scores
from fvx.store import Store
from fvx.windows import Windows

Subset = Literal["train", "development", "test", "all"]
PARTS_AND_ALL = get_args(Subset)

# Columns that are looked at unasked, where a corpus has them.
USUAL_COLUMNS = (
    "source", "corpus", "kind", "codec", "compression", "transmission", "vocoder", "language",
    "gender", "duration",
)  # fmt: skip
_DURATIONS_S = (0, 1, 2, 4, 8, 16)
_CLIPS_AT_ONCE = 64
_WINDOWS_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Subject:
    """What is judged: a system's scores of some clips.

    Attributes
    ----------
    name : str
        The run, or the score file.
    scores : Scores
        One per clip.
    threshold : float
        Where decisions are made.
    threshold_from : str
        On what it was chosen.
    protocol : str
        What these clips are, in words.
    windows : Scores or None
        One per window.
    withheld, alone : dict of str to float64 array, shape (n_clips,)
        By feature, scores of the clips without it, and with nothing else.
    """

    name: str
    scores: Scores
    threshold: float
    threshold_from: str
    protocol: str
    windows: Scores | None = None
    withheld: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    alone: dict[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Members:
    """Clips of a store that a run may be judged by.

    Attributes
    ----------
    clips : tuple of str
    words : str
        Which they are.
    own : bool
        Whether they are of the corpus that the run was trained on.
    n_left_out : int
        Clips of the part that lack a feature of the run.
    """

    clips: tuple[str, ...]
    words: str
    own: bool
    n_left_out: int


def members(run: Path, card: Card, store: Store, subset: Subset) -> Members:
    """Choose the clips that a run is judged by.

    Raises
    ------
    ModelMismatch
        If the store's features are not those the run was trained on.
    ScoreError, SplitError
        If no clip of the part has all features, or there is no such part.
    """
    _refuse_other_features(store, card, run)
    wanted, words, own = _wanted(run, card, store, subset)
    names = tuple(feature.name for feature in card.features)
    complete = set(store.complete(names))
    clips = tuple(clip for clip in wanted if clip in complete)
    if not clips:
        raise ScoreError(
            f"{store.path}: no clip of the {subset} part has all of {', '.join(names)}"
        )
    return Members(clips, words, own, len(wanted) - len(clips))


def score(
    run: Path,
    scorer: Scorer | BaselineScorer,
    store: Store,
    chosen: Members,
    *,
    columns: Sequence[str] = (),
    ablate: bool = False,
) -> Subject:
    """Score clips of a store, windows too, and with features withheld if asked.

    Branches do not meet before the terminus, so a feature is withheld exactly by putting its
    branch's stand-in in place of what it gave: nothing is trained again.

    Parameters
    ----------
    columns : sequence of str
        Columns of the clip table to keep besides the usual ones.

    Raises
    ------
    ScoreError
        If the clip table has no such column.
    """
    card = scorer.card
    if ablate and card.kind != NETWORK:
        raise ScoreError(f"{run}: a baseline ({card.kind}) cannot do without one of its features")
    names = [feature.name for feature in card.features] if ablate else []
    withheld: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    alone: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    values, window_parts, clip_parts, start_parts = [], [], [], []
    for first in range(0, len(chosen.clips), _CLIPS_AT_ONCE):
        some = chosen.clips[first : first + _CLIPS_AT_ONCE]
        windows = Windows.over(store, card.geometry, some)
        data = WindowData.load(store, card.features, windows)
        embeddings = np.concatenate([scorer.embed(b) for b in data.batches(_WINDOWS_AT_ONCE)])
        window_scores = scorer.llr(embeddings)
        values.append(_of_clips(card, windows, window_scores))
        window_parts.append(window_scores)
        clip_parts.append(windows.clip + first)
        start_parts.append(windows.start_s)
        for i, name in enumerate(names):
            without = embeddings.copy()
            without[:, i] = scorer.withheld[i]
            withheld[name].append(_of_clips(card, windows, scorer.llr(without)))
            only = np.broadcast_to(scorer.withheld, embeddings.shape).copy()
            only[:, i] = embeddings[:, i]
            alone[name].append(_of_clips(card, windows, scorer.llr(only)))
    table = store.clips.loc[list(chosen.clips)]
    scores = Scores(
        chosen.clips, np.concatenate(values), tuple(table["label"]), tuple(table["speaker"]),
        tuple(table["system"]), _extra(table, columns),
    )  # fmt: skip
    places, starts_s = np.concatenate(clip_parts), np.concatenate(start_parts)
    return Subject(
        name=run.name,
        scores=scores,
        threshold=card.threshold,
        threshold_from="the run's development part",
        protocol=chosen.words,
        windows=_windows(
            scores, places, starts_s, card.geometry.length_s, np.concatenate(window_parts)
        ),
        withheld={name: np.concatenate(parts) for name, parts in withheld.items()},
        alone={name: np.concatenate(parts) for name, parts in alone.items()},
    )


def _of_clips(card: Card, windows: Windows, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of clips from those of their windows, pooled as the run says."""
    return pool(values, windows.clip, len(windows.clips), card.pooling)


def _windows(
    scores: Scores,
    places: NDArray[np.int64],
    starts_s: NDArray[np.float64],
    length_s: float,
    values: NDArray[np.float64],
) -> Scores:
    """Scores of windows, labelled as their clips are."""
    rows = places.tolist()

    def of_clip(column: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if column is None else tuple(column[row] for row in rows)

    starts = [f"{start:g}" for start in starts_s.tolist()]
    return Scores(
        tuple(f"{scores.clips[row]}@{start}" for row, start in zip(rows, starts, strict=True)),
        values,
        of_clip(scores.labels),
        of_clip(scores.speakers),
        of_clip(scores.systems),
        {"start_s": tuple(starts), "length_s": (f"{length_s:g}",) * len(rows)},
    )


def _extra(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Columns of the clip table as words; blanks in them are single spaces."""
    reserved = {"speaker", "system"}
    there = [name for name in table.columns if name not in reserved | {"label", "id"}]
    unknown = [name for name in columns if name not in {*there, *reserved, "duration"}]
    if unknown:
        raise ScoreError(
            f"the clips have no column {unknown[0]!r}; there are: speaker, system, duration, "
            f"{', '.join(there)}"
        )
    extra = {}
    for name in dict.fromkeys((*USUAL_COLUMNS, *columns)):
        if name in there:
            cells = table[name].fillna("").astype(str)
            extra[name] = tuple(" ".join(cell.split()) for cell in cells)
        elif name == "duration":
            extra[name] = tuple(map(_duration, table["duration_s"]))
    return extra


def _duration(seconds: float) -> str:
    place = int(np.searchsorted(_DURATIONS_S, seconds, "right"))
    if place == len(_DURATIONS_S):
        return f"{_DURATIONS_S[-1]} s or more"
    return f"{_DURATIONS_S[place - 1]} to {_DURATIONS_S[place]} s"


def _refuse_other_features(store: Store, card: Card, run: Path) -> None:
    refuse_other_conversion(store, card)
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


def _wanted(run: Path, card: Card, store: Store, subset: Subset) -> tuple[list[str], str, bool]:
    """Clips to score, the protocol in words, and whether they are of the run's own corpus."""
    dataset = str(store.about["dataset"])
    copied = is_copy(store.clips)
    originals = store.clips.index[~copied]
    without = f", without {copied.sum()} altered copies" if copied.any() else ""
    if dataset != card.dataset:
        words = f"{dataset}, every clip{without}; trained on {card.dataset} (cross-corpus)"
        return [str(clip) for clip in originals], words, False
    if subset == "all":
        chosen, words = originals, f"every clip{without}, those trained on included: this flatters"
    else:
        part = _parts(run).reindex(originals).fillna("")
        chosen = part.index[part == subset]
        words = f"{subset} part; {card.protocol_sentence}"
        if not len(chosen):
            raise SplitError(f"the run has no {subset} part in {store.path}; parts: {PARTS}")
    return [str(clip) for clip in chosen], f"{dataset}, {card.protocol} split, {words}", True


def _parts(run: Path) -> pd.Series:
    """Which clip was in which part of the run's split."""
    path = run / SPLIT_FILE
    try:
        return pd.read_csv(path, index_col="clip", keep_default_na=False, dtype=str)["part"]
    except FileNotFoundError:
        raise ModelError(
            f"{run}: came without {SPLIT_FILE}, so which clips it was not trained on is not known; "
            "judge it by another corpus, or by every clip (--subset all)"
        ) from None
    except (OSError, ValueError, KeyError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: cannot be read ({reason})") from error
