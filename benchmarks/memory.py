"""How much memory `fvx extract` takes on many generated clips: coordinator, workers, children.

The command runs as a user would run it; meanwhile the kernel's own record of each process's
resident memory and of its peak is read. A worker and its child share most of their pages, and
each is given here with all of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

RATE_HZ = 16_000
N_SOUNDS = 100  # different ones; the others are links to them
LIMITS_MB = {"coordinator": 400, "worker": 600, "child": 600}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a clip")
    parser.add_argument("--features", default="intensity,mfcc,spectral_flux")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_clips(folder / "clips", options.clips, options.seconds)
        print(f"{options.clips} clips of {options.seconds:g} s, {options.features}, "
              f"{options.jobs} jobs; resident memory in MB (largest of a kind)")  # fmt: skip
        peaks_mb = watch(
            [str(Path(sys.executable).with_name("fvx")), "extract", "--dataset", "clips",
             "--features", options.features, "--jobs", str(options.jobs), "--store", "store"],
            folder,
        )  # fmt: skip
    for kind, peak_mb in peaks_mb.items():
        print(f"peak of a {kind}: {peak_mb:.0f} MB (limit {LIMITS_MB[kind]})")
    sys.exit(any(peak_mb > LIMITS_MB[kind] for kind, peak_mb in peaks_mb.items()))


def make_clips(folder: Path, n_clips: int, seconds: float) -> None:
    """Hoarse tones that glide, half of them called spoof."""
    random = np.random.default_rng(0)
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    for label in ("bonafide", "spoof"):
        (folder / label).mkdir(parents=True)
    for number in range(n_clips):
        path = folder / ("bonafide", "spoof")[number % 2] / f"{number:06d}.wav"
        if number < N_SOUNDS:
            phase = 2 * np.pi * np.cumsum(random.uniform(80, 300) * (1 + 0.1 * time_s)) / RATE_HZ
            tone = sum(np.sin(k * phase) / k for k in range(1, 12))
            sound = 0.1 * tone + 0.01 * random.standard_normal(len(time_s))
            soundfile.write(path, sound, RATE_HZ)
        else:
            first = number % N_SOUNDS
            os.link(folder / ("bonafide", "spoof")[first % 2] / f"{first:06d}.wav", path)


def watch(command: list[str], folder: Path) -> dict[str, float]:
    """Run the command, print a curve, and return the peaks by kind of process."""
    peaks_mb: dict[str, float] = defaultdict(float)
    store, begun_s, next_s = folder / "store", time.monotonic(), 0.0
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        now_mb: dict[str, float] = defaultdict(float)
        for kind, pid in processes(process.pid):
            resident_mb, peak_mb = memory_mb(pid)
            now_mb[kind] = max(now_mb[kind], resident_mb)
            peaks_mb[kind] = max(peaks_mb[kind], peak_mb)
        elapsed_s = time.monotonic() - begun_s
        if elapsed_s >= next_s:
            n_shards = len(list(store.glob("[!.]*.h5")))
            kinds = "  ".join(f"{kind} {now_mb[kind]:4.0f}" for kind in LIMITS_MB)
            print(f"{elapsed_s:7.1f} s  {n_shards:4d} shards  {kinds}")
            next_s = elapsed_s * 1.3 + 1
        time.sleep(0.05)
    print(f"{time.monotonic() - begun_s:7.1f} s  exit code {process.returncode}")
    return dict(peaks_mb)


def processes(pid: int) -> Iterator[tuple[str, int]]:
    """The coordinator, its workers, and theirs."""
    yield "coordinator", pid
    for worker in children(pid):
        yield "worker", worker
        for child in children(worker):
            yield "child", child


def children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:  # it has just ended
        return []


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident memory of a process now, and its peak so far."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0, 0.0
    sizes = dict(line.split(":", 1) for line in lines)
    return tuple(  # type: ignore[return-value]
        int(sizes.get(name, "0 kB").split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")
    )


if __name__ == "__main__":
    main()
