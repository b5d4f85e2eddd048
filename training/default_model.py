"""Make the model that ships with fvx as its default.

    fvx extract --dataset demos.csv --dataset many_sources.csv --dataset more.csv --features all
        --augment training/channels.toml --copies 3 --store STORE
    fvx window --store STORE --length-s 3 --hop-s 1
    python training/sources.py STORE --folds folds.csv --work WORK --json FIGURES
    python training/default_model.py STORE --figures FIGURES --work WORK

The store holds every clip that is learnt from, spoofs made of recordings by vocoders (column
``made``; training/copies.py) among them, and copies of all through other channels. Branches and
calibration are chosen by sources held out; what the card says of its quality is what the protocol
by folds found (training/sources.py), where models of the same making judge sources they never met.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sources import BALANCE, is_made

from fvx.detector import SHIPPED
from fvx.groups import choose
from fvx.model import Card
from fvx.model.familiarity import FAMILIARITY
from fvx.model.reference import REFERENCE
from fvx.model.scorer import BRANCHES, TERMINUS
from fvx.protocol import DEVELOPMENT, TRAIN, Protocol
from fvx.store import Store
from fvx.train import train

MEMBERS = 2
SENTENCE = "all sources are learnt from; figures are those of the protocol by folds of sources"
WORDS = (
    "Trained on {n_bonafide} short recordings of {n_speakers} speakers and {n_spoof} clips of "
    "{n_systems} synthesis systems of {n_sources} sources, {n_made} of them made of the recordings "
    "by vocoders, and on copies of all through other channels. Among clips of one source that "
    "models of this making had never met, the equal error rate was {within}; over all such "
    "clips {pooled}. It barely detects copies of speech by good vocoders. Not to be trusted on "
    "music, noise, or newer synthesis; never to be the only evidence."
)


def main() -> None:
    """Train on everything, and copy what ships."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--members", type=int, default=MEMBERS)
    options = parser.parse_args()

    store, run = Store.open(options.store), options.work / "default"
    if not run.exists():
        train(
            store, run, protocol=everything(store.clips), balance=BALANCE, members=options.members,
            on_words=lambda words: print(words, flush=True),
        )  # fmt: skip
    found = json.loads(options.figures.read_text())["default"]
    ship("default", run, describe(store.clips, found))
    print(f"{run} -> {SHIPPED['default']}")


def everything(clips: pd.DataFrame) -> Protocol:
    """All clips; a tenth of the sources only tells what is familiar."""
    parts = pd.Series(TRAIN, index=clips.index, dtype=object)
    group = pd.factorize(clips["source"])[0].astype(np.int64)
    parts[choose(group, (clips["label"] == "spoof").to_numpy(), 0.1, 0)] = DEVELOPMENT
    return Protocol("everything", parts, SENTENCE, frozenset(clips.index[is_made(clips)]))


def describe(clips: pd.DataFrame, found: dict[str, Any]) -> str:
    """What the card says in words."""
    originals = clips[~clips.index.str.contains("~[0-9]+$")]
    spoof = originals["label"] == "spoof"
    made = originals["made"].fillna("") != "" if "made" in originals else spoof & False
    return WORDS.format(
        n_bonafide=f"{(~spoof).sum():,}",
        n_speakers=originals.loc[~spoof, "speaker"].nunique(),
        n_spoof=f"{spoof.sum():,}",
        n_systems=originals.loc[spoof, "system"].nunique(),
        n_sources=originals["source"].nunique(),
        n_made=f"{made.sum():,}",
        within=in_words(found["within_source"]),
        pooled=in_words(found["pooled"]),
    )


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
