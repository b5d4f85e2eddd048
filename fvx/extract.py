"""The verb extract: clips through features into a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fvx import executors
from fvx.audio import ANALYSIS_RATE_HZ, Audio
from fvx.datasets import Clip, Dataset
from fvx.errors import AudioError, StoreError
from fvx.feature import Feature
from fvx.store import Failure, FeatureRecord, ShardWriter, Store

_MIN_CLIPS_PER_SHARD, _MAX_CLIPS_PER_SHARD, _SHARDS_WANTED = 16, 1024, 200


@dataclass(frozen=True)
class Task:
    """One shard to make: the unit of work, small enough to travel to a worker."""

    shard: Path
    clips: tuple[tuple[int, Path, Clip], ...]  # position in the dataset, audio file, clip
    features: tuple[Feature, ...]
    rate_hz: int


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
        Clips, or clip-feature pairs, that have no values; kept in the store.
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
    limit: int | None = None,
    retry_failed: bool = False,
    rate_hz: int = ANALYSIS_RATE_HZ,
    on_progress: Callable[[int, int, int], None] = lambda *_: None,
) -> Extraction:
    """Extract ``features`` from every clip of ``dataset`` into a store.

    Each clip is decoded once for all features. Work is done shard by shard; the same call
    goes on where an earlier one stopped, and adding features or clips rewrites nothing.

    Parameters
    ----------
    jobs : int
        Worker processes.
    limit : int or None
        Only the first so many clips.
    retry_failed : bool
        Try again what failed before.
    on_progress : callable
        Called with (clips done, clips to do, failures so far).

    Raises
    ------
    StoreError
        If the store is another dataset's, in use, cannot be written, or holds one of the
        features made with other settings.
    """
    clips = dataset.clips[:limit]
    per_shard = int(
        np.clip(len(dataset.clips) // _SHARDS_WANTED, _MIN_CLIPS_PER_SHARD, _MAX_CLIPS_PER_SHARD)
    )
    target = Store.create(store, dataset=dataset.name, rate_hz=rate_hz, clips_per_shard=per_shard)
    with target.locked():
        target = Store.open(store)  # again, now that nobody else can write
        _refuse_other_settings(target, features)
        tasks = _plan(target, dataset, clips, tuple(features), retry_failed)
        n_todo = sum(len(task.clips) for task in tasks)
        failures: list[Failure] = []

        def on_steps(n_steps: int) -> None:
            on_progress(n_steps, n_todo, len(failures))

        on_steps(0)
        for failed in executors.run(make_shard, tasks, jobs=jobs, on_steps=on_steps):
            failures.extend(failed)
        on_steps(n_todo)
    return Extraction(Path(store), len(clips), n_todo, len(clips) - n_todo, tuple(_of_store(store)))


def make_shard(task: Task) -> list[Failure]:
    """Read, extract and write one shard; runs in a worker, returns what failed."""
    failures: list[Failure] = []
    with ShardWriter(task.shard, task.features, task.rate_hz) as shard:
        for position, path, clip in task.clips:
            values, n_samples, digest, failed = _extract_clip(path, clip, task)
            shard.add(position, clip, values, n_samples, digest, failed)
            failures.extend(failed)
            executors.step()
    return failures


def _extract_clip(
    path: Path, clip: Clip, task: Task
) -> tuple[Mapping[str, NDArray[np.float32]], int, str, list[Failure]]:
    try:
        audio = Audio.read(path, task.rate_hz)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (AudioError, OSError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        return {}, 0, "", [Failure(clip.id, "", type(error).__name__, reason)]
    values: dict[str, NDArray[np.float32]] = {}
    failed: list[Failure] = []
    for feature in task.features:
        try:
            values[feature.name] = feature(audio)
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way
            reason = str(error).removeprefix(f"{feature.name}: ")
            failed.append(Failure(clip.id, feature.name, type(error).__name__, reason))
    return values, len(audio.samples), digest, failed


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


def _plan(
    store: Store,
    dataset: Dataset,
    clips: Sequence[Clip],
    features: tuple[Feature, ...],
    retry_failed: bool,
) -> list[Task]:
    """Divide what is missing into shards, the same way whenever it is asked."""
    attempted = store.attempted()
    failed: dict[str, set[str]] = {}
    if retry_failed:
        for clip, feature in zip(store.failures["clip"], store.failures["feature"], strict=True):
            failed.setdefault(clip, set()).update([feature] if feature else store.features)
    groups: dict[tuple[int, tuple[Feature, ...]], list[tuple[int, Path, Clip]]] = {}
    for position, clip in enumerate(clips):
        done = attempted.get(clip.id, frozenset()) - failed.get(clip.id, set())
        missing = tuple(feature for feature in features if feature.name not in done)
        if missing:
            chunk = position // int(store.about["clips_per_shard"])
            place = (position, dataset.audio_path(clip), clip)
            groups.setdefault((chunk, missing), []).append(place)
    tasks = []
    for (chunk, missing), members in groups.items():
        identity = [FeatureRecord.of(feature).to_json() for feature in missing]
        identity += [clip.id for _, _, clip in members]
        digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:12]
        shard = store.path / f"{chunk:06d}-{digest}.h5"
        tasks.append(Task(shard, tuple(members), missing, int(store.about["rate_hz"])))
    return tasks


def _of_store(store: str | Path) -> Iterable[Failure]:
    rows = Store.open(store).failures.to_dict("records")
    return (Failure(**{str(name): value for name, value in row.items()}) for row in rows)
