"""Make the models that ship with fvx.

    python training/copies.py MANIFEST --hifigan FOLDER --torch PYTHON --fargan PROGRAM --out COPIES
    python training/default_model.py COPIES/MANIFEST --work DIR

MANIFEST is a CSV of clips with the columns file, label, speaker, system, source, split. The
models learn from its training part and from copies of that (training/copies.py); branches and
epochs are decided on a part carved from it. They were chosen, among those that docs/model.md lists,
by how well they do on sources that they have not heard (training/within_source.py, run once more
here). The test part is scored once, for the card.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from fvx.datasets import open_dataset
from fvx.detector import SHIPPED
from fvx.evaluate import evaluate
from fvx.extract import extract
from fvx.model import Card
from fvx.model.familiarity import FAMILIARITY
from fvx.model.reference import REFERENCE
from fvx.model.scorer import BRANCHES, TERMINUS
from fvx.registry import discover
from fvx.store import Store
from fvx.train import train
from fvx.window import window
from fvx.windows import Geometry

EPOCHS, MEMBERS = 15, 3
GEOMETRY = Geometry(length_s=2.0, hop_s=0.5)
BALANCE = ["source", "made"]
CHOSEN = {
    "default": (
        "cqcc", "group_delay", "lp_residual", "spectral_contrast", "subband_moments", "tonality",
        "upsampling_artifacts",
    ),
    "perceptible": ("formants", "modulation_spectrum", "specific_loudness", "tonality"),
}  # fmt: skip

WORDS = (
    "{features} Trained on {n_bonafide} short recordings of {n_speakers} speakers and {n_spoof} "
    "clips of {n_systems} synthesis systems, {n_copies} of all these being copies through two "
    "neural vocoders or other channels: mostly read English speech, and published samples of "
    "neural vocoders, text-to-speech and voice conversion from before 2022; in the end from "
    "{n_chosen_by} more, by which it was chosen, and their copies, too. On other speakers and "
    "systems its equal error rate was {eer}; among clips of one source, none of which it had "
    "heard, that of one network of its kind was {within}. {ear} Not to be trusted on telephone "
    "speech, music, noise, or newer synthesis; never to be the only evidence."
)
FEATURES = {
    "default": "Listens for what a person mostly cannot hear.",
    "perceptible": "Listens only for what a person can hear and check.",
}
EAR = {
    "default": "It hears most neural vocoders, UnivNet's badly, and has not learnt what formant, "
    "diphone or HMM synthesis sounds like.",
    "perceptible": "It is wrong about one clip in three.",
}


def main() -> None:
    """Extract, train, measure, and copy what ships."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--models", nargs="+", choices=list(CHOSEN), default=list(CHOSEN))
    options = parser.parse_args()

    store = options.work / "features"
    needed = {name for model in options.models for name in CHOSEN[model]}
    extract(open_dataset(options.manifest), discover().select(needed), store, jobs=options.jobs)
    window(Store.open(store), GEOMETRY)
    for name in options.models:
        run, features = options.work / name, CHOSEN[name]
        if not run.exists():
            train(
                Store.open(store), run, features=features, split_name="official",
                balance=BALANCE, epochs=EPOCHS, members=MEMBERS, whole=True,
            )  # fmt: skip
        test = evaluate(run, Store.open(store)).metrics
        within = within_source(store, features, options.work / f"{name}-within.json")
        ship(name, run, describe(name, run, test, within))
        print(f"{name}: test EER {in_words(test)}, within source {in_words(within)}", flush=True)


def within_source(store: Path, features: tuple[str, ...], target: Path) -> dict[str, Any]:
    """Leave out each source in turn, for one network; in a process of its own, for its memory."""
    if not target.exists():
        script = Path(__file__).with_name("within_source.py")
        words = ["--features", *features, "--epochs", str(EPOCHS), "--json", str(target)]
        words += ["--balance", *BALANCE]
        subprocess.run([sys.executable, str(script), str(store), *words], check=True)
    record: dict[str, Any] = json.loads(target.read_text())
    return record


def describe(name: str, run: Path, test: dict[str, Any], within: dict[str, Any]) -> str:
    """What the card says in words."""
    data = Card.load(run).data["train"]
    return WORDS.format(
        features=FEATURES[name],
        ear=EAR[name],
        n_bonafide=data["n_bonafide"],
        n_speakers=data["n_speakers"],
        n_spoof=data["n_spoof"],
        n_systems=len(data["systems"]),
        n_copies=data.get("n_copies", 0),
        n_chosen_by=chosen_by(run),
        eer=in_words(test),
        within=in_words(within),
    )


def chosen_by(run: Path) -> int:
    """How many clips the development part has, which a network learns from last."""
    data = Card.load(run).data["development"]
    return int(data["n_bonafide"]) + int(data["n_spoof"])


def ship(name: str, run: Path, words: str) -> None:
    """Put into the package what is needed to score and to explain."""
    card, target = Card.load(run), SHIPPED[name]
    target.mkdir(exist_ok=True)
    files = (BRANCHES, TERMINUS, FAMILIARITY)
    for file in (*files, REFERENCE):
        shutil.copy(run / file, target / file)
    shipped = {file: card.checksums[file] for file in files}
    dataclasses.replace(card, words=words, checksums=shipped).save(target)


def in_words(record: dict[str, Any]) -> str:
    """An equal error rate with its interval."""
    low, high = (100 * bound for bound in record["eer_ci95"])
    return f"{100 * record['eer']:.1f} % (95 % interval {low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main()
