"""Make the model that ships with fvx: train candidates, keep the best on speech of other origin.

    python training/default_model.py MANIFEST --other DATASET --work DIR

MANIFEST is a CSV of clips with the columns file, label, speaker, system, split. Candidates learn
from its training part. They are chosen on DATASET, a corpus of another origin: on clips of the same
sources as those it learnt from, a network that knows the sources does as well as one that hears
synthesis. The test part of MANIFEST is scored once, after the choice, for the card and the docs.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path
from typing import Any

from fvx.datasets import open_dataset
from fvx.detector import DEFAULT_RUN
from fvx.evaluate import evaluate
from fvx.extract import extract
from fvx.model import Card
from fvx.model.reference import REFERENCE
from fvx.model.scorer import BRANCHES, TERMINUS
from fvx.registry import discover
from fvx.store import Store
from fvx.train import train

SETS: dict[str, tuple[str, ...]] = {
    "core": (
        "cqcc", "f0", "hnr_contour", "intensity", "jitter", "lfcc", "log_mel", "mfcc", "shimmer",
        "spectral_flux",
    ),
    "all": (),
}  # fmt: skip

WORDS = (
    "Trained on {n_train} short clips ({n_bonafide} bona fide of {n_speakers} speakers, {n_spoof} "
    "spoof of {n_systems} synthesis systems), mostly read English speech and published samples of "
    "neural vocoders, text-to-speech and voice conversion from before 2022. On other speakers and "
    "systems from like sources its equal error rate was {eer}; on a corpus of another origin, by "
    "which it was chosen, {other}. It has heard few microphones, rooms and codecs: expect the "
    "latter or worse, down to chance. Not to be trusted on telephone speech, music, noise, or "
    "newer synthesis; never to be the only evidence."
)


def main() -> None:
    """Train, choose, score once, and copy what ships."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--other", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    features = discover().select()
    store, other = options.work / "features", options.work / "other"
    extract(open_dataset(options.manifest), features, store, jobs=options.jobs)
    known = discover().datasets
    extract(open_dataset(options.other, known), features, other, jobs=options.jobs)
    elsewhere: dict[Path, dict[str, Any]] = {}
    for name in options.sets:
        for seed in range(options.seeds):
            run = options.work / f"{name}-{seed}"
            if not run.exists():
                train(Store.open(store), run, features=SETS[name], seed=seed)
            elsewhere[run] = evaluate(run, Store.open(other), out=run / "other").metrics
            development = Card.load(run).development["eer"]
            print(
                f"{run.name}: development EER {100 * development:.1f} %, "
                f"other origin {_words(elsewhere[run])}",
                flush=True,
            )
    best = min(elsewhere, key=lambda run: float(elsewhere[run]["eer"]))
    card = Card.load(best)
    test = evaluate(best, Store.open(store)).metrics
    print(f"chosen {best.name}: test EER {_words(test)}")

    data = card.data["train"]
    words = WORDS.format(
        n_train=data["n_bonafide"] + data["n_spoof"],
        n_bonafide=data["n_bonafide"],
        n_spoof=data["n_spoof"],
        n_speakers=data["n_speakers"],
        n_systems=len(data["systems"]),
        eer=_words(test),
        other=_words(elsewhere[best]),
    )
    DEFAULT_RUN.mkdir(exist_ok=True)
    for file in (REFERENCE, BRANCHES, TERMINUS):
        shutil.copy(best / file, DEFAULT_RUN / file)
    shipped = {file: card.checksums[file] for file in (BRANCHES, TERMINUS)}
    dataclasses.replace(card, words=words, checksums=shipped).save(DEFAULT_RUN)


def _words(record: dict[str, Any]) -> str:
    low, high = (100 * bound for bound in record["eer_ci95"])
    return f"{100 * record['eer']:.1f} % (95 % interval {low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main()
