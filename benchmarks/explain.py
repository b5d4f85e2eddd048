"""Whether explanations are true to the model, find what is fake, and are quick.

Faithfulness is measured on ordinary clips, localisation on partly fake ones: a folder with audio
files and ``segments.csv`` (file, start_s, end_s). Each method on cells, and the moments that the
page draws of `lime`, stand beside the plain scores of the windows, LIME over segments of the
waveform through the whole model, random relevance, and whoever always points to the middle of the
clip.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)  # before numpy is imported, which reads them then: on a busy machine its threads wait in circles

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

import fvx
from fvx import Audio, load_model
from fvx.atomic import write_json
from fvx.datasets import open_dataset
from fvx.detector import DEFAULT_RUN, SHIPPED, Detector, Verdict
from fvx.errors import FvxError
from fvx.explanation.attribution import Settings, attribute
from fvx.explanation.faithfulness import faithfulness, randomisation, seed_stability
from fvx.explanation.game import Game
from fvx.explanation.localisation import (
    Slot,
    auc,
    hit,
    iou,
    mass,
    on_grid,
    pointing,
    slots,
    truth_on_grid,
)
from fvx.explanation.placing import placed
from fvx.registry import discover

FVX = Path(sys.executable).with_name("fvx")
RESULTS = Path(__file__).parent / "results" / "explain.json"
METHODS = {
    "lime": Settings(),
    "lime, KernelSHAP's kernel": Settings(kernel="shap"),
    "shapley": Settings("shapley"),
    "gradients": Settings("gradients"),
    "occlusion": Settings("occlusion"),
}
MEASURES: dict[str, Callable[[NDArray[np.float64], NDArray[np.bool_]], float]] = {
    "pointing": pointing, "touching": hit, "mass": mass, "iou": iou, "auc": auc,
}  # fmt: skip
SPLICE_S, FADE, MARGIN_LLR = 1.0, 240, 1.0
SEGMENT_S, N_SEGMENT_SAMPLES, FAINT = 0.25, 64, 1e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=DEFAULT_RUN)
    parser.add_argument("--model", choices=list(SHIPPED), help="a shipped model, in place of --run")
    parser.add_argument("--clips", default="demo", help="a corpus, as for fvx extract --dataset")
    parser.add_argument("--split", help="only clips of this split of the corpus")
    parser.add_argument("--limit", type=int, default=240)
    parser.add_argument("--partial", type=Path, nargs="*", default=[], help="folders")
    parser.add_argument("--segments", type=int, default=30, help="clips for LIME over segments")
    parser.add_argument("--spliced", type=int, default=60, help="clips to splice")
    parser.add_argument("--only", choices=("faithfulness", "localisation", "time"))
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.model:
        options.run = SHIPPED[options.model]
    detector = load_model(options.run)
    record: dict[str, Any] = {"run": options.run.name, "clips": Path(options.clips).name}
    if options.only in (None, "faithfulness"):
        record["faithfulness"] = faithful(detector, files(options))
    if options.only in (None, "localisation"):
        for folder in options.partial:
            title = f"localisation on {folder.resolve().parent.name}/{folder.name}"
            record[title] = localise(detector, title, cut_in(folder), options.segments)
        title = "localisation on splices the model hears"
        with tempfile.TemporaryDirectory() as place:
            clips = spliced(detector, files(options), options.spliced, Path(place))
            record[title] = localise(detector, title, clips, options.segments)
    if options.only in (None, "time"):
        record["time"] = timing(detector, options.run)
    options.json.parent.mkdir(exist_ok=True)
    write_json(options.json, record)
    print(f"wrote {options.json}")


def files(options: argparse.Namespace) -> list[Path]:
    dataset = open_dataset(options.clips, discover().datasets)
    clips = [clip for clip in dataset.clips if not options.split or clip.split == options.split]
    chosen = np.linspace(0, len(clips) - 1, min(options.limit, len(clips))).round().astype(int)
    return [dataset.audio_path(clips[i]) for i in chosen]


def predicted(detector: Detector, paths: Iterable[Path]) -> Iterable[Verdict]:
    for path in paths:
        try:
            yield detector.predict(path)
        except FvxError as error:
            print(f"left out: {error}")


def faithful(detector: Detector, paths: list[Path]) -> dict[str, dict[str, float]]:
    """Figures of each method, mean over clips."""
    threshold = detector.scorer.card.threshold
    rows: dict[str, list[dict[str, float | None]]] = {name: [] for name in METHODS}
    for verdict in predicted(detector, paths):
        game = _game(verdict)
        for name, settings in METHODS.items():
            found = attribute(game, settings)
            figures = faithfulness(game, found, 0, threshold)
            if name in ("lime", "shapley"):
                figures |= seed_stability(game, settings)
            if name == "lime":
                figures |= randomisation(game, found, settings)
            rows[name].append(figures)
    table = {}
    print(f"\nfaithfulness, mean over {len(rows['lime'])} clips")
    for name, some in rows.items():
        mean: dict[str, float] = {"n_clips": len(some)}
        for key in some[0]:
            values = np.array([one[key] for one in some if one[key] is not None], float)
            if len(values):
                mean[key] = float((np.abs(values) if "residual" in key else values).mean())
        for key, better in (("deletion_area", -1.0), ("insertion_area", 1.0)):
            own, chance = (
                np.array([one[column] for one in some], float) for column in (key, f"{key}_random")
            )
            mean[f"{key}_better"] = float((better * (own - chance) > 0).mean())
        if "seed_spearman" in some[0]:
            worst = np.array([one["seed_spearman"] for one in some], float)
            mean["seed_spearman_worst"] = float(worst.min())
        table[name] = mean
        print(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in mean.items()))
    return table


def cut_in(folder: Path) -> Iterator[tuple[Path, list[tuple[float, float]]]]:
    """Partly fake clips of a folder, with the spans that are fake."""
    spans: dict[str, list[tuple[float, float]]] = {}
    with (folder / "segments.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            spans.setdefault(row["file"], []).append((float(row["start_s"]), float(row["end_s"])))
    for name, some in spans.items():
        yield folder / name, some


def spliced(
    detector: Detector, paths: list[Path], n_clips: int, folder: Path
) -> Iterator[tuple[Path, list[tuple[float, float]]]]:
    """Human clips with a span of a spoof put into the middle, where the model hears both.

    A method cannot find what its model does not hear. Here both donors were judged rightly and
    with a margin, so a span that is not found is the method's doing, or the windows'.
    """
    bonafide, spoof = [], []
    for verdict in predicted(detector, paths):
        assert verdict._analysis is not None
        audio, card = verdict._analysis.audio, detector.scorer.card
        margin = (verdict.score or 0.0) - card.threshold
        if margin > MARGIN_LLR and audio.duration_s > 2 * SPLICE_S:
            bonafide.append(audio)
        elif margin < -MARGIN_LLR and audio.duration_s > SPLICE_S:
            spoof.append(audio)
    rng = np.random.default_rng(0)
    for number in range(min(n_clips, len(bonafide) * len(spoof))):
        whole, donor = bonafide[number % len(bonafide)], spoof[rng.integers(len(spoof))]
        n_span = round(SPLICE_S * whole.rate_hz)
        start = int(rng.integers(len(whole.samples) - n_span))
        begin = (len(donor.samples) - n_span) // 2
        piece = donor.samples[begin : begin + n_span]
        level = np.sqrt(np.mean(whole.samples**2) / np.mean(piece**2))
        fade = np.minimum(1, np.minimum(np.arange(n_span), np.arange(n_span)[::-1]) / FADE)
        samples = whole.samples.copy()
        under = samples[start : start + n_span]
        samples[start : start + n_span] = (1 - fade) * under + fade * level * piece
        path = folder / f"{number}.wav"
        soundfile.write(path, samples, whole.rate_hz, subtype="FLOAT")
        yield path, [(start / whole.rate_hz, (start + n_span) / whole.rate_hz)]


def localise(
    detector: Detector,
    title: str,
    clips: Iterable[tuple[Path, list[tuple[float, float]]]],
    n_segment_clips: int,
) -> dict[str, dict[str, float]]:
    """Measures of each method, mean over partly fake clips."""
    rng = np.random.default_rng(0)
    rows: dict[str, list[dict[str, float]]] = {}
    for n_done, (path, spans) in enumerate(clips):
        verdict = detector.predict(path)
        duration_s = verdict.duration_s or 0.0
        fake = truth_on_grid(spans, duration_s)
        if fake.all() or not fake.any():
            continue
        cells = {name: attribute(_game(verdict), s).cells for name, s in METHODS.items()}
        ways = {name: _by_window(verdict, one.sum(axis=1)) for name, one in cells.items()}
        assert verdict._analysis is not None
        ways["lime, moments"] = [
            (start, end, -value) for start, end, value in placed(verdict._analysis, cells["lime"])
        ]
        ways["window scores"] = _by_window(verdict, np.array([w.score for w in verdict.windows]))
        ways["random windows"] = _by_window(verdict, rng.normal(size=len(verdict.windows)))
        if n_done < n_segment_clips:
            ways["lime over segments, whole model"] = _segment_lime(detector, verdict)
        for name, relevance in ways.items():
            values = on_grid(relevance, duration_s)
            rows.setdefault(name, []).append(
                {key: measure(values, fake) for key, measure in MEASURES.items()}
            )
        share = {key: float(fake.mean()) for key in ("pointing", "mass")}
        rows.setdefault("chance", []).append({**share, "auc": 0.5})
        middle = float(fake[len(fake) // 2])
        rows.setdefault("middle of the clip", []).append({"pointing": middle, "touching": middle})
    table = {}
    print(f"\n{title}")
    for name, some in rows.items():
        table[name] = {
            "n_clips": float(len(some)),
            **{key: float(np.mean([one[key] for one in some])) for key in some[0]},
        }
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in table[name].items()))
    return table


def timing(detector: Detector, run: Path, n_times: int = 5) -> dict[str, float]:
    """Seconds for a clip of ten seconds, cold and warm, and beside LIME through the whole model."""
    clip = Path(fvx.__file__).parent / "demo_corpus" / "00.flac"
    samples = Audio.read(clip).samples
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ten.wav"
        soundfile.write(path, np.resize(samples, 160_000), 16_000)
        cold = []
        for _ in range(n_times):
            begun_s = time.perf_counter()
            subprocess.run([FVX, "explain", path, "--run", run], capture_output=True, check=True)
            cold.append(time.perf_counter() - begun_s)
        warm, warm_cpu, alone, whole = [], [], [], []
        settings = Settings(n_samples=1024)
        for _ in range(n_times):
            begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
            verdict = detector.predict(path)
            scored_s = time.perf_counter()
            verdict.explain()
            warm.append(time.perf_counter() - begun_s)
            warm_cpu.append(time.process_time() - begun_cpu_s)
            whole.append(scored_s - begun_s)
            begun_s = time.perf_counter()
            attribute(_game(verdict), settings)
            alone.append(time.perf_counter() - begun_s)
    figures = {
        "cold_s": median(cold),
        "warm_s": median(warm),
        "warm_cpu_s": median(warm_cpu),
        "attribution_s": median(alone),
        "one_pass_s": median(whole),
        "n_samples": 1024.0,
        "load": os.getloadavg()[0],
        "times_faster": 1024 * median(whole) / median(alone),
    }
    print("\ntime, ten seconds of speech, median of 5")
    print(", ".join(f"{key} {value:.4g}" for key, value in figures.items()))
    return figures


def _game(verdict: Verdict) -> Game:
    assert verdict._analysis is not None
    return verdict._analysis.game


def _by_window(verdict: Verdict, towards_bonafide: NDArray[np.float64]) -> list[Slot]:
    """Relevance of slots: what speaks for a spoof counts up."""
    return slots([
        (w.start_s, w.end_s, -float(value))
        for w, value in zip(verdict.windows, towards_bonafide, strict=True)
    ])  # fmt: skip


def _segment_lime(detector: Detector, verdict: Verdict) -> list[Slot]:
    """Quarters of a second withheld, the whole model run again, as audioLIME does it."""
    assert verdict._analysis is not None
    audio = verdict._analysis.audio
    edges = np.arange(0, audio.duration_s, SEGMENT_S)
    segment = np.minimum(
        (np.arange(len(audio.samples)) / audio.rate_hz / SEGMENT_S).astype(int), len(edges) - 1
    )
    rng = np.random.default_rng(0)
    masks = rng.random((N_SEGMENT_SAMPLES, len(edges))) < 0.5
    masks[0] = True
    hush = (FAINT * rng.normal(size=len(audio.samples))).astype(np.float32)
    scores = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "variation.wav"
        for mask in masks:
            samples = np.where(mask[segment], audio.samples, hush)
            soundfile.write(path, samples, audio.rate_hz, subtype="FLOAT")
            scores.append(detector.predict(path).score)
    from lime.lime_base import LimeBase

    distances = 1 - np.sqrt(masks.mean(axis=1))
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)), random_state=0)
    _, pairs, _, _ = base.explain_instance_with_data(
        masks.astype(float), np.array(scores)[:, np.newaxis], distances, 0, len(edges),
        feature_selection="none",
    )  # fmt: skip
    ends = [*edges[1:], audio.duration_s]
    return [(float(edges[s]), float(ends[s]), -float(weight)) for s, weight in sorted(pairs)]


if __name__ == "__main__":
    main()
