"""Windows a second of training and of scoring, with one and two threads; fvx beside its ancestor.

The windows are made up: of every feature that is installed and evidence, or of a store's. Each
number of threads gets a process of its own, since TensorFlow wants to know it before it begins.
`fvx predict` is run as a user runs it, on the clips of the demo over and over.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

TRAINING_WINDOWS_PER_S, SCORING_WINDOWS_PER_S, TIMES_REAL = 2_000, 8_000, 60
BATCH, SCORED, SECONDS = 64, 1024, 5.0
FVX = Path(sys.executable).with_name("fvx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clips", type=int, default=1_000, help="for fvx predict; 0: leave it")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    print(f"load of this machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'windows/s':<42}{'wall':>9}{'per CPU s':>12}")
    best: dict[str, float] = {}
    for n_threads in options.threads:
        command = [sys.executable, "-W", "ignore", __file__, "--one", str(n_threads)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True,
                              stderr=subprocess.DEVNULL)  # fmt: skip
        for name, (wall, cpu) in json.loads(done.stdout.splitlines()[-1]).items():
            print(f"{name + f', {n_threads} threads':<42}{wall:>9,.0f}{cpu:>12,.0f}")
            best[name] = max(best.get(name, 0.0), wall)
    for name, target in (("fvx training", TRAINING_WINDOWS_PER_S),
                         ("fvx scoring, LiteRT", SCORING_WINDOWS_PER_S)):  # fmt: skip
        said = "met" if best[name] >= target else "MISSED"
        print(f"{name}: {best[name]:,.0f} windows/s, target {target:,}: {said}")
    if options.clips:
        predict(options.clips)


def measure(n_threads: int) -> dict[str, tuple[float, float]]:
    """Windows a second, by the clock and by the processor's time, of everything."""
    from fvx.baselines import ancestor, find
    from fvx.model import litert
    from fvx.model.descent import TrainingSettings, begin, inference, keras
    from fvx.model.network import EachAlone, build, joined
    from fvx.registry import discover
    from fvx.store import FeatureRecord
    from fvx.windows import Geometry

    import tensorflow as tf  # isort: skip - after descent, which keeps it quiet

    tf.config.threading.set_intra_op_parallelism_threads(n_threads)
    tf.config.threading.set_inter_op_parallelism_threads(n_threads)
    begin(TrainingSettings())
    registry = discover()
    found: dict[str, tuple[float, float]] = {}

    def statistics(records: list[FeatureRecord]) -> dict[str, Any]:
        return {one.name: (np.zeros(len(one.columns)), np.ones(len(one.columns)))
                for one in records}  # fmt: skip

    records = [FeatureRecord.of(one) for one in registry.select()]
    geometry = Geometry()
    branches, terminus, apart = build(records, geometry, statistics(records))
    found["fvx training"] = training(apart, EachAlone())
    joint = joined(branches, terminus)
    scored, compiled = windows(joint, SCORED), inference(joint)
    found["fvx scoring, model.predict"] = rate(
        lambda: joint.predict(scored, batch_size=256, verbose=0), SCORED
    )
    found["fvx scoring, compiled function"] = rate(lambda: compiled(scored), SCORED)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "branches.tflite"
        branches.export(path, format="litert", verbose=False)
        network = litert.Network(path.read_bytes(), path, 1)
    found["fvx scoring, LiteRT"] = litert_rate(network, records, scored, n_threads)

    plan = find("ancestor")
    own = [FeatureRecord.of(one) for one in registry.select(plan.features)]

    part = SimpleNamespace(features=own)
    trained, judged = ancestor._network(part, statistics(own))  # type: ignore[arg-type]
    squares = keras.losses.MeanSquaredError()
    found["ancestor training"] = training(trained, squares)
    of_ancestor = windows(judged, SCORED)
    found["ancestor scoring, model.predict"] = rate(
        lambda: judged.predict(of_ancestor, batch_size=256, verbose=0), SCORED
    )
    return found


def training(network: Any, loss: Any) -> tuple[float, float]:
    from fvx.model.descent import _step
    from fvx.model.optimizer import FlatAdamW
    from fvx.model.part import Batch

    network.compile(FlatAdamW(1e-3, 1e-4), loss, jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    step = _step(network, None)
    target = (np.arange(BATCH) % 2).astype(np.float32)[:, np.newaxis]
    batch = Batch(windows(network, BATCH), target, np.ones(BATCH, np.float32))
    return rate(lambda: step(batch), BATCH)


def litert_rate(
    network: Any, records: list[Any], scored: dict[str, Any], n_threads: int
) -> tuple[float, float]:
    """As `fvx.model.Scorer` runs it: batches side by side, a network for each thread."""
    from fvx.model.network import EMBEDDING_SIZE
    from fvx.model.scorer import Scorer

    card = SimpleNamespace(features=records, embedding_size=EMBEDDING_SIZE)
    scorer = Scorer(card, network, network, n_threads)  # type: ignore[arg-type]
    return rate(lambda: scorer.embed(scored), SCORED)


def windows(network: Any, n: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal((n, *one.shape[1:])).astype(np.float32)
            for name, one in network.input.items()}  # fmt: skip


def rate(run: Callable[[], object], n: int) -> tuple[float, float]:
    run()
    wall_s, cpu_s, times = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - wall_s < SECONDS:
        run()
        times += 1
    done = n * times
    return done / (time.perf_counter() - wall_s), done / (time.process_time() - cpu_s)


def predict(n_clips: int) -> None:
    """The command on many files: real time, processor time and memory."""
    import fvx
    from fvx.detector import DEFAULT_RUN

    clips = sorted((Path(fvx.__file__).parent / "demo_corpus").glob("*.flac"))
    names = "\n".join(str(clips[i % len(clips)]) for i in range(n_clips))
    command = [str(FVX), "predict", "--run", str(DEFAULT_RUN), "--json", "-"]
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as printed:
        given.write(names)
        given.seek(0)
        begun_s = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=printed)
        _, status, spent = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - begun_s
        printed.seek(0)
        heard_s = sum(one["duration_s"] for one in json.load(printed))
    cpu_s = spent.ru_utime + spent.ru_stime
    said = "met" if status == 0 and heard_s / cpu_s >= TIMES_REAL else "MISSED"
    print(
        f"fvx predict on {n_clips} clips, {heard_s / 60:.0f} minutes: {heard_s / wall_s:.0f} times "
        f"real time by the clock, {heard_s / cpu_s:.0f} times by the processor's time, target "
        f"{TIMES_REAL}: {said}; at most {spent.ru_maxrss / 1000:.0f} MB"
    )


if __name__ == "__main__":
    main()
