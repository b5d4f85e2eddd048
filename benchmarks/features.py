"""What each feature costs on one core, alone and beside the others, and what it costs elsewhere.

Every installed feature and every peer that is installed (librosa, Praat, spafe, openSMILE, the
formulas of fvx's predecessor) measures the same clips in one run. Times are CPU time of the
process, so that others on the machine count little: of each clip the least of several rounds,
then the mean over clips, scaled to a clip of 4.3 s, the mean length in the In-the-Wild corpus.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    NUMBA_NUM_THREADS="1",
)  # before numpy is imported, which reads them then

import argparse
import gc
import json
import platform
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import soundfile
from costs.libraries import LIBRARIES
from costs.peer import Peer
from costs.predecessor import PREDECESSOR
from costs.report import report
from costs.stopwatch import Ledger, Stopwatch, WatchedAudio, booked_transforms

from fvx.audio import Audio
from fvx.datasets import open_dataset
from fvx.feature import Feature
from fvx.registry import Registry, discover

CLIP_S = 4.3
N_CLIPS = 8
FEWEST_ROUNDS, MOST_ROUNDS = 2, 12
BUDGET_S = 2.5  # of each thing measured, over all clips and rounds, as far as the rounds allow
SUFFIXES = (".flac", ".mp3", ".ogg", ".wav")
PEERS: tuple[Peer, ...] = (*LIBRARIES, *PREDECESSOR)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of audio; default: the demo corpus")
    parser.add_argument("--limit", type=int, default=N_CLIPS, help="clips taken, evenly spread")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args()
    _keep_to_one_core()
    registry = discover()
    with tempfile.TemporaryDirectory() as folder:
        found = (
            _audio_files(options.clips) if options.clips else _demo_clips(Path(folder), registry)
        )
        chosen = sorted({round(i) for i in np.linspace(0, len(found) - 1, options.limit)})
        record = measure(registry, [found[i] for i in chosen])
    print(report(record))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def measure(registry: Registry, paths: Sequence[Path]) -> dict[str, Any]:
    """Time everything on these files, rounds interleaved, and return the figures."""
    clips = [Audio.read(path) for path in paths]
    scale = CLIP_S / float(np.mean([clip.duration_s for clip in clips]))
    together = registry.select()
    jobs: dict[str, Callable[[Audio], object]] = {
        **{f"alone {name}": feature for name, feature in registry.features.items()},
        **{f"peer {peer.title}": peer.run for peer in PEERS if peer.installed},
    }
    watch = Stopwatch()
    walls_s: dict[int, float] = {}
    rounds = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers warn of silence and of what they will change
        for what, run in jobs.items():
            run(_fresh(clips[0]))  # imports, compiles, fills caches
            once_s = watch.time(what, 0, lambda run=run: run(_fresh(clips[0]))) / 1000  # type: ignore[misc]
            wanted = int(BUDGET_S / (len(clips) * max(once_s, 1e-4)))
            rounds[what] = min(max(wanted, FEWEST_ROUNDS), MOST_ROUNDS)
        gc.disable()
        for number in range(MOST_ROUNDS):
            for index, (path, clip) in enumerate(zip(paths, clips, strict=True)):
                for what, run in jobs.items():
                    if number < rounds[what]:
                        audio = _fresh(clip)
                        watch.time(what, index, lambda run=run, audio=audio: run(audio))  # type: ignore[misc]
                watch.time("decode", index, lambda path=path: Audio.read(path))  # type: ignore[misc]
                wall_s = _run_together(watch, index, clip, together)
                walls_s[index] = min(wall_s, walls_s.get(index, np.inf))
                _look_inside(watch, index, clip, together)
            gc.collect()
        gc.enable()
    means_ms = watch.means_ms(scale)
    return {
        "machine": _machine(),
        "versions": _versions(),
        "clips": {
            "n": len(clips),
            "mean_s": round(CLIP_S / scale, 3),
            "rates_hz": sorted({clip.rate_hz for clip in clips}),
            "scaled_to_s": CLIP_S,
        },
        "rounds": MOST_ROUNDS,
        "all_ms": means_ms["together"],
        "all_wall_ms": round(1000 * scale * float(np.mean(list(walls_s.values()))), 3),
        "decode_ms": means_ms["decode"],
        "fourier_ms": means_ms.get("fourier", 0.0),
        "times_real_time": round(1000 * CLIP_S / (means_ms["together"] + means_ms["decode"]), 1),
        "features": {
            name: {
                "version": feature.version,
                "alone_ms": means_ms[f"alone {name}"],
                "in_run_ms": means_ms.get(f"in run {name}"),
            }
            for name, feature in registry.features.items()
        },
        "shared": _largest_first(means_ms, "shared "),
        "own": _largest_first(means_ms, "own "),
        "peers": [
            {"feature": peer.feature, "title": peer.title, "ms": means_ms.get(f"peer {peer.title}")}
            for peer in PEERS
        ],
    }


def _run_together(watch: Stopwatch, index: int, clip: Audio, features: Sequence[Feature]) -> float:
    """All features in sorted order on one Audio; returns the seconds by the clock on the wall."""
    audio = _fresh(clip)
    begun_s, total_ms = perf_counter(), 0.0
    for feature in features:
        total_ms += watch.time(f"in run {feature.name}", index, lambda f=feature: f(audio))  # type: ignore[misc]
    watch.note("together", index, total_ms)
    return perf_counter() - begun_s


def _look_inside(watch: Stopwatch, index: int, clip: Audio, features: Sequence[Feature]) -> None:
    """The same once more, with a ledger of what is shared and of the Fourier transforms."""
    audio, inside, fourier = WatchedAudio(clip.samples, clip.rate_hz), Ledger(), Ledger()
    object.__setattr__(audio, "ledger", inside)  # Audio is frozen
    with booked_transforms(fourier):
        for feature in features:
            inside.run(f"own {feature.name}", lambda f=feature: f(audio))  # type: ignore[misc]
    for what, took_ms in inside.own_ms.items():
        watch.note(what, index, took_ms)
    watch.note("fourier", index, sum(fourier.own_ms.values()))


def _largest_first(means_ms: Mapping[str, float], prefix: str) -> list[dict[str, Any]]:
    found = {
        what.removeprefix(prefix): m for what, m in means_ms.items() if what.startswith(prefix)
    }
    ranked = sorted(found.items(), key=lambda item: -item[1])
    return [{"what": what, "ms": cost} for what, cost in ranked]


def _fresh(clip: Audio) -> Audio:
    return Audio(clip.samples, clip.rate_hz)


def _audio_files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise SystemExit(f"{folder}: no audio here ({', '.join(SUFFIXES)})")
    return found


def _demo_clips(folder: Path, registry: Registry) -> list[Path]:
    """The demo corpus as clips of 4.3 s: each speaker's clips end to end, and cut."""
    corpus = open_dataset("demo", registry.datasets)
    spoken = defaultdict(list)
    for clip in corpus.clips:
        spoken[clip.speaker].append(Audio.read(corpus.audio_path(clip)))
    paths: list[Path] = []
    for speaker in sorted(spoken):
        samples = np.concatenate([audio.samples for audio in spoken[speaker]])
        rate_hz = spoken[speaker][0].rate_hz
        size = round(CLIP_S * rate_hz)
        for number in range(len(samples) // size):
            paths.append(folder / f"{len(paths):02d}.flac")
            soundfile.write(paths[-1], samples[number * size :][:size], rate_hz)
    return paths


def _keep_to_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):  # Linux only
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _machine() -> str:
    models = (
        [
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        if Path("/proc/cpuinfo").exists()
        else []
    )
    return f"{models[0] if models else platform.machine()}, Python {platform.python_version()}"


def _versions() -> dict[str, str]:
    found = {}
    for name in ("numpy", "scipy", "librosa", "praat-parselmouth", "spafe", "opensmile"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
