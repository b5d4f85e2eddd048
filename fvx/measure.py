"""The unit of work: one shard's clips, read, measured by every feature, and written."""

from __future__ import annotations

import hashlib
import os
import pickle
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fvx import workers
from fvx.audio import Audio
from fvx.conversion import converted
from fvx.datasets import Clip, Dataset
from fvx.errors import AudioError, DatasetError, FeatureError, FvxError, ModelError, StoreError
from fvx.feature import Feature
from fvx.isolation import Child, Limits, Lost
from fvx.store import Failure, FeatureRecord, ShardWriter

if TYPE_CHECKING:
    from fvx.augment import Recipe

_MAX_REASON = 300  # characters: what a plugin raises may hold a whole array
_PART_BYTES = 16_000_000
_READING = 0  # the step in which a clip is read; the features follow from 1 on
_STRIKES = 2  # a process may be killed for reasons that lie outside the clip
_KNOWN = 3  # clips of a shard; after that it is hardly chance any more
_children: dict[Limits, Child[Any, Measured]] = {}  # of this worker


@dataclass(frozen=True)
class Task:
    """One shard to make: the unit of work, small enough to travel to a worker."""

    shard: Path
    dataset: Dataset  # without its clips
    positions: Sequence[int]  # of the clips, in the dataset
    clips: tuple[Clip, ...]
    features: tuple[Feature, ...]
    records: tuple[FeatureRecord, ...]  # of the features, where the run was started
    rate_hz: int
    conversion: str
    limits: Limits
    recipe: Recipe | None = None  # what the copies among the clips go through


class Measured(NamedTuple):
    """What one clip gave, or a part of it: some features' values and failures."""

    values: dict[str, NDArray[np.float32]]
    n_samples: int
    sha256: str
    failures: list[Failure]
    notes: tuple[str, ...] = ()  # on the audio


def make_shard(task: Task) -> list[Failure]:
    """Read, extract and write one shard; runs in a worker, returns what failed.

    Raises
    ------
    StoreError, DatasetError
        If the folder of the store or of the corpus is not there (any more).
    FeatureError
        If another version of a feature is installed here.
    """
    failures: list[Failure] = []
    _refuse_other_versions(task)
    _refuse_missing(StoreError, task.shard.parent)
    _refuse_missing(DatasetError, *_roots(task.dataset))
    measure_clip = _measurer(task)
    with ShardWriter(task.shard, task.features, task.rate_hz) as shard:
        for position, clip in zip(task.positions, task.clips, strict=True):
            found = measure_clip(clip)
            shard.add(position, clip, *found)
            failures.extend(found.failures)
            workers.step()
        if failures:  # not those that a drive lost on the way would leave behind
            _refuse_missing(DatasetError, *_roots(task.dataset))
    return failures


def measure(
    task: Task,
    clip: Clip,
    without: Collection[str] = (),
    begin: Callable[[int], None] = lambda _: None,
) -> Iterator[Measured]:
    """Read one clip and extract every feature but those of ``without``, telling each step.

    Gives what was measured part by part, so that what a long clip gives need not be held at once.
    """
    begin(_READING)
    where = f"clip {clip.id}"
    try:
        path = task.dataset.audio_path(clip)
        where = str(path)
        audio = Audio.read(path, task.rate_hz)
        notes = audio.notes
        if task.recipe is not None:
            from fvx.augment import copy_audio  # loads half of SciPy

            audio = copy_audio(audio, clip, task.recipe)
        audio = converted(audio, task.conversion)
        digest = sha256(path)
    # A run-time error: Path says so of links that go in a circle.
    except (AudioError, ModelError, DatasetError, OSError, RuntimeError, MemoryError) as error:
        yield Measured({}, 0, "", [_failure(clip, "", error, where)])
        return
    part = Measured({}, len(audio.samples), digest, [], notes)
    for step, feature in enumerate(task.features, _READING + 1):
        if feature.name in without:
            continue
        begin(step)
        try:
            part.values[feature.name] = np.asarray(feature(audio))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may fail in any way
            part.failures.append(_failure(clip, feature.name, error, feature.name))
        if sum(values.nbytes for values in part.values.values()) > _PART_BYTES:
            yield part
            part = part._replace(values={}, failures=[])
    yield part


def _together(parts: Sequence[Measured]) -> Measured:
    whole = parts[0]
    for part in parts[1:]:
        whole.values.update(part.values)
        whole.failures.extend(part.failures)
    return whole


def _measurer(task: Task) -> Callable[[Clip], Measured]:
    """`measure` for one clip: in a child process where this one is a worker, else here."""
    lifeline = workers.lifeline()
    if lifeline is None:
        return lambda clip: _together(list(measure(task, clip)))
    # One child for all shards: what features keep from clip to clip would be lost with it.
    if task.limits not in _children:
        _children[task.limits] = Child(_measure_in_child, task.limits, lifeline)
        workers.at_end(_children[task.limits].close)
    child = _children[task.limits]
    child.renew()
    bare = pickle.dumps(replace(task, positions=(), clips=()))
    deadly: Counter[str] = Counter()
    return lambda clip: _measure_apart(
        task, clip, lambda lost: child.call((bare, clip, lost)), deadly
    )


def _measure_in_child(
    asked: tuple[bytes, Clip, Collection[str]], begin: Callable[[int], None]
) -> Iterator[Measured]:
    task, clip, without = asked
    return measure(_loaded(task), clip, without, begin)


@lru_cache(maxsize=1)
def _loaded(task: bytes) -> Task:
    loaded: Task = pickle.loads(task)
    return loaded


def _measure_apart(
    task: Task,
    clip: Clip,
    call: Callable[[Collection[str]], list[Measured]],
    deadly: Counter[str],
) -> Measured:
    """As `measure`, by calls without some features; one that costs the child's life is left out.

    ``deadly`` counts for how many clips a feature has done so; the known are not tried twice.
    """
    lost: dict[str, Failure] = {}
    strikes: Counter[int] = Counter()
    while True:
        try:
            found = _together(call(frozenset(lost)))
        except Lost as end:
            strikes[end.step] += 1
            name = "" if end.step == _READING else task.features[end.step - 1].name
            if not name:  # a drive may be away: wait for it here, or find that it is gone
                _refuse_missing(DatasetError, *_roots(task.dataset))
            known = deadly[name] >= _KNOWN or end.overdue
            if strikes[end.step] == _STRIKES or (known and name):
                failure = Failure(clip.id, name, end.error, end.reason)
                if not name:
                    return Measured({}, 0, "", [failure])
                lost[name] = failure
                deadly[name] += 1
            continue
        by_feature = {failure.feature: failure for failure in found.failures}
        if "" not in by_feature:
            by_feature |= lost
        order = ["", *(feature.name for feature in task.features)]
        return found._replace(failures=[by_feature[name] for name in order if name in by_feature])


def _failure(clip: Clip, feature: str, error: BaseException, where: str) -> Failure:
    """One line of printable text, since it is stored, and shown in a terminal."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - even this is a plugin's
        text = ""
    reason = " ".join(text.removeprefix(f"{where}: ").split()) or "no reason given"
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in reason)
    if len(printable) > _MAX_REASON:
        printable = printable[: _MAX_REASON - 1] + "…"
    return Failure(clip.id, feature, type(error).__name__, printable)


def _refuse_other_versions(task: Task) -> None:
    for feature, wanted in zip(task.features, task.records, strict=True):
        here = FeatureRecord.of(feature)
        if not here.same_numbers(wanted):
            raise FeatureError(
                f"{here.name}: version {here.version} is installed on {socket.gethostname()}, "
                f"version {wanted.version} where the run was started; install the same on both"
            )


def _roots(dataset: Dataset) -> Collection[Path]:
    return dataset.mounts.values() or [dataset.root]


def _refuse_missing(error: type[FvxError], *folders: Path) -> None:
    for folder in folders:
        try:
            os.stat(os.path.join(folder, "."))
        except OSError as reason:
            where = f"{folder}: cannot be reached from {socket.gethostname()}"
            raise error(f"{where} ({reason.strerror})") from reason


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
