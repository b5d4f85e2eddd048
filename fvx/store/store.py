"""Store: the union of a directory's shards, by clip and feature."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fvx.atomic import write_json
from fvx.errors import StoreError, UnknownFeature
from fvx.store.about import FORMAT, FORMAT_VERSION, read_about, shard_paths
from fvx.store.lock import locked
from fvx.store.record import Failure, FeatureRecord
from fvx.store.shard import Shard
from fvx.store.sink import new_file
from fvx.store.view import FeatureView, Places

if TYPE_CHECKING:
    import pandas as pd


class Store:
    """Features of a corpus on disk; opening it needs no plugin.

    Attributes
    ----------
    path : Path
    about : mapping
        What made the store: dataset, analysis rate, clips per shard, format.
    features : mapping of str to FeatureRecord
        Settings, version, columns and kind of each stored feature, sorted by name.

    Notes
    -----
    A shard holds some clips and some features; later shards add clips or features and
    never rewrite what is there. Where two shards hold the same clip and feature, values win
    over a recorded failure.
    """

    def __init__(self, path: Path, about: Mapping[str, Any], shards: tuple[Shard, ...]) -> None:
        self.path = path
        self.about = about
        self._shards = shards
        self._views: dict[str, FeatureView] = {}
        features: dict[str, FeatureRecord] = {}
        for shard in shards:
            for name, record in shard.records.items():
                if not features.setdefault(name, record).same_numbers(record):
                    raise StoreError(
                        f"{path}: {name} is stored with two different settings; "
                        f"delete {shard.path.name} or extract into another store"
                    )
        self.features: Mapping[str, FeatureRecord] = dict(sorted(features.items()))

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        dataset: str,
        rate_hz: int,
        clips_per_shard: int,
        conversion: str = "",
        **more: Any,
    ) -> Store:
        """Open the store at ``path``, making it if there is none; ``more`` is kept, unchecked.

        Raises
        ------
        StoreError
            If the store there was made from another dataset, at another rate or by another
            conversion.
        """
        path = Path(path)
        about = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "dataset": dataset,
            "rate_hz": rate_hz,
            "clips_per_shard": clips_per_shard,
            "conversion": conversion,
            **more,
        }
        try:
            if not (path / "store.json").exists():
                path.mkdir(parents=True, exist_ok=True)
                # A run that was killed may have left a temporary file, and nothing else.
                if any(not there.name.startswith(".") for there in path.iterdir()):
                    raise StoreError(f"{path}: not empty, and not a store; choose another folder")
                write_json(path / "store.json", about)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
        store = cls.open(path)
        asked = {"dataset": dataset, "rate_hz": rate_hz, "conversion": conversion}
        for key, wanted in asked.items():
            if store.about[key] != wanted:
                raise StoreError(
                    f"{path}: was made with {key} {store.about[key]!r}, not {wanted!r}; "
                    "name another folder with --store"
                )
        return store

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open an existing store.

        Raises
        ------
        StoreError
            If there is none, it is of another format, or a shard is damaged.
        """
        path = Path(path)
        about = read_about(path)
        shards = tuple(Shard.open(shard) for shard in shard_paths(path))
        for shard in shards:
            if shard.rate_hz != about["rate_hz"]:
                raise StoreError(
                    f"{shard.path}: made at {shard.rate_hz} Hz, the store at {about['rate_hz']} Hz"
                )
        return cls(path, about, shards)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the store for writing; the lock dies with the process that holds it.

        What a run that was killed had begun to write is removed.

        Raises
        ------
        StoreError
            If another process holds it, or the folder cannot be written.
        """
        return locked(self.path)

    def tables(self) -> Iterator[dict[str, NDArray[Any]]]:
        """The columns of `clips` as each shard has them, shard by shard, so that few are held."""
        return (shard.clips() for shard in self._shards)

    @cached_property
    def clips(self) -> pd.DataFrame:
        """One row a clip, indexed by ``id``: path, label, speaker, system, split, n_samples, …"""
        import pandas as pd  # not needed by who extracts, and slow to load

        frames = []
        for columns in self.tables():
            texts = columns.pop("extra")
            parsed = {text: json.loads(text) for text in set(texts)}  # a few, repeated
            extra = pd.DataFrame([parsed[text] for text in texts])
            frame = pd.DataFrame(columns)
            new = [name for name in extra.columns if name not in frame.columns]
            frames.append(pd.concat([frame, extra[new]], axis=1) if new else frame)
        if not frames:
            empty = ["path", "label", "speaker", "system", "split", "n_samples", "sha256"]
            return pd.DataFrame(columns=["id", *empty, "audio_notes"]).set_index("id")
        table = pd.concat(frames, ignore_index=True)
        # A clip may stand in several shards, in some of them unread: keep the row that was read.
        table = table.sort_values("n_samples", ascending=False, kind="stable")
        table = table.drop_duplicates("id").sort_values("position", kind="stable").set_index("id")
        table["duration_s"] = table["n_samples"].astype(float) / self.about["rate_hz"]
        return table

    @cached_property
    def failed(self) -> tuple[Failure, ...]:
        """Clips without values, with the reason."""
        found = {}
        for shard in self._shards:
            for failure in shard.failures:
                names = [failure.feature] if failure.feature else list(shard.records)
                if not all(failure.clip in self[name] for name in names):
                    found[failure.clip, failure.feature] = failure
        return tuple(found.values())

    @cached_property
    def failures(self) -> pd.DataFrame:
        """The same as a table: columns clip, feature, error, reason."""
        import pandas as pd

        return pd.DataFrame(map(asdict, self.failed), columns=list(Failure.__annotations__))

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        """Clip id -> number, in the order of the shards."""
        numbers: dict[str, int] = {}
        for shard in self._shards:
            for clip in shard.ids:
                numbers.setdefault(clip, len(numbers))
        return numbers

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], ...]:
        """Numbers of the clips in each shard."""
        return tuple(
            np.asarray([self._numbers[clip] for clip in shard.ids], np.int64)
            for shard in self._shards
        )

    def attempted(self) -> Mapping[str, frozenset[str]]:
        """Clip id -> features that were extracted or failed; what a resumed run may skip."""
        done = _Union()
        for shard in self._shards:
            names = frozenset(shard.records)
            for clip in shard.ids:
                done.add(clip, names)
        return done.sets

    def extracted(self) -> Mapping[str, frozenset[str]]:
        """Clip id -> features that have values; the rest of `attempted` failed."""
        done = _Union()
        for shard in self._shards:
            names = list(shard.records)
            there = np.zeros((len(shard.ids), len(names)), bool)
            for column, name in enumerate(names):
                there[:, column] = np.diff(shard.offsets[name]) > 0
            sets: dict[bytes, frozenset[str]] = {}
            for clip, row in zip(shard.ids, there, strict=True):
                key = row.tobytes()
                if key not in sets:
                    sets[key] = frozenset(n for n, found in zip(names, row, strict=True) if found)
                if sets[key]:
                    done.add(clip, sets[key])
        return done.sets

    def __getitem__(self, feature: str) -> FeatureView:
        if feature not in self.features:
            raise UnknownFeature(feature, tuple(self.features))
        if feature not in self._views:
            places = Places.find(feature, self._shards, self._members, len(self._numbers))
            record = self.features[feature]
            self._views[feature] = FeatureView(record, self._shards, self._numbers, places)
        return self._views[feature]

    def save_table(
        self,
        name: str,
        columns: Mapping[str, NDArray[Any] | list[str]],
        attributes: Mapping[str, float],
    ) -> None:
        """Keep a table derived from the store beside the shards, as ``tables/<name>.h5``."""
        path = self.path / "tables" / f"{name}.h5"
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written ({error.strerror})") from error
        with new_file(path) as (file, _):
            file.attrs.update(attributes)
            for column, values in columns.items():
                text = h5py.string_dtype() if isinstance(values, list) else None
                file.create_dataset(column, data=values, dtype=text)

    def table_attributes(self, name: str) -> dict[str, float]:
        """Attributes of a kept table; empty when there is none."""
        path = self.path / "tables" / f"{name}.h5"
        if not path.exists():
            return {}
        try:
            with h5py.File(path, "r") as file:
                return {key: float(value) for key, value in file.attrs.items()}
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(f"{path}: damaged ({error}); give `fvx window` again") from error

    def complete(self, features: tuple[str, ...]) -> list[str]:
        """Ids of the clips that have values for all of ``features``, in the table's order."""
        views = [self[name] for name in features]
        return [clip for clip in self.clips.index if all(clip in view for view in views)]


class _Union:
    """Sets of names by clip; equal sets are one object, however many the clips."""

    def __init__(self) -> None:
        self.sets: dict[str, frozenset[str]] = {}
        self._unions: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}

    def add(self, clip: str, names: frozenset[str]) -> None:
        """Add names to a clip's set."""
        key = self.sets.get(clip, frozenset()), names
        if key not in self._unions:
            self._unions[key] = key[0] | key[1]
        self.sets[clip] = self._unions[key]
