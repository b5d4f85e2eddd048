"""The unit of work: one shard's clips, read, measured by every feature, and written."""

from __future__ import annotations

import hashlib
import os
import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fvx import workers
from fvx.audio import Audio
from fvx.datasets import Clip, Dataset
from fvx.errors import AudioError, DatasetError, FeatureError, FvxError, StoreError
from fvx.feature import Feature
from fvx.isolation import Child, Limits, Lost
from fvx.store import Failure, FeatureRecord, ShardWriter

_MAX_REASON = 300  # characters: what a plugin raises may hold a whole array
_READING = 0  # the step in which a clip is read; the features follow from 1 on
_STRIKES = 2  # a process may be killed for reasons that lie outside the clip


@dataclass(frozen=True)
class Task:
    """One shard to make: the unit of work, small enough to travel to a worker."""

    shard: Path
    dataset: Dataset  # without its clips
    clips: tuple[tuple[int, Clip], ...]  # position in the dataset, clip
    features: tuple[Feature, ...]
    records: tuple[FeatureRecord, ...]  # of the features, where the run was started
    rate_hz: int
    limits: Limits


class Measured(NamedTuple):
    """What one clip gave."""

    values: Mapping[str, NDArray[np.float32]]
    n_samples: int
    sha256: str
    failures: Sequence[Failure]


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
    with (
        _measuring(task) as measure_clip,
        ShardWriter(task.shard, task.features, task.rate_hz) as shard,
    ):
        for position, clip in task.clips:
            values, n_samples, digest, failed = measure_clip(clip)
            shard.add(position, clip, values, n_samples, digest, failed)
            failures.extend(failed)
            workers.step()
        if failures:  # not those that a drive lost on the way would leave behind
            _refuse_missing(DatasetError, *_roots(task.dataset))
    return failures


def measure(
    task: Task,
    clip: Clip,
    without: Collection[str] = (),
    begin: Callable[[int], None] = lambda _: None,
) -> Measured:
    """Read one clip and extract every feature but those of ``without``, telling each step."""
    begin(_READING)
    where = f"clip {clip.id}"
    try:
        path = task.dataset.audio_path(clip)
        where = str(path)
        audio = Audio.read(path, task.rate_hz)
        digest = sha256(path)
    # A run-time error: Path says so of links that go in a circle.
    except (AudioError, DatasetError, OSError, RuntimeError, MemoryError) as error:
        return Measured({}, 0, "", [_failure(clip, "", error, where)])
    values: dict[str, NDArray[np.float32]] = {}
    failed: list[Failure] = []
    for step, feature in enumerate(task.features, _READING + 1):
        if feature.name in without:
            continue
        begin(step)
        try:
            values[feature.name] = np.asarray(feature(audio))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may fail in any way
            failed.append(_failure(clip, feature.name, error, feature.name))
    return Measured(values, len(audio.samples), digest, failed)


@contextmanager
def _measuring(task: Task) -> Iterator[Callable[[Clip], Measured]]:
    """Yield `measure` for one clip: in a child process where this one is a worker, else here."""
    lifeline = workers.lifeline()
    if lifeline is None:
        yield lambda clip: measure(task, clip)
        return

    def run(asked: tuple[Clip, frozenset[str]], begin: Callable[[int], None]) -> Measured:
        return measure(task, *asked, begin)

    with Child(run, task.limits, lifeline) as child:
        yield lambda clip: _measure_apart(task, clip, child)


def _measure_apart(
    task: Task, clip: Clip, child: Child[tuple[Clip, frozenset[str]], Measured]
) -> Measured:
    """As `measure`, in a child process; the feature that costs its life is left out."""
    lost: dict[str, Failure] = {}
    strikes: Counter[int] = Counter()
    while True:
        try:
            values, n_samples, digest, failed = child.call((clip, frozenset(lost)))
        except Lost as end:
            strikes[end.step] += 1
            name = "" if end.step == _READING else task.features[end.step - 1].name
            if not name:  # a drive may be away: wait for it here, or find that it is gone
                _refuse_missing(DatasetError, *_roots(task.dataset))
            if (end.overdue and name) or strikes[end.step] == _STRIKES:
                failure = Failure(clip.id, name, end.error, end.reason)
                if not name:
                    return Measured({}, 0, "", [failure])
                lost[name] = failure
            continue
        by_feature = {failure.feature: failure for failure in failed}
        if "" not in by_feature:
            by_feature |= lost
        order = ["", *(feature.name for feature in task.features)]
        ordered = [by_feature[name] for name in order if name in by_feature]
        return Measured(values, n_samples, digest, ordered)


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
