"""Store: the union of a directory's shards, by clip and feature."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx.atomic import write_json
from fvx.errors import StoreError, UnknownFeature
from fvx.store.shard import Failure, FeatureRecord, Shard
from fvx.store.sink import new_file

FORMAT = "fvx-store"
FORMAT_VERSION = 1


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
    def create(cls, path: str | Path, *, dataset: str, rate_hz: int, clips_per_shard: int) -> Store:
        """Open the store at ``path``, making it if there is none.

        Raises
        ------
        StoreError
            If the store there was made from another dataset or at another rate.
        """
        path = Path(path)
        about = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "dataset": dataset,
            "rate_hz": rate_hz,
            "clips_per_shard": clips_per_shard,
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
        for key, wanted in (("dataset", dataset), ("rate_hz", rate_hz)):
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
        try:
            about = json.loads((path / "store.json").read_text())
        except FileNotFoundError:
            raise StoreError(f"{path}: no store there; `fvx extract` makes one") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: store.json cannot be read ({error})") from error
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise StoreError(f"{path}: store.json is not an fvx store's")
        version = about.get("format_version")
        if version != FORMAT_VERSION:
            raise StoreError(f"{path}: store format {version}; this fvx reads {FORMAT_VERSION}")
        for key, kind in (("dataset", str), ("rate_hz", int), ("clips_per_shard", int)):
            if not isinstance(about.get(key), kind):
                raise StoreError(f"{path}: store.json is damaged: {key} is {about.get(key)!r}")
        # Those that start with a dot are being written, or were when a run was killed.
        names = sorted(shard for shard in path.glob("*.h5") if not shard.name.startswith("."))
        shards = tuple(Shard.open(shard) for shard in names)
        for shard in shards:
            if shard.rate_hz != about["rate_hz"]:
                raise StoreError(
                    f"{shard.path}: made at {shard.rate_hz} Hz, the store at {about['rate_hz']} Hz"
                )
        return cls(path, about, shards)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for writing; the lock dies with the process that holds it.

        What a run that was killed had begun to write is removed.

        Raises
        ------
        StoreError
            If another process holds it, or the folder cannot be written.
        """
        try:
            lock = (self.path / ".lock").open("a+")
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror})") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise StoreError(f"{self.path}: in use by {holder}; wait for it to end") from None
            except OSError as error:
                raise StoreError(f"{self.path}: cannot be locked ({error.strerror})") from error
            try:
                lock.truncate(0)
                lock.write(f"process {os.getpid()} on {os.uname().nodename}")
                lock.flush()
                for abandoned in self.path.glob(".*.tmp.h5"):
                    abandoned.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{self.path}: cannot be written ({error.strerror})") from error
            yield

    @cached_property
    def clips(self) -> pd.DataFrame:
        """One row a clip, indexed by ``id``: path, label, speaker, system, split, n_samples, …"""
        frames = []
        for shard in self._shards:
            columns = {name: values for name, values in shard.clips.items() if name != "extra"}
            frame = pd.DataFrame(columns)
            extra = pd.DataFrame([json.loads(text) for text in shard.clips["extra"]])
            new = [name for name in extra.columns if name not in frame.columns]
            frames.append(pd.concat([frame, extra[new]], axis=1) if new else frame)
        if not frames:
            empty = ["id", "path", "label", "speaker", "system", "split", "n_samples", "sha256"]
            return pd.DataFrame(columns=empty).set_index("id")
        table = pd.concat(frames, ignore_index=True)
        # A clip may stand in several shards, in some of them unread: keep the row that was read.
        table = table.sort_values("n_samples", ascending=False, kind="stable")
        table = table.drop_duplicates("id").sort_values("position", kind="stable").set_index("id")
        table["duration_s"] = table["n_samples"].astype(float) / self.about["rate_hz"]
        return table

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Clips without values, with the reason: columns clip, feature, error, reason."""
        rows = {}
        for shard in self._shards:
            for failure in shard.failures:
                names = [failure.feature] if failure.feature else list(shard.records)
                if not all(failure.clip in self._where[name] for name in names):
                    rows[failure.clip, failure.feature] = asdict(failure)
        return pd.DataFrame(rows.values(), columns=list(Failure.__annotations__))

    @cached_property
    def _where(self) -> Mapping[str, Mapping[str, tuple[int, int, int]]]:
        """Feature -> clip id -> shard index, first row, last row."""
        where: dict[str, dict[str, tuple[int, int, int]]] = {name: {} for name in self.features}
        for index, shard in enumerate(self._shards):
            for name, offsets in shard.offsets.items():
                spans = zip(shard.clips["id"], offsets[:-1], offsets[1:], strict=True)
                where[name].update({clip: (index, int(a), int(b)) for clip, a, b in spans if b > a})
        return where

    def attempted(self) -> Mapping[str, frozenset[str]]:
        """Clip id -> features that were extracted or failed; what a resumed run may skip."""
        done: dict[str, set[str]] = {}
        for shard in self._shards:
            for clip in shard.clips["id"]:
                done.setdefault(clip, set()).update(shard.records)
        return {clip: frozenset(names) for clip, names in done.items()}

    def extracted(self) -> Mapping[str, frozenset[str]]:
        """Clip id -> features that have values; the rest of `attempted` failed."""
        done: dict[str, set[str]] = {}
        for name, places in self._where.items():
            for clip in places:
                done.setdefault(clip, set()).add(name)
        return {clip: frozenset(names) for clip, names in done.items()}

    def __getitem__(self, feature: str) -> FeatureView:
        if feature not in self.features:
            raise UnknownFeature(feature, tuple(self.features))
        return FeatureView(self.features[feature], self._shards, self._where[feature])

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


class FeatureView:
    """One feature of a store: ``view[clip_id]`` is its array, shape (n_rows, n_columns)."""

    def __init__(
        self,
        record: FeatureRecord,
        shards: tuple[Shard, ...],
        where: Mapping[str, tuple[int, int, int]],
    ) -> None:
        self.record = record
        self._shards = shards
        self._where = where

    def __contains__(self, clip: object) -> bool:
        return clip in self._where

    def __len__(self) -> int:
        return len(self._where)

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __getitem__(self, clip: str) -> NDArray[np.float32]:
        index, first, last = self._place(clip)
        return self._shards[index].values(self.record.name, first, last)

    def n_rows(self, clip: str) -> int:
        """Number of frames stored for a clip."""
        _, first, last = self._place(clip)
        return last - first

    def gather(self, clips: list[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Read many clips at once.

        Returns
        -------
        values : float32 array, shape (n_rows, n_columns)
            The clips' rows one after another, in the order asked for.
        offsets : int64 array, shape (n_clips + 1,)
            Clip *i* is ``values[offsets[i]:offsets[i + 1]]``.
        """
        places = [self._place(clip) for clip in clips]
        sizes = [last - first for _, first, last in places]
        offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        values = np.empty((offsets[-1], len(self.record.columns)), np.float32)
        by_shard: dict[int, list[int]] = {}
        for position, (index, _, _) in enumerate(places):
            by_shard.setdefault(index, []).append(position)
        for index, positions in by_shard.items():
            low = min(places[p][1] for p in positions)
            high = max(places[p][2] for p in positions)
            rows = self._shards[index].values(self.record.name, low, high)
            for p in positions:
                _, first, last = places[p]
                values[offsets[p] : offsets[p + 1]] = rows[first - low : last - low]
        return values, offsets

    def _place(self, clip: str) -> tuple[int, int, int]:
        if clip not in self._where:
            raise StoreError(f"no {self.record.name} stored for clip {clip!r}")
        return self._where[clip]
