"""Verification: whether a store still is what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import h5py
import numpy as np

from fvx.errors import StoreError
from fvx.store.about import read_about, shard_paths
from fvx.store.shard import Shard, opened, unreadable
from fvx.store.store import Store
from fvx.store.tables import SHA256, digest, fingerprint

_BLOCK_BYTES = 1 << 24
_REDO = "delete it and give the same `fvx extract` again"


@dataclass(frozen=True)
class Verification:
    """What was found in a store.

    Attributes
    ----------
    n_shards, n_clips, n_bytes : int
        What was looked at.
    damages : tuple of str
        A line each: which file, what is wrong with it, and what to do.
    notes : tuple of str
        What is no damage, but left to do.
    """

    n_shards: int
    n_clips: int
    n_bytes: int
    damages: tuple[str, ...]
    notes: tuple[str, ...]


def verify(
    path: str | Path, on_progress: Callable[[int, int, int], None] = lambda *_: None
) -> Verification:
    """Read all of a store and compare it with its checksums.

    Of every shard: that it opens, that each dataset and the whole have the checksum they were
    written with, that rows and clips add up, that no clip is in it twice, and that whoever has
    no values has a failure that says why. Of all together: one rate, one version and one set of
    settings for each feature, and no values twice.

    Parameters
    ----------
    on_progress : callable
        Called with (shards done, shards to do, damages so far).

    Raises
    ------
    StoreError
        If there is no store, or its ``store.json`` cannot be read.
    """
    path = Path(path)
    about = read_about(path)
    paths = shard_paths(path)
    damages: list[str] = []
    sound: list[Shard] = []
    n_bytes = 0
    for n_done, one in enumerate(paths):
        on_progress(n_done, len(paths), len(damages))
        try:
            n_bytes += one.stat().st_size
            found = list(_of_file(one))
            shard = None if found else Shard.open(one)
        except OSError as error:
            found, shard = [str(unreadable(one, error))], None
        except StoreError as error:
            found, shard = [str(error)], None
        if shard is not None:
            found = list(_of_content(shard, int(about["rate_hz"])))
            sound += [] if found else [shard]
        damages += found
    on_progress(len(paths), len(paths), len(damages))
    notes: tuple[str, ...] = ()
    n_clips = len(set(chain.from_iterable(shard.ids for shard in sound)))
    try:
        store = Store(path, about, tuple(sound))
    except StoreError as error:
        damages.append(str(error))
    else:
        damages += _stored_twice(sound)
        notes = tuple(_left_to_do(store))
    damages += _of_tables(path)
    return Verification(len(paths), n_clips, n_bytes, tuple(damages), notes)


def _of_file(path: Path) -> Iterator[str]:
    """What is wrong with the bytes."""
    with opened(path) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if _is_data(item) else None)
        wrong = {name: what for name in names if (what := _of_dataset(file[name]))}
        if not wrong and fingerprint(file) != file.attrs[SHA256]:
            wrong["what it says of itself"] = "is not as it was written (checksum)"
        for name, what in wrong.items():
            yield f"{path}: {name} {what}; {_REDO}"


def _of_dataset(dataset: h5py.Dataset) -> str:
    """What is wrong with one dataset, or nothing."""
    if SHA256 not in dataset.attrs:
        return "has no checksum"
    try:
        as_written = _digest(dataset) == dataset.attrs[SHA256]
    except OSError as error:
        if error.errno:  # not the file's fault
            raise
        return f"cannot be made sense of ({_line(error)})"
    return "" if as_written else "is not as it was written (checksum)"


def _of_content(shard: Shard, rate_hz: int) -> Iterator[str]:
    """What is wrong with what they say."""
    if shard.rate_hz != rate_hz:
        yield f"{shard.path}: made at {shard.rate_hz} Hz, the store at {rate_hz} Hz; {_REDO}"
    names, counts = np.unique(shard.ids, return_counts=True)
    if (counts > 1).any():
        twice = names[counts > 1]
        yield f"{shard.path}: clip {twice[0]!r} is in it {counts.max()} times; {_REDO}"
    failed = {(failure.clip, failure.feature) for failure in shard.failures}
    for feature, offsets in shard.offsets.items():
        lost = [
            clip
            for clip in shard.ids[np.diff(offsets) == 0]
            if (clip, feature) not in failed and (clip, "") not in failed
        ]
        if lost:
            yield (
                f"{shard.path}: {len(lost)} clips have neither {feature} nor a failure that says "
                f"why (e.g. {lost[0]!r}); {_REDO}"
            )


def _stored_twice(shards: list[Shard]) -> Iterator[str]:
    ids = dict.fromkeys(chain.from_iterable(shard.ids for shard in shards))
    numbers = {clip: number for number, clip in enumerate(ids)}
    members = [np.asarray([numbers[clip] for clip in shard.ids], np.int64) for shard in shards]
    told: set[tuple[int, int]] = set()
    for feature in sorted({name for shard in shards for name in shard.offsets}):
        owner = np.full(len(numbers), -1)  # position of the shard that has the clip's values
        for index, (shard, clips) in enumerate(zip(shards, members, strict=True)):
            if feature not in shard.offsets:
                continue
            there = np.flatnonzero(np.diff(shard.offsets[feature]))
            for row in there[owner[clips[there]] >= 0][:1]:
                first = int(owner[clips[row]])
                if (first, index) not in told:
                    told.add((first, index))
                    yield (
                        f"{shard.path}: {feature} of clip {shard.ids[row]!r} is in "
                        f"{shards[first].path.name} too; delete one of them"
                    )
            owner[clips[there]] = index


def _left_to_do(store: Store) -> Iterator[str]:
    counts = dict.fromkeys(store.features, 0)
    for names in store.attempted().values():
        for name in counts.keys() - names:
            counts[name] += 1
    for name, count in counts.items():
        if count:
            yield f"{count} clips have not been tried with {name} yet; `fvx extract` goes on"
    if unfinished := list(store.path.glob(".*.tmp.h5")):
        yield (
            f"{len(unfinished)} files that a run is writing, or that one left that was killed; "
            "the next `fvx extract` removes them"
        )


def _of_tables(path: Path) -> Iterator[str]:
    for table in sorted(path.glob("tables/*.h5")):
        try:
            with h5py.File(table, "r") as file:
                for column in file.values():
                    column[:]
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            yield f"{table}: damaged ({_line(error)}); give `fvx window` again"


def _is_data(item: h5py.Group | h5py.Dataset) -> bool:
    return isinstance(item, h5py.Dataset)


def _digest(dataset: h5py.Dataset) -> str:
    """Checksum of a dataset, read a few megabytes at a time."""
    n_rows = len(dataset)
    at_once = max(1, _BLOCK_BYTES // max(1, dataset.nbytes // max(1, n_rows)))
    return digest(dataset[first : first + at_once] for first in range(0, n_rows, at_once))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
