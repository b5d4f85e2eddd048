"""The verb extract: clips through features into a store."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fvx import executors, workers
from fvx.audio import ANALYSIS_RATE_HZ
from fvx.conversion import CONVERSION
from fvx.datasets import Clip, Dataset
from fvx.errors import DatasetError, FeatureError, StoreError
from fvx.feature import Feature
from fvx.isolation import Limits
from fvx.measure import Task, make_shard, sha256
from fvx.store import Failure, FeatureRecord, Store

if TYPE_CHECKING:
    from fvx.augment import Recipe

_AUGMENTATION = "augmentation"  # of the store's settings: the recipe
_MIN_CLIPS_PER_SHARD, _MAX_CLIPS_PER_SHARD, _SHARDS_WANTED = 16, 1024, 200


@dataclass(frozen=True)
class Extraction:
    """What a run of extract did.

    Attributes
    ----------
    store : Path
    n_clips : int
        Clips of the dataset, and copies of them.
    n_done, n_skipped : int
        Clips worked on in this run, and clips that were there already.
    failures : tuple of Failure
        Clips, or clip-feature pairs, of those asked for that have no values; kept in the store.
    n_copies : int
        How many of the clips are copies.
    """

    store: Path
    n_clips: int
    n_done: int
    n_skipped: int
    failures: tuple[Failure, ...] = field(default=())
    n_copies: int = 0


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
    conversion: str = CONVERSION,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    recipe: Recipe | None = None,
    n_copies: int = 1,
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
        Only the first so many clips, and copies of them.
    retry_failed : bool
        Try again what failed before.
    conversion : str
        How audio is brought to what models read; "": measured as it was read.
    limits : Limits
        What one feature may take on one clip.
    recipe : Recipe or None
        What copies go through, which are extracted as well; the store keeps it. Copies may be
        added to a store that was made with the same one.
    n_copies : int
        Copies of each clip; without a recipe there are none.
    on_progress : callable
        Called with (clips done, clips to do, failures so far).

    Raises
    ------
    StoreError
        If the store is another dataset's, in use, cannot be written, or holds one of the
        features made with other settings, or was made with another recipe or none.
    FeatureError
        If a hop is not a whole number of samples at ``rate_hz``: windows would drift. Or if a
        feature cannot be handed to another process.
    RecipeError
        If the corpus has clips that are called as copies would be.
    FvxError
        If workers keep dying, or the cluster cannot be used.
    """
    if jobs or scheduler:
        _refuse_what_cannot_travel(features)
    _refuse_uneven_hops(features, rate_hz)
    n_originals = len(dataset.clips)
    per_shard = int(
        np.clip(n_originals // _SHARDS_WANTED, _MIN_CLIPS_PER_SHARD, _MAX_CLIPS_PER_SHARD)
    )
    more = {} if recipe is None else {_AUGMENTATION: recipe.settings}
    if recipe is not None:
        from fvx.augment import add_copies  # loads half of SciPy

        dataset = add_copies(dataset, recipe, n_copies)
    # Copies follow the originals block by block: their places hold, however many there are.
    positions: Sequence[int] = range(len(dataset.clips))
    if limit is not None:
        positions = [position for position in positions if position % n_originals < limit]
    made = Store.create(
        store,
        dataset=dataset.name,
        rate_hz=rate_hz,
        clips_per_shard=per_shard,
        conversion=conversion,
        **more,
    )
    _refuse_other_recipe(made, recipe)
    with made.locked():
        del made  # its tables may be large, and are read again now that nobody else can write
        tasks = _tasks(store, dataset, positions, tuple(features), retry_failed, limits, recipe)
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
    left = _failures(Store.open(store), {dataset.clips[place].id for place in positions}, features)
    n_copied = sum(position >= n_originals for position in positions)
    return Extraction(Path(store), len(positions), n_todo, len(positions) - n_todo, left, n_copied)


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


def _refuse_other_recipe(store: Store, recipe: Recipe | None) -> None:
    kept, wanted = store.about.get(_AUGMENTATION), None if recipe is None else recipe.settings
    if kept == wanted:
        return
    if recipe is None:
        why = "with altered copies; give their recipe (--augment) or another store (--store)"
    else:
        how = f"by another recipe than {recipe.name}" if kept else "without altered copies"
        why = f"{how}; extract into another store (--store)"
    raise StoreError(f"{store.path}: was made {why}")


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
    wanted = {clip.id: clip for clip in clips}
    digests: dict[str, str] = {}  # of the first and the last clip that was read
    for table in store.tables():
        known = [(row, wanted[name]) for row, name in enumerate(table["id"]) if name in wanted]
        for column in ("label", "speaker", "system", "split"):
            for row, clip in known:
                if (new := str(getattr(clip, column))) != (old := table[column][row]):
                    raise StoreError(
                        f"{store.path}: clip {clip.id!r} is there with {column} {old!r}, in the "
                        f"dataset with {new!r}; extract into another store (--store)"
                    )
        read = {clip.id: table["sha256"][row] for row, clip in known if table["sha256"][row]}
        ends = [*digests, *read]
        digests = {name: (digests | read)[name] for name in (*ends[:1], *ends[-1:])}
    # The audio of a few is enough to tell another corpus by.
    for name, digest in digests.items():
        try:
            changed = sha256(dataset.audio_path(wanted[name])) != digest
        except (DatasetError, OSError, RuntimeError):
            continue
        if changed:
            raise StoreError(
                f"{store.path}: clip {name!r} was made from other audio than the dataset has "
                "now; extract into another store (--store)"
            )


def _tasks(
    path: str | Path,
    dataset: Dataset,
    positions: Sequence[int],
    features: tuple[Feature, ...],
    retry_failed: bool,
    limits: Limits,
    recipe: Recipe | None,
) -> list[Task]:
    """What is left to do; refuses what does not go with what is there."""
    store = Store.open(path)
    _refuse_other_settings(store, features)
    _refuse_other_clips(store, dataset, [dataset.clips[position] for position in positions])
    return _plan(store, dataset, positions, features, retry_failed, limits, recipe)


def _plan(
    store: Store,
    dataset: Dataset,
    positions: Sequence[int],
    features: tuple[Feature, ...],
    retry_failed: bool,
    limits: Limits,
    recipe: Recipe | None,
) -> list[Task]:
    """Divide what is missing into shards, the same way whenever it is asked."""
    done = store.extracted() if retry_failed else store.attempted()
    groups: dict[tuple[int, tuple[Feature, ...]], array[int]] = {}
    for position in positions:
        there = done.get(dataset.clips[position].id, frozenset())
        missing = tuple(feature for feature in features if feature.name not in there)
        if missing:
            chunk = position // int(store.about["clips_per_shard"])
            groups.setdefault((chunk, missing), array("q")).append(position)
    # Absolute, since a worker elsewhere has another working directory.
    mounts = {name: root.absolute() for name, root in dataset.mounts.items()}
    root = dataset.root.absolute()
    bare = replace(dataset, root=root, mounts=mounts, clips=(), notes=(), missing=())
    folder, about = store.path.absolute(), store.about
    tasks = []
    for (chunk, missing), places in groups.items():
        records = tuple(FeatureRecord.of(feature) for feature in missing)
        identity = [record.to_json() for record in records]
        members = tuple(dataset.clips[position] for position in places)
        identity += [clip.id for clip in members]
        digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:12]
        shard = folder / f"{chunk:06d}-{digest}.h5"
        tasks.append(
            Task(
                shard, bare, places, members, missing, records,
                int(about["rate_hz"]), str(about["conversion"]), limits, recipe,
            )
        )  # fmt: skip
    return tasks


def _failures(
    store: Store, ids: Collection[str], features: Sequence[Feature]
) -> tuple[Failure, ...]:
    """Failures that concern the clips and features asked for."""
    names = {"", *(feature.name for feature in features)}
    return tuple(one for one in store.failed if one.clip in ids and one.feature in names)
