"""Reliance: what a model relies on over a corpus, feature by feature."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelMismatch, StoreError
from fvx.explanation.attribution import Settings, attribute
from fvx.explanation.game import Game, pool_by
from fvx.model import Scorer
from fvx.model.card import refuse_other_conversion
from fvx.model.data import WindowData
from fvx.store import Store
from fvx.windows import Windows

_CLIPS_AT_ONCE = 64
_GROUPS = {"class": "label", "system": "system", "speaker": "speaker"}


def reliance(
    store: Store,
    scorer: Scorer,
    settings: Settings,
    *,
    limit: int | None = None,
    on_clip: Callable[[int, int], None] = lambda done, of: None,
) -> dict[str, Any]:
    """Explain every clip of a store and average.

    Parameters
    ----------
    limit : int or None
        Explain so many clips, spread evenly over the store.
    on_clip : callable
        Told how many clips are done, of how many.

    Returns
    -------
    dict
        ``features``: by feature, most important first, ``importance``, mean |w|; ``trust``,
        mean w·y with y = 1 for bona fide and −1 for spoof; ``right``, the share of clips that
        it moved towards their class; ``mean`` by class. w is the feature's contribution to the
        clip's score, in log-likelihood-ratio units. ``groups``: the same by class, system and
        speaker. ``n_clips``, ``n_bonafide``, ``n_spoof``, ``method``, ``seed``.

    Raises
    ------
    StoreError
        If no clip has all of the model's features.
    ModelMismatch
        If the store's features are not those the model reads.
    """
    clips = _members(store, scorer, limit)
    contributions = np.empty((len(clips), len(scorer.card.features)))
    for done, (embeddings, place) in enumerate(_embedded(store, scorer, clips), start=1):
        game = Game(embeddings, scorer.withheld, scorer.llr, pool_by(scorer.card.pooling))
        contributions[place] = attribute(game, settings).cells.sum(axis=0)
        on_clip(done, len(clips))
    table = store.clips.loc[clips]
    bonafide = (table["label"] == "bonafide").to_numpy()
    names = {f.name: f.perceptible for f in scorer.card.features}
    groups = {}
    for title, column in _GROUPS.items():
        of = table[column].astype(str).to_numpy()
        groups[title] = [
            {
                "name": name,
                "n_clips": int((of == name).sum()),
                "features": _rows(contributions[of == name], bonafide[of == name], names),
            }
            for name in sorted(set(of) - {"", "-"})
        ]
    return {
        "n_clips": len(clips),
        "n_bonafide": int(bonafide.sum()),
        "n_spoof": int((~bonafide).sum()),
        "features": _rows(contributions, bonafide, names),
        "groups": groups,
        "method": settings.method,
        "seed": settings.seed,
        "store": str(store.path),
        "store_dataset": str(store.about["dataset"]),
    }


def reliance_csv(record: Mapping[str, Any]) -> str:
    """A row for each group and feature: by, group, n_clips, feature, importance, trust, right."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    columns = ("feature", "importance", "trust", "right")
    writer.writerow(("by", "group", "n_clips", *columns))
    for row in record["features"]:
        writer.writerow(("all", "all", record["n_clips"], *(row[name] for name in columns)))
    for by, groups in record["groups"].items():
        for group in groups:
            for row in group["features"]:
                cells = (row[name] for name in columns)
                writer.writerow((by, group["name"], group["n_clips"], *cells))
    return table.getvalue()


def _members(store: Store, scorer: Scorer, limit: int | None) -> list[str]:
    refuse_other_conversion(store, scorer.card)
    for feature in scorer.card.features:
        stored = store.features.get(feature.name)
        if stored is None or not stored.same_numbers(feature):
            raise ModelMismatch(
                f"{store.path} does not hold {feature.name} as the model reads it (version "
                f"{feature.version}); add it with: fvx extract --features {feature.name}"
            )
    clips = store.complete(tuple(feature.name for feature in scorer.card.features))
    if not clips:
        raise StoreError(f"{store.path}: no clip has all the features of the model")
    if limit is not None and limit < len(clips):
        clips = [clips[i] for i in np.linspace(0, len(clips) - 1, limit).round().astype(int)]
    return clips


def _embedded(
    store: Store, scorer: Scorer, clips: Sequence[str]
) -> Iterator[tuple[NDArray[np.float32], int]]:
    for first in range(0, len(clips), _CLIPS_AT_ONCE):
        some = list(clips[first : first + _CLIPS_AT_ONCE])
        windows = Windows.over(store, scorer.card.geometry, some)
        data = WindowData.load(store, scorer.card.features, windows)
        embeddings = np.concatenate([scorer.embed(batch) for batch in data.batches(512)])
        for clip in range(len(some)):
            yield embeddings[windows.clip == clip], first + clip


def _rows(
    contributions: NDArray[np.float64],
    bonafide: NDArray[np.bool_],
    names: Mapping[str, bool],
) -> list[dict[str, Any]]:
    side = np.where(bonafide, 1.0, -1.0)
    rows = []
    for f, (name, perceptible) in enumerate(names.items()):
        w = contributions[:, f]
        means = {
            kind: float(w[which].mean())
            for kind, which in (("bonafide", bonafide), ("spoof", ~bonafide))
            if which.any()
        }
        rows.append(
            {
                "feature": name,
                "perceptible": perceptible,
                "importance": float(np.abs(w).mean()),
                "trust": float((w * side).mean()),
                "right": float((w * side > 0).mean()),
                "mean": means,
            }
        )
    return sorted(rows, key=lambda row: -row["importance"])
