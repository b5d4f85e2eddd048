"""Make the shipped model that points to replaced spans.

    python training/recordings.py --out RECORDINGS --with DEMOS --without EVALUATION ...
    python training/copies.py RECORDINGS/recordings.csv ... --mlsa --every 4 --out COPIES
    python training/splices.py COPIES/recordings.csv --out SPLICES --each 2 --train 8
    python training/partial_model.py SPLICES/partial.csv --work DIR

It learns from moments, each by what is in it; the epoch is chosen by the windows of the development
part, half a second long and a tenth apart. The test part is scored once, for the card.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from default_model import in_words, ship

from fvx.datasets import Label, open_dataset
from fvx.datasets.spans import COLUMN, parse_spans
from fvx.evaluate import evaluate
from fvx.explanation.localisation import on_grid, pointing, slots, truth_on_grid
from fvx.extract import extract
from fvx.model import Card, Scorer
from fvx.model.part import Part
from fvx.model.pooling import Pooling
from fvx.protocol import TEST, split
from fvx.registry import discover
from fvx.store import Store
from fvx.train import train
from fvx.window import window
from fvx.windows import Geometry

FEATURES = ("band_flutter", "log_spectrum")
GEOMETRY = Geometry(length_s=0.5, hop_s=0.1)
POOLING: Pooling = "soft-minimum"
WORDS = (
    "Points to spans of a recording that were replaced by machine. Trained on {n_bonafide} whole "
    "and {n_spoof} partly replaced clips of {n_speakers} speakers, made for it from recordings and "
    "their copies by {systems}. On other speakers and the same vocoders its equal error rate was "
    "{eer} for whole clips, and where a span was replaced it pointed into it in {pointing:.0f} of "
    "100 clips (by chance {chance:.0f}). It hears the kinds of vocoder it was trained on and few "
    "others: a trial network pointed right in 20 to 50 of 100 where it had not learnt the kind. It "
    "was not trained on clips that are synthetic throughout. Not to be trusted on telephone "
    "speech, music, or noise; never to be the only evidence."
)


def main() -> None:
    """Extract, train, calibrate, measure, and copy what ships."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()

    place, run = options.work / "features", options.work / "partial"
    extract(
        open_dataset(options.manifest), discover().select(FEATURES), place,
        jobs=options.jobs, conversion="",
    )  # fmt: skip
    store = Store.open(place)
    window(store, GEOMETRY)
    if not run.exists():
        train(
            store, run, features=FEATURES, split_name="official", pooling=POOLING,
            epochs=options.epochs,
            resume=any((options.work / f".{run.name}.unfinished").glob("*.npz")),
            on_epoch=lambda one: print(one, flush=True),
        )  # fmt: skip
    test = evaluate(run, store).metrics
    found = points(store, run)
    ship("partial", run, describe(run, test, found))
    print(f"test EER {in_words(test)}; {found}")


def points(store: Store, run: Path) -> dict[str, float]:
    """How often the least bona fide moment of a partly replaced clip of the test part is fake."""
    scorer = Scorer.load(run)
    records = [store[one.name].record for one in scorer.card.features]
    clips = split(store.clips.loc[store.complete(FEATURES)], "official").clips(TEST)
    part = Part.over(store, records, GEOMETRY, clips)
    scores = part.map(lambda windows: scorer.llr(scorer.embed(windows)))
    hits, chance = [], []
    rows: list[dict[Any, Any]] = store.clips.loc[list(part.windows.clips)].to_dict("records")
    for place, (name, row) in enumerate(zip(part.windows.clips, rows, strict=True)):
        if not row[COLUMN]:
            continue
        own = part.windows.clip == place
        ends_s = part.windows.start_s[own] + min(GEOMETRY.length_s, row["duration_s"])
        laid = slots(list(zip(part.windows.start_s[own], ends_s, -scores[own], strict=True)))
        spans = parse_spans(row[COLUMN], name, Label(row["label"]))
        fake = truth_on_grid(spans, row["duration_s"])
        hits.append(pointing(on_grid(laid, row["duration_s"]), fake))
        chance.append(fake.mean())
    return {"pointing": float(np.mean(hits)), "chance": float(np.mean(chance))}


def describe(run: Path, test: dict[str, Any], found: dict[str, float]) -> str:
    """What the card says in words."""
    data = Card.load(run).data["train"]
    return WORDS.format(
        n_bonafide=data["n_bonafide"],
        n_spoof=data["n_spoof"],
        n_speakers=data["n_speakers"],
        systems=", ".join(one.replace(", copy synthesis", "") for one in data["systems"]),
        eer=in_words(test),
        **{key: 100 * value for key, value in found.items()},
    )


if __name__ == "__main__":
    main()
