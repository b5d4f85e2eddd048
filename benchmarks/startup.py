"""How long ``fvx --help`` and ``fvx predict one.wav`` take in a fresh process."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import fvx
from fvx.detector import DEFAULT_RUN
from fvx.model import latest_run

FVX = Path(sys.executable).with_name("fvx")
DEMO_CLIP = Path(fvx.__file__).parent / "demo_corpus" / "00.flac"
DEMO_RUN = Path("fvx-demo") / "run"
N_TIMES = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="default: the newest run, else the shipped model")
    parser.add_argument("--clip", type=Path, default=DEMO_CLIP, help="default: a clip of the demo")
    options = parser.parse_args()
    run = options.run or _default_run()
    print(f"{N_TIMES} fresh processes each; what they read may lie in the disk cache")
    report("fvx --help", ["--help"], target_s=0.5)
    if run is None:
        sys.exit("no run here for fvx predict; `make demo` or `fvx train` makes one")
    report(
        f"fvx predict {options.clip.name}", ["predict", str(options.clip), "--run", str(run)], 4.0
    )
    print(f"run {run}")


def report(title: str, words: list[str], target_s: float) -> None:
    times_s = [_time_s(words) for _ in range(N_TIMES)]
    middle_s, longest_s = statistics.median(times_s), max(times_s)
    print(
        f"{title:<22} median {middle_s:.2f} s, max {longest_s:.2f} s, target {target_s:g} s: "
        f"{'met' if longest_s < target_s else 'MISSED'}"
    )


def _time_s(words: list[str]) -> float:
    begun_s = time.perf_counter()
    done = subprocess.run([FVX, *words], capture_output=True, text=True, check=False)
    took_s = time.perf_counter() - begun_s
    if done.returncode:
        sys.exit(f"fvx {' '.join(words)} failed: {done.stderr.strip()}")
    return took_s


def _default_run() -> Path | None:
    newest, _ = latest_run()
    places = (newest, DEFAULT_RUN, DEMO_RUN)
    return next((place for place in places if place and place.exists()), None)


if __name__ == "__main__":
    main()
