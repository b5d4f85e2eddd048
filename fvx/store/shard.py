"""One shard: some clips' features in one HDF5 file, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from fvx.datasets import Clip
from fvx.errors import FeatureError, StoreError
from fvx.feature import Feature, Kind
from fvx.store.sink import new_file

FORMAT = "fvx-shard"
FORMAT_VERSION = 1
_CHUNK_BYTES = 1 << 16
_TEXT = h5py.string_dtype("utf-8")
# What h5py raises over bytes that it cannot make sense of.
_DAMAGED = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True)
class FeatureRecord:
    """What a store knows of a feature without its plugin being installed."""

    name: str
    version: int
    settings: Mapping[str, Any]
    columns: tuple[str, ...]
    kind: Kind
    perceptible: bool
    hop_s: float | None
    source: str = ""
    evidence: bool = True

    @classmethod
    def of(cls, feature: Feature) -> FeatureRecord:
        """Describe an installed feature.

        Raises
        ------
        FeatureError
            If its settings are not of the kinds that JSON knows.
        """
        try:
            settings = json.loads(json.dumps(feature.settings, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise FeatureError(f"{feature.name}: a setting cannot be stored ({error})") from error
        return cls(
            feature.name,
            feature.version,
            settings,
            tuple(feature.columns),
            feature.kind,
            feature.perceptible,
            feature.hop_s,
            feature.source,
            feature.evidence,
        )

    def same_numbers(self, other: FeatureRecord) -> bool:
        """Whether both make the same numbers: version and settings agree."""
        return (self.name, self.version, self.settings) == (
            other.name,
            other.version,
            other.settings,
        )

    def to_json(self) -> str:
        """One line that ``from_json`` reads back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FeatureRecord:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        return cls(**{**raw, "columns": tuple(raw["columns"])})


@dataclass(frozen=True)
class Failure:
    """Why a clip has no values for a feature; feature "" means the whole clip."""

    clip: str
    feature: str
    error: str
    reason: str


class ShardWriter:
    """Appends clips to a new shard; the file gets its name when the ``with`` block ends well.

    Written to a temporary name beside it, flushed to disk, then renamed: whatever is
    killed, whenever, leaves a whole shard or none.
    """

    def __init__(self, path: Path, features: Sequence[Feature], rate_hz: int) -> None:
        self._path = path
        self._new_file = new_file(path)
        self._records = [FeatureRecord.of(feature) for feature in features]
        self._rate_hz = rate_hz
        self._clips: list[tuple[int, Clip, int, str]] = []
        self._failures: list[Failure] = []
        self._offsets: dict[str, list[int]] = {record.name: [0] for record in self._records}

    def __enter__(self) -> Self:
        self._file, self._sink = self._new_file.__enter__()
        for record in self._records:
            group = self._file.create_group(f"features/{record.name}")
            group.attrs["record"] = record.to_json()
            width = len(record.columns)
            group.create_dataset(
                "values",
                (0, width),
                np.float32,
                maxshape=(None, width),
                chunks=(max(1, _CHUNK_BYTES // (4 * width)), width),
                fletcher32=True,  # so that a damaged file is noticed, and not believed
            )
        return self

    def add(
        self,
        position: int,
        clip: Clip,
        values: Mapping[str, NDArray[np.float32]],
        n_samples: int,
        sha256: str,
        failures: Sequence[Failure] = (),
    ) -> None:
        """Append one clip; a feature without values has no rows. ``position``: in its dataset."""
        for record in self._records:
            rows = values.get(record.name)
            offsets = self._offsets[record.name]
            if rows is not None:
                dataset = self._file[f"features/{record.name}/values"]
                dataset.resize(offsets[-1] + len(rows), axis=0)
                dataset[offsets[-1] :] = rows
            offsets.append(offsets[-1] + (0 if rows is None else len(rows)))
        self._clips.append((position, clip, n_samples, sha256))
        self._failures.extend(failures)
        self._sink.check()  # now, and not when all other clips have been worked on in vain

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            try:
                self._write_tables()
            except BaseException as failed:
                self._new_file.__exit__(type(failed), failed, failed.__traceback__)
                raise
        self._new_file.__exit__(kind, error, trace)

    def _write_tables(self) -> None:
        file = self._file
        file.attrs.update(format=FORMAT, format_version=FORMAT_VERSION, rate_hz=self._rate_hz)
        for name, offsets in self._offsets.items():
            file[f"features/{name}"]["offsets"] = np.asarray(offsets, np.int64)
        clips = [clip for _, clip, _, _ in self._clips]
        table = file.create_group("clips")
        table["position"] = np.asarray([position for position, _, _, _ in self._clips], np.int64)
        table["n_samples"] = np.asarray([n for _, _, n, _ in self._clips], np.int64)
        text = {
            "id": [clip.id for clip in clips],
            "path": [clip.path for clip in clips],
            "label": [clip.label.value for clip in clips],
            "speaker": [clip.speaker for clip in clips],
            "system": [clip.system for clip in clips],
            "split": [clip.split for clip in clips],
            "sha256": [digest for _, _, _, digest in self._clips],
            "extra": [json.dumps(dict(clip.extra), sort_keys=True) for clip in clips],
        }
        failed = {
            column: [getattr(failure, column) for failure in self._failures]
            for column in Failure.__annotations__
        }
        for place, columns in ((table, text), (file.create_group("failures"), failed)):
            for column, words in columns.items():
                try:
                    place.create_dataset(column, data=np.asarray(words, object), dtype=_TEXT)
                except ValueError as error:
                    raise StoreError(
                        f"{self._path}: a clip's text cannot be stored ({column}: {error})"
                    ) from error


@dataclass(frozen=True)
class Shard:
    """What one shard holds; values are read from the file when asked for."""

    path: Path
    rate_hz: int
    clips: Mapping[str, NDArray[Any]]
    records: Mapping[str, FeatureRecord]
    offsets: Mapping[str, NDArray[np.int64]]
    failures: tuple[Failure, ...] = field(default=())

    @classmethod
    def open(cls, path: Path) -> Shard:
        """Read the tables of a shard.

        Raises
        ------
        StoreError
            If the file is not a shard of this format version, or is damaged.
        """
        try:
            with h5py.File(path, "r") as file:
                if file.attrs.get("format") != FORMAT:
                    raise StoreError(f"{path}: not an fvx shard")
                if file.attrs["format_version"] != FORMAT_VERSION:
                    raise StoreError(
                        f"{path}: shard format {file.attrs['format_version']}; "
                        f"this fvx reads {FORMAT_VERSION}"
                    )
                clips = {
                    name: data.asstr()[:] if h5py.check_string_dtype(data.dtype) else data[:]
                    for name, data in file["clips"].items()
                }
                groups = file.get("features", {})
                records = {
                    name: FeatureRecord.from_json(group.attrs["record"])
                    for name, group in groups.items()
                }
                offsets = {name: group["offsets"][:] for name, group in groups.items()}
                for name, group in groups.items():
                    n_rows = group["values"].shape[0]
                    if len(offsets[name]) != len(clips["id"]) + 1 or offsets[name][-1] != n_rows:
                        raise ValueError(f"rows of {name} do not add up")
                columns = [file[f"failures/{c}"].asstr()[:] for c in Failure.__annotations__]
                failures = tuple(Failure(*row) for row in zip(*columns, strict=True))
                return cls(path, int(file.attrs["rate_hz"]), clips, records, offsets, failures)
        except _DAMAGED as error:
            raise StoreError(f"{path}: damaged shard ({error}); delete it to redo it") from error

    def values(self, feature: str, first: int, last: int) -> NDArray[np.float32]:
        """Rows ``first:last`` of a feature, shape (last - first, n_columns)."""
        try:
            with h5py.File(self.path, "r") as file:
                rows: NDArray[np.float32] = file[f"features/{feature}/values"][first:last]
        except _DAMAGED as error:
            raise StoreError(
                f"{self.path}: damaged shard ({error}); delete it to redo it"
            ) from error
        return rows
