"""How fast `fvx extract` is, how it grows with jobs and clips, and what isolation costs.

Each number of jobs extracts the same clips into a new store, in turn, several times over; the
best of each counts, since others may use the machine meanwhile. Jobs 0 is this process with one
thread and no isolation: what remains of the difference to 1 job is its price.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)  # before numpy is imported, which reads them then

import argparse
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from fvx.datasets import Dataset, open_dataset
from fvx.extract import extract
from fvx.feature import Feature
from fvx.registry import discover
from fvx.store import Store

SHARD_SIZES = (1, 4, 16, 48)


@dataclass(frozen=True)
class Timing:
    """One extraction, in seconds by the clock, and of all its processes together."""

    total_s: float
    cpu_s: float
    first_clip_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", default="demo", help="a corpus, as for fvx extract --dataset")
    parser.add_argument("--features", default="all", help="all, or names with commas")
    parser.add_argument("--limit", type=int, help="only the first N clips")
    parser.add_argument("--jobs", default="0,1,2", help="numbers of jobs, with commas")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    registry = discover()
    dataset = open_dataset(options.clips, registry.datasets)
    dataset = replace(dataset, clips=dataset.clips[: options.limit])
    names = [] if options.features == "all" else options.features.split(",")
    features = registry.select(names)
    print(
        f"{len(dataset.clips)} clips, {len(features)} features, {os.cpu_count()} cores; "
        f"load {os.getloadavg()[0]:.1f} at the start; best of {options.rounds} rounds"
    )
    numbers = [int(word) for word in options.jobs.split(",")]
    compare_jobs(dataset, features, numbers, options.rounds)
    cost_of_a_shard(dataset, features)


def compare_jobs(
    dataset: Dataset, features: Sequence[Feature], numbers: Sequence[int], rounds: int
) -> None:
    timings: dict[int, list[Timing]] = {jobs: [] for jobs in numbers}
    audio_s = megabytes = 0.0
    for _ in range(rounds):
        for jobs in numbers:
            with tempfile.TemporaryDirectory() as folder:
                timings[jobs].append(_time(dataset, features, Path(folder), jobs))
                audio_s = float(Store.open(folder).clips["duration_s"].sum())
                megabytes = sum(p.stat().st_size for p in Path(folder).glob("*.h5")) / 1e6
    print(f"{audio_s / 60:.1f} minutes of audio; {megabytes:.1f} MB stored, "
          f"{megabytes / audio_s * 3.6:.2f} GB an hour")  # fmt: skip
    print("jobs    seconds  clips/s  x real time  first clip after  CPU seconds   all rounds")
    best = {jobs: min(one.total_s for one in found) for jobs, found in timings.items()}
    for jobs, found in timings.items():
        all_rounds = ", ".join(f"{one.total_s:.2f}" for one in found)
        print(f"{jobs:4d} {best[jobs]:10.2f} {len(dataset.clips) / best[jobs]:8.1f} "
              f"{audio_s / best[jobs]:12.0f} {min(one.first_clip_s for one in found):15.2f} s"
              f"{min(one.cpu_s for one in found):13.2f}   {all_rounds}")  # fmt: skip
    if {1, 2} <= set(best):
        print(f"2 jobs are {best[1] / best[2]:.2f} times as fast as 1 (target 1.85); by round: "
              + ", ".join(f"{one.total_s / two.total_s:.2f}"
                          for one, two in zip(timings[1], timings[2], strict=True)))  # fmt: skip
    if {0, 1} <= set(best):
        by_cpu = min(one.cpu_s for one in timings[1]) / min(one.cpu_s for one in timings[0])
        print(f"isolation: {100 * (best[1] / best[0] - 1):+.1f} % of time, "
              f"{100 * (by_cpu - 1):+.1f} % of CPU time, start of a worker included")  # fmt: skip


def cost_of_a_shard(dataset: Dataset, features: Sequence[Feature]) -> None:
    """Fit seconds = a + b * clips to shards of several sizes, each the best of five."""
    sizes = [size for size in SHARD_SIZES if size <= len(dataset.clips)]
    best_s = []
    for size in sizes:
        some = replace(dataset, clips=dataset.clips[:size])
        best_s.append(min(_shard_s(some, features) for _ in range(5)))
    per_clip, per_shard = np.polyfit(sizes, best_s, 1)
    measured = [f"{n}: {1000 * s:.0f} ms" for n, s in zip(sizes, best_s, strict=True)]
    print(f"one store of one shard, in this process: {1000 * per_shard:.0f} ms + "
          f"{1000 * per_clip:.1f} ms a clip (measured: {', '.join(measured)})")  # fmt: skip


def _shard_s(dataset: Dataset, features: Sequence[Feature]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begun_s = perf_counter()
        extract(dataset, features, folder, jobs=0)
        return perf_counter() - begun_s


def _time(dataset: Dataset, features: Sequence[Feature], store: Path, jobs: int) -> Timing:
    first_s: list[float] = []
    begun_s, begun_cpu_s = perf_counter(), _cpu_s()

    def on_progress(n_done: int, *_: int) -> None:
        if n_done and not first_s:
            first_s.append(perf_counter() - begun_s)

    extract(dataset, features, store, jobs=jobs, on_progress=on_progress)
    return Timing(perf_counter() - begun_s, _cpu_s() - begun_cpu_s, first_s[0])


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
