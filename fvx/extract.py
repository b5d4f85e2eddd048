"""The verb extract: clips through features into a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fvx import executors, workers
from fvx.audio import ANALYSIS_RATE_HZ
from fvx.datasets import Clip, Dataset
from fvx.errors import DatasetError, FeatureError, StoreError
from fvx.feature import Feature
from fvx.isolation import Limits
from fvx.measure import Task, make_shard, sha256
from fvx.store import Failure, FeatureRecord, Store

_MIN_CLIPS_PER_SHARD, _MAX_CLIPS_PER_SHARD, _SHARDS_WANTED = 16, 1024, 200


@dataclass(frozen=True)
class Extraction:
    """What a run of extract did.

    Attributes
    ----------
    store : Path
    n_clips : int
        Clips of the dataset.
    n_done, n_skipped : int
        Clips worked on in this run, and clips that were there already.
    failures : tuple of Failure
        Clips, or clip-feature pairs, of those asked for that have no values; kept in the store.
    """

    store: Path
    n_clips: int
    n_done: int
    n_skipped: int
    failures: tuple[Failure, ...] = field(default=())


def extract(
    dataset: Dataset,
    features: Sequence[Feature],
    store: str | Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    limit: int | None = None,
    retry_failed: bool = False,
    rate_hz: int = ANALYSIS_RATE_HZ,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    on_progress: Callable[[int, int, int], None] = lambda *_: None,
) -> Extraction:
    """Extract ``features`` from every clip of ``dataset`` into a store.

    Each clip is decoded once for all features. Work is done shard by shard; the same call
    goes on where an earlier one stopped, and adding features or clips rewrites nothing.

    Parameters
    ----------
    jobs : int
        Worker processes: a plugin that hangs, dies or takes too much memory costs that clip and
        feature only. 0 runs in this process, with no such protection, and also features that
        are defined in a notebook.
    scheduler : str or None
        Address of a Dask scheduler whose workers share this machine's files; they do the work
        instead.
    limit : int or None
        Only the first so many clips.
    retry_failed : bool
        Try again what failed before.
    limits : Limits
        What one feature may take on one clip.
    on_progress : callable
        Called with (clips done, clips to do, failures so far).

    Raises
    ------
    StoreError
        If the store is another dataset's, in use, cannot be written, or holds one of the
        features made with other settings.
    FeatureError
        If a hop is not a whole number of samples at ``rate_hz``: windows would drift. Or if a
        feature cannot be handed to another process.
    FvxError
        If workers keep dying, or the cluster cannot be used.
    """
    if jobs or scheduler:
        _refuse_what_cannot_travel(features)
    _refuse_uneven_hops(features, rate_hz)
    clips = dataset.clips[:limit]
    per_shard = int(
        np.clip(len(dataset.clips) // _SHARDS_WANTED, _MIN_CLIPS_PER_SHARD, _MAX_CLIPS_PER_SHARD)
    )
    made = Store.create(store, dataset=dataset.name, rate_hz=rate_hz, clips_per_shard=per_shard)
    with made.locked():
        del made  # its tables may be large, and are read again now that nobody else can write
        tasks = _tasks(store, dataset, clips, tuple(features), retry_failed, limits)
        n_todo = sum(len(task.clips) for task in tasks)
        failures: list[Failure] = []

        def on_steps(n_steps: int) -> None:
            on_progress(n_steps, n_todo, len(failures))

        on_steps(0)
        results = executors.run(
            make_shard, tasks, jobs=jobs, scheduler=scheduler, on_steps=on_steps
        )
        with closing(results):  # whatever ends this, the workers end before the lock does
            for failed in results:
                failures.extend(failed)
        on_steps(n_todo)
        _refuse_absent(tasks)
    n_skipped = len(clips) - n_todo
    left = _failures(Store.open(store), clips, features)
    return Extraction(Path(store), len(clips), n_todo, n_skipped, left)


def _refuse_what_cannot_travel(features: Iterable[Feature]) -> None:
    for feature in features:
        if reason := workers.travels(feature):
            raise FeatureError(
                f"{feature.name}: cannot be handed to a worker process ({reason}); put it in a "
                "module that can be imported, or pass jobs=0 to run it here"
            )


def _refuse_absent(tasks: Iterable[Task]) -> None:
    absent = [task.shard for task in tasks if not task.shard.exists()]
    if absent:
        raise StoreError(
            f"{absent[0]}: made, but not to be seen here, as {len(absent)} in all; the store has "
            "to lie where all workers see the same files"
        )


def _refuse_uneven_hops(features: Iterable[Feature], rate_hz: int) -> None:
    for feature in features:
        samples = (feature.hop_s or 0.0) * rate_hz
        if abs(samples - round(samples)) > 1e-6:
            raise FeatureError(
                f"{feature.name}: a hop of {feature.hop_s} s is {samples:g} samples at "
                f"{rate_hz} Hz; choose a rate at which it is a whole number of them"
            )


def _refuse_other_settings(store: Store, features: Iterable[Feature]) -> None:
    for feature in features:
        stored = store.features.get(feature.name)
        record = FeatureRecord.of(feature)
        if stored and not stored.same_numbers(record):
            raise StoreError(
                f"{store.path}: {feature.name} was made with version {stored.version} and "
                f"settings {dict(stored.settings)}, not version {record.version} and "
                f"{dict(record.settings)}; extract into another store (--store), "
                "or leave the feature out (--features)"
            )


def _refuse_other_clips(store: Store, dataset: Dataset, clips: Sequence[Clip]) -> None:
    """A corpus may change, or share its name with another: old numbers must not pass for new."""
    table = store.clips
    rows = dict(zip(table.index, range(len(table)), strict=True))
    known = [clip for clip in clips if clip.id in rows]
    for column in ("label", "speaker", "system", "split"):
        stored = table[column].to_numpy()
        for clip in known:
            if (new := str(getattr(clip, column))) != (old := stored[rows[clip.id]]):
                raise StoreError(
                    f"{store.path}: clip {clip.id!r} is there with {column} {old!r}, in the "
                    f"dataset with {new!r}; extract into another store (--store)"
                )
    # The audio of a few is enough to tell another corpus by.
    for clip in {clip.id: clip for clip in (*known[:1], *known[-1:])}.values():
        digest = table.loc[clip.id, "sha256"]
        try:
            changed = digest and sha256(dataset.audio_path(clip)) != digest
        except (DatasetError, OSError, RuntimeError):
            continue
        if changed:
            raise StoreError(
                f"{store.path}: clip {clip.id!r} was made from other audio than the dataset has "
                "now; extract into another store (--store)"
            )


def _tasks(
    path: str | Path,
    dataset: Dataset,
    clips: Sequence[Clip],
    features: tuple[Feature, ...],
    retry_failed: bool,
    limits: Limits,
) -> list[Task]:
    """What is left to do; refuses what does not go with what is there."""
    store = Store.open(path)
    _refuse_other_settings(store, features)
    _refuse_other_clips(store, dataset, clips)
    return _plan(store, dataset, clips, features, retry_failed, limits)


def _plan(
    store: Store,
    dataset: Dataset,
    clips: Sequence[Clip],
    features: tuple[Feature, ...],
    retry_failed: bool,
    limits: Limits,
) -> list[Task]:
    """Divide what is missing into shards, the same way whenever it is asked."""
    done = store.extracted() if retry_failed else store.attempted()
    groups: dict[tuple[int, tuple[Feature, ...]], list[tuple[int, Clip]]] = {}
    for position, clip in enumerate(clips):
        there = done.get(clip.id, frozenset())
        missing = tuple(feature for feature in features if feature.name not in there)
        if missing:
            chunk = position // int(store.about["clips_per_shard"])
            groups.setdefault((chunk, missing), []).append((position, clip))
    # Absolute, since a worker elsewhere has another working directory.
    mounts = {name: root.absolute() for name, root in dataset.mounts.items()}
    root = dataset.root.absolute()
    bare = replace(dataset, root=root, mounts=mounts, clips=(), notes=(), missing=())
    folder, rate_hz = store.path.absolute(), int(store.about["rate_hz"])
    tasks = []
    for (chunk, missing), members in groups.items():
        records = tuple(FeatureRecord.of(feature) for feature in missing)
        identity = [record.to_json() for record in records]
        identity += [clip.id for _, clip in members]
        digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:12]
        shard = folder / f"{chunk:06d}-{digest}.h5"
        tasks.append(Task(shard, bare, tuple(members), missing, records, rate_hz, limits))
    return tasks


def _failures(
    store: Store, clips: Sequence[Clip], features: Sequence[Feature]
) -> tuple[Failure, ...]:
    """Failures that concern the clips and features asked for."""
    ids, names = {clip.id for clip in clips}, {"", *(feature.name for feature in features)}
    rows = (Failure(*row) for row in store.failures.itertuples(index=False))
    return tuple(one for one in rows if one.clip in ids and one.feature in names)
