"""Make the model that ships with fvx: train candidates, keep the best by development figures.

    python training/default_model.py MANIFEST --work DIR

MANIFEST is a CSV of clips with the columns file, label, speaker, system, split. The test part is
scored once, after the choice, for the card and the docs.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path

from fvx.datasets import open_dataset
from fvx.detector import DEFAULT_RUN
from fvx.evaluate import evaluate
from fvx.extract import extract
from fvx.model import Card
from fvx.model.card import CARD
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
    "systems from like sources its equal error rate was {eer} %. On recordings of another origin "
    "expect far worse, down to chance: it has heard few microphones, rooms and codecs. Not to be "
    "trusted on telephone speech, music, noise, or newer synthesis; never to be the only evidence."
)


def main() -> None:
    """Train, choose, score once, and copy what ships."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    store = options.work / "features"
    extract(open_dataset(options.manifest), discover().select(), store, jobs=options.jobs)
    cards = {}
    for name in options.sets:
        for seed in range(options.seeds):
            run = options.work / f"{name}-{seed}"
            if not run.exists():
                train(Store.open(store), run, features=SETS[name], seed=seed)
            cards[run] = Card.load(run)
            rate, loss = _merit(cards[run])
            print(f"{run.name}: development EER {100 * rate:.1f} %, loss {loss:.3f}", flush=True)
    best = min(cards, key=lambda run: _merit(cards[run]))
    record = evaluate(best, Store.open(store)).metrics
    low, high = (100 * bound for bound in record["eer_ci95"])
    eer = f"{100 * record['eer']:.1f} (95 % interval {low:.1f} to {high:.1f})"
    print(f"chosen {best}: test EER {eer} %")

    data = cards[best].data["train"]
    words = WORDS.format(
        n_train=data["n_bonafide"] + data["n_spoof"],
        n_bonafide=data["n_bonafide"],
        n_spoof=data["n_spoof"],
        n_speakers=data["n_speakers"],
        n_systems=len(data["systems"]),
        eer=eer,
    )
    DEFAULT_RUN.mkdir(exist_ok=True)
    for name in (CARD, REFERENCE, BRANCHES, TERMINUS):
        shutil.copy(best / name, DEFAULT_RUN / name)
    card = cards[best]
    shipped = {name: card.checksums[name] for name in (BRANCHES, TERMINUS)}
    dataclasses.replace(card, words=words, checksums=shipped).save(DEFAULT_RUN)


def _merit(card: Card) -> tuple[float, float]:
    history = card.training["history"]
    return min((epoch["development_eer"], epoch["development_loss"]) for epoch in history)


if __name__ == "__main__":
    main()
