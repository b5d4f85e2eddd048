"""Summary: what a store holds, and what it occupies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from fvx.store.about import shard_paths
from fvx.store.record import FeatureRecord
from fvx.store.shard import opened
from fvx.store.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stored:
    """One feature of a store: how many clips have values, and how many rows and bytes these are."""

    record: FeatureRecord
    n_clips: int
    n_rows: int
    n_bytes: int


@dataclass(frozen=True)
class FailureGroup:
    """Clips that failed for the same reason; feature "" means the whole clip."""

    feature: str
    error: str
    reason: str
    n: int
    example: str


@dataclass(frozen=True)
class Summary:
    """What a store holds.

    Attributes
    ----------
    dataset : str
    rate_hz : int
    format_version : int
    n_shards, n_bytes : int
        Files of the store, and what they occupy, tables included.
    hours : float
        Length of the clips that could be read.
    clips : DataFrame
        Number of clips by split (rows) and label (columns).
    features : tuple of Stored
    failures : tuple of FailureGroup
        Most frequent first.
    noted : mapping of str to str
        What is to be known of a clip's audio, by the clip's id: that it was cut short.
    """

    dataset: str
    rate_hz: int
    format_version: int
    n_shards: int
    n_bytes: int
    hours: float
    clips: pd.DataFrame
    features: tuple[Stored, ...]
    failures: tuple[FailureGroup, ...]
    noted: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        counts = {
            str(split): {str(label): int(n) for label, n in row.items()}
            for split, row in self.clips.iterrows()
        }
        return {
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "clips": counts,
            "features": [asdict(one) for one in self.features],
            "failures": [asdict(one) for one in self.failures],
            "noted": dict(self.noted),
        }


def summarise(store: Store) -> Summary:
    """Count what a store holds.

    Raises
    ------
    StoreError
        If a shard is damaged or cannot be read.
    """
    import pandas as pd

    paths = shard_paths(store.path)
    n_rows: Counter[str] = Counter()
    n_bytes: Counter[str] = Counter()
    for path in paths:
        with opened(path) as file:
            for name, group in file.get("features", {}).items():
                n_rows[name] += group["values"].shape[0]
                n_bytes[name] += sum(group[part].id.get_storage_size() for part in group)
    table = store.clips
    return Summary(
        dataset=str(store.about["dataset"]),
        rate_hz=int(store.about["rate_hz"]),
        format_version=int(store.about["format_version"]),
        n_shards=len(paths),
        n_bytes=sum(file.stat().st_size for file in (*paths, *store.path.glob("tables/*.h5"))),
        hours=float(table["n_samples"].sum()) / store.about["rate_hz"] / 3600,
        clips=pd.crosstab(table["split"], table["label"]),
        features=tuple(
            Stored(record, len(store[name]), n_rows[name], n_bytes[name])
            for name, record in store.features.items()
        ),
        failures=group_failures(store.failures),
        noted={str(clip): str(note) for clip, note in table["audio_notes"].items() if note},
    )


def group_failures(failures: pd.DataFrame) -> tuple[FailureGroup, ...]:
    """Group a store's failures by feature and reason, most frequent first."""
    groups = [
        FailureGroup(str(feature), str(error), str(reason), len(clips), str(clips.iloc[0]))
        for (feature, error, reason), clips in failures.groupby(
            ["feature", "error", "reason"], sort=False
        )["clip"]
    ]
    return tuple(sorted(groups, key=lambda group: -group.n))
