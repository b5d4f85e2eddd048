"""ShardWriter: makes one shard, clip by clip."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from fvx.datasets import Clip
from fvx.errors import StoreError
from fvx.feature import Feature
from fvx.store.record import Failure, FeatureRecord
from fvx.store.shard import FORMAT, FORMAT_VERSION
from fvx.store.sink import new_file
from fvx.store.tables import SHA256, encode, fingerprint, write_column

# As measured (docs/decisions/0006-how-values-are-stored.md), by benchmarks/store.py.
CHUNK_BYTES = 1 << 16
FILTERS: Mapping[str, Any] = {
    "shuffle": True,
    "compression": "gzip",
    "compression_opts": 1,
    "fletcher32": True,  # so that whoever reads a damaged file notices
}
_TEXT_COLUMNS = (
    "id",
    "path",
    "label",
    "speaker",
    "system",
    "split",
    "sha256",
    "extra",
    "audio_notes",
)


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
        self._positions: list[int] = []
        self._n_samples: list[int] = []
        self._texts: list[dict[str, str]] = []  # of each clip, by column
        self._failures: list[Failure] = []

    def __enter__(self) -> Self:
        self._file, self._sink = self._new_file.__enter__()
        self._values = {}
        for record in self._records:
            group = self._file.create_group(f"features/{record.name}")
            group.attrs["record"] = record.to_json()
            self._values[record.name] = _Values(group, len(record.columns))
        return self

    def add(
        self,
        position: int,
        clip: Clip,
        values: Mapping[str, NDArray[np.float32]],
        n_samples: int,
        sha256: str,
        failures: Sequence[Failure] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """Append one clip; a feature without values has no rows. ``position``: in its dataset.

        ``notes`` are what `Audio.read` had to say.

        Raises
        ------
        StoreError
            If something known of the clip cannot be stored.
        """
        text = _text(clip, sha256, notes)
        for column, word in text.items():
            try:
                encode([word])
            except ValueError as error:
                raise StoreError(
                    f"{self._path}: a clip's text cannot be stored ({column}: {error})"
                ) from error
        for name, stored in self._values.items():
            stored.append(values.get(name))
        self._positions.append(position)
        self._n_samples.append(n_samples)
        self._texts.append(text)
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
                self._finish()
            except BaseException as failed:  # whatever ended it, half a file is not kept
                self._new_file.__exit__(type(failed), failed, failed.__traceback__)
                raise
        self._new_file.__exit__(kind, error, trace)

    def _finish(self) -> None:
        for stored in self._values.values():
            stored.finish()
        file = self._file
        file.attrs.update(format=FORMAT, format_version=FORMAT_VERSION, rate_hz=self._rate_hz)
        table, failures = file.create_group("clips"), file.create_group("failures")
        write_column(table, "position", np.asarray(self._positions, np.int64))
        write_column(table, "n_samples", np.asarray(self._n_samples, np.int64))
        for column in _TEXT_COLUMNS:
            write_column(table, column, encode([text[column] for text in self._texts]))
        for column in Failure.__annotations__:
            words = [getattr(failure, column) for failure in self._failures]
            write_column(failures, column, encode(words))
        file.attrs[SHA256] = fingerprint(file)


def _text(clip: Clip, sha256: str, notes: Sequence[str]) -> dict[str, str]:
    """What of a clip is text, by column."""
    extra = json.dumps(dict(clip.extra), sort_keys=True)
    cells = (clip.id, clip.path, clip.label.value, clip.speaker, clip.system, clip.split)
    return dict(zip(_TEXT_COLUMNS, (*cells, sha256, extra, "; ".join(notes)), strict=True))


class _Values:
    """One feature's rows on their way into the file, a whole chunk at a time.

    A chunk that is written in parts would be compressed again for each.
    """

    def __init__(self, group: h5py.Group, width: int) -> None:
        self._group = group
        self._width = width
        self._chunk_rows = max(1, CHUNK_BYTES // (4 * width))
        self._waiting: list[NDArray[np.float32]] = []
        self._n_waiting = 0
        self._dataset: h5py.Dataset | None = None
        self._offsets = [0]
        self._sha256 = hashlib.sha256()

    def append(self, rows: NDArray[np.float32] | None) -> None:
        """Append a clip's rows, or none."""
        n_rows = 0 if rows is None else len(rows)
        self._offsets.append(self._offsets[-1] + n_rows)
        if rows is None or not n_rows:
            return
        rows = np.ascontiguousarray(rows, "<f4")
        self._sha256.update(rows.view(np.uint8).data)
        self._waiting.append(rows)
        self._n_waiting += n_rows
        if self._n_waiting >= self._chunk_rows:
            self._write(self._n_waiting // self._chunk_rows * self._chunk_rows, self._chunk_rows)

    def finish(self) -> None:
        """Write what is left, the offsets and the checksums."""
        # Where all fits into less than a chunk, the chunk is no larger than that.
        dataset = self._write(self._n_waiting, max(1, min(self._n_waiting, self._chunk_rows)))
        dataset.attrs[SHA256] = self._sha256.hexdigest()
        write_column(self._group, "offsets", np.asarray(self._offsets, np.int64))

    def _write(self, n_rows: int, chunk_rows: int) -> h5py.Dataset:
        if self._dataset is None:
            self._dataset = self._group.create_dataset(
                "values",
                (0, self._width),
                "<f4",
                maxshape=(None, self._width),
                chunks=(chunk_rows, self._width),
                **FILTERS,
            )
        if n_rows:
            rows = np.concatenate(self._waiting)
            first = len(self._dataset)
            self._dataset.resize(first + n_rows, axis=0)
            self._dataset[first:] = rows[:n_rows]
            # A copy: a view would keep all rows in memory.
            self._waiting, self._n_waiting = [rows[n_rows:].copy()], len(rows) - n_rows
        return self._dataset
