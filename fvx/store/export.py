"""Export: a store as one HDF5 file, or as a folder of Parquet files, for other programs."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fvx.errors import StoreError
from fvx.store.record import FeatureRecord
from fvx.store.sink import new_file
from fvx.store.store import Store
from fvx.store.view import FeatureView

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int, int], None]
_CLIPS_AT_ONCE, _BYTES_AT_ONCE = 1024, 1 << 25
_README = (
    "clips: a column each, one row a clip. features/<name>/values: the rows of all clips, one "
    "after another; clip i, counted from 0, has rows offsets[i] up to, not including, "
    "offsets[i + 1]; none if it failed. Row k of a clip is centred at k * hop_s seconds."
)


def export_hdf5(
    store: Store,
    path: str | Path,
    features: Sequence[str] = (),
    on_progress: Progress = lambda *_: None,
) -> None:
    """Write a store into one HDF5 file of plain datasets, with no filter that a reader may lack.

    ``/clips/<column>``, one row a clip, and ``/features/<name>/values`` and ``offsets``, in
    the clips' order, with the columns, version, settings and source as attributes.

    Parameters
    ----------
    path : path
        File to make; it appears when everything in it is written.
    features : sequence of str
        Names; when empty, all.
    on_progress : callable
        Called with (clips written, clips to write, 0), each feature's counted.

    Raises
    ------
    StoreError
        If ``path`` exists or cannot be written, or a shard is damaged.
    UnknownFeature
        If a feature is not stored.
    """
    path = _new_place(store, path)
    views = [store[name] for name in features or store.features]
    clips = store.clips.reset_index()
    n_todo, n_done = len(views) * len(clips), 0
    with new_file(path) as (file, sink):
        file.attrs.update(_about(store), readme=_README)
        _write_clips(file.create_group("clips"), clips)
        for view in views:
            group = file.create_group(f"features/{view.record.name}")
            group.attrs.update(_attributes(view.record))
            offsets = np.zeros(len(clips) + 1, np.int64)
            np.cumsum([view.n_rows(clip) if clip in view else 0 for clip in clips["id"]],
                      out=offsets[1:])  # fmt: skip
            group["offsets"] = offsets
            values = group.create_dataset(
                "values", (offsets[-1], len(view.record.columns)), np.float32
            )
            first = 0
            for batch, rows, _ in _batches(view, list(clips["id"])):
                values[first : first + len(rows)] = rows
                first += len(rows)
                n_done += len(batch)
                on_progress(n_done, n_todo, 0)
                sink.check()  # now, and not when all the rest has been read in vain


def export_parquet(
    store: Store,
    folder: str | Path,
    features: Sequence[str] = (),
    on_progress: Progress = lambda *_: None,
) -> None:
    """Write a store into a folder of Parquet files: ``clips`` and, below ``features``, one each.

    A feature's table has the columns ``clip``, ``time_s`` (unless it is per clip) and its own.

    Parameters
    ----------
    folder : path
        Folder to make; it appears when everything in it is written.
    features, on_progress
        As in `export_hdf5`.

    Raises
    ------
    StoreError
        If pyarrow is not installed, ``folder`` exists or cannot be written, or a shard is
        damaged.
    UnknownFeature
        If a feature is not stored.
    """
    folder = _new_place(store, folder)
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise StoreError(
            f"Parquet needs pyarrow ({error}); install it with: pip install 'fvx[parquet]'"
        ) from error
    views = [store[name] for name in features or store.features]
    clips = store.clips.reset_index()
    n_todo, n_done = len(views) * len(clips), 0
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            unfinished = Path(temporary) / folder.name
            (unfinished / "features").mkdir(parents=True)
            table = pyarrow.Table.from_pandas(clips, preserve_index=False)
            about = {key: json.dumps(value) for key, value in _about(store).items()}
            parquet.write_table(table.replace_schema_metadata(about), unfinished / "clips.parquet")
            for view in views:
                schema = _schema(view.record)
                file = unfinished / "features" / f"{view.record.name}.parquet"
                settings = {"compression": "zstd", "use_dictionary": ["clip"]}
                with parquet.ParquetWriter(file, schema, **settings) as writer:
                    for batch, rows, offsets in _batches(view, list(clips["id"])):
                        writer.write_table(_table(schema, view.record, batch, rows, offsets))
                        n_done += len(batch)
                        on_progress(n_done, n_todo, 0)
            for written in unfinished.rglob("*.parquet"):
                with written.open("rb+") as opened:
                    os.fsync(opened.fileno())
            unfinished.rename(folder)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror or error})") from error


def _new_place(store: Store, path: str | Path) -> Path:
    path = Path(path)
    if path.exists() or path.is_symlink():
        raise StoreError(f"{path}: exists already; delete it, or name another")
    if path.absolute().resolve().is_relative_to(store.path.resolve()):
        raise StoreError(f"{path}: lies in the store itself; name a place outside of it")
    return path


def _batches(
    view: FeatureView, clips: list[str]
) -> Iterator[tuple[list[str], NDArray[np.float32], NDArray[np.int64]]]:
    """The clips, some at a time, with the rows of those that have any, and their offsets."""
    row_bytes = 4 * len(view.record.columns)
    batch: list[str] = []
    there: list[str] = []
    n_bytes = 0
    for clip in clips:
        batch.append(clip)
        if clip in view:
            there.append(clip)
            n_bytes += row_bytes * view.n_rows(clip)
        if len(batch) == _CLIPS_AT_ONCE or n_bytes >= _BYTES_AT_ONCE:
            yield _filled(view, batch, there)
            batch, there, n_bytes = [], [], 0
    if batch:
        yield _filled(view, batch, there)


def _filled(
    view: FeatureView, batch: list[str], there: list[str]
) -> tuple[list[str], NDArray[np.float32], NDArray[np.int64]]:
    rows, _ = view.gather(there)
    sizes = [view.n_rows(clip) if clip in view else 0 for clip in batch]
    return batch, rows, np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _about(store: Store) -> dict[str, Any]:
    return {"dataset": store.about["dataset"], "rate_hz": store.about["rate_hz"]}


def _attributes(record: FeatureRecord) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "columns": list(record.columns),
        "version": record.version,
        "settings": json.dumps(record.settings, sort_keys=True),
        "kind": record.kind,
        "perceptible": int(record.perceptible),
        "source": record.source,
    }
    if record.hop_s is not None:
        attributes["hop_s"] = record.hop_s
    return attributes


def _write_clips(group: h5py.Group, clips: pd.DataFrame) -> None:
    import pandas as pd

    for name, column in clips.items():
        # A slash would make a group of it.
        plain = str(name).replace("/", "_").strip(".") or "_"
        while plain in group:
            plain += "_"
        if pd.api.types.is_numeric_dtype(column):
            group[plain] = column.to_numpy()
        else:
            words = column.fillna("").astype(str).to_numpy(object)
            group.create_dataset(plain, data=words, dtype=h5py.string_dtype())


def _schema(record: FeatureRecord) -> Any:
    import pyarrow

    own = ["clip", *(["time_s"] if record.hop_s is not None else [])]
    if clash := set(own) & set(record.columns):
        raise StoreError(f"{record.name}: has a column {clash.pop()!r} itself; use --hdf5")
    fields = [pyarrow.field("clip", pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))]
    fields += [pyarrow.field("time_s", pyarrow.float64())] if len(own) > 1 else []
    fields += [pyarrow.field(column, pyarrow.float32()) for column in record.columns]
    metadata = {key: json.dumps(value) for key, value in _attributes(record).items()}
    return pyarrow.schema(fields, metadata)


def _table(
    schema: Any,
    record: FeatureRecord,
    clips: list[str],
    rows: NDArray[np.float32],
    offsets: NDArray[np.int64],
) -> Any:
    import pyarrow

    which = np.repeat(np.arange(len(clips), dtype=np.int32), np.diff(offsets))
    columns = [pyarrow.DictionaryArray.from_arrays(which, pyarrow.array(clips, pyarrow.string()))]
    if record.hop_s is not None:
        columns.append(pyarrow.array((np.arange(len(rows)) - offsets[which]) * record.hop_s))
    columns += [pyarrow.array(np.ascontiguousarray(column)) for column in rows.T]
    return pyarrow.Table.from_arrays(columns, schema=schema)
