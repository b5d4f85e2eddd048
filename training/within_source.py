"""Leave one source out: does a detector hear synthesis, or only where a clip comes from?

    python training/within_source.py STORE --features cqcc lp_residual …

For each source with at least five clips of each class a network is trained on the clips of all
other sources, and its equal error rate is taken among that source's own clips, which share their
room, microphone and codec. The figure is the mean over sources; its interval redraws speakers
(clips, where the speaker is unknown) within each source. Early stopping and the weights of the
branches are decided on a fifth of the other sources' clips, of speakers and systems of their own;
then the network learns anew from all of these sources' clips (`fvx train --whole`).
Augmented copies of clips are learnt from, and never tested on. With --baseline NAME it is one of
the field's detectors that is trained, as `fvx train --baseline` does it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx import metrics
from fvx.baselines import BASELINES, find
from fvx.baselines.networks import FittedNetwork
from fvx.groups import NOBODY, choose, components
from fvx.model.descent import TrainingSettings, inference
from fvx.model.part import Part
from fvx.model.pooling import pool
from fvx.model.training import fit
from fvx.protocol import is_copy
from fvx.store import Store
from fvx.windows import Geometry, saved_geometry

N_RESAMPLES = 1000
MIN_CLIPS = 5
DEVELOPMENT = 0.2
MIXTURE = "lfcc-gmm"  # chooses nothing by a development part: it is there that it scores


def main() -> None:
    """Train once for each source, and print its figure and the mean."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--features", nargs="+", default=[])
    parser.add_argument("--baseline", choices=BASELINES)
    parser.add_argument("--column", default="source")
    parser.add_argument("--balance", nargs="*", default=["source"])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without-copies", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    store = Store.open(options.store)
    evidence = [name for name, record in store.features.items() if record.evidence]
    names = tuple(sorted(options.features)) or tuple(evidence)
    if options.baseline:
        names = find(options.baseline).features
    clips = store.clips.loc[store.complete(names)]
    copied = is_copy(clips)
    if options.without_copies:
        clips, copied = clips[~copied], copied[~copied]
    settings = TrainingSettings(epochs=options.epochs, seed=options.seed, members=options.members)
    scored: dict[str, pd.DataFrame] = {}
    for source in sources(clips[~copied], options.column):
        inside = (clips[options.column] == source).to_numpy()
        others = clips[~inside]
        tested = clips[inside & ~copied.to_numpy()].copy()
        tested["score"] = score(store, names, others, list(tested.index), options, settings)
        scored[source] = tested
        print(f"{source:50} {percent(eer(tested))}  ({counts(tested)})", flush=True)
    rate = float(np.mean([eer(one) for one in scored.values()]))
    low, high = interval(scored, options.seed)
    bounds = f"95 % interval {percent(low)} to {percent(high)}"
    print(f"{'mean over sources':50} {percent(rate)}  ({bounds})")
    if options.json:
        record = {
            "features": names, "eer": rate, "eer_ci95": [low, high], "seed": options.seed,
            "by_source": {name: eer(one) for name, one in scored.items()},
        }  # fmt: skip
        options.json.write_text(json.dumps(record, indent=1) + "\n")


def sources(clips: pd.DataFrame, column: str) -> list[str]:
    """Those with enough clips of each class."""
    table = clips.groupby([column, "label"]).size().unstack(fill_value=0)
    return [str(name) for name in table.index[(table >= MIN_CLIPS).all(axis=1)]]


def score(
    store: Store,
    names: tuple[str, ...],
    others: pd.DataFrame,
    tested: list[str],
    options: argparse.Namespace,
    settings: TrainingSettings,
) -> NDArray[np.float64]:
    """Train on clips of the other sources; score the tested ones."""
    plan = find(options.baseline) if options.baseline else None
    geometry = plan.geometry if plan else saved_geometry(store) or Geometry()
    records = [store[name].record for name in names]
    originals = others[~is_copy(others)]
    spoof = (originals["label"] == "spoof").to_numpy()
    held = set(originals.index[choose(components(originals), spoof, DEVELOPMENT, settings.seed)])
    held_out = [clip for clip in originals.index if clip in held]
    of = others["original"].where(is_copy(others), others.index.to_series())
    learnt = list(others.index[~of.isin(held)])
    balance = options.balance
    training, development, whole, test = (
        Part.over(store, records, geometry, some, balance=balance)
        for some in (learnt, held_out, list(others.index), tested)
    )
    if plan is None:
        trained = fit(training, development, settings, whole=whole)
        logits = test.map(inference(trained.models[2])).reshape(-1)
    elif plan.name == MIXTURE:
        fitted = plan.fit(whole, test, epochs=settings.epochs, seed=settings.seed)
        logits = fitted.development_logits
    else:
        fitted = plan.fit(training, development, epochs=settings.epochs, seed=settings.seed)
        network = cast(FittedNetwork, fitted).network
        logits = test.map(inference(network)).reshape(-1)
    return pool(logits, test.windows.clip, len(tested), "mean")


def eer(clips: pd.DataFrame) -> float:
    """Equal error rate of scored clips."""
    bonafide = (clips["label"] == "bonafide").to_numpy()
    scores = clips["score"].to_numpy(float)
    return float(metrics.eer(scores[bonafide], scores[~bonafide])[0])


def interval(scored: dict[str, pd.DataFrame], seed: int) -> tuple[float, float]:
    """Percentiles of the mean over sources, speakers redrawn within each."""
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(N_RESAMPLES):
        drawn = []
        for clips in scored.values():
            named = ~clips["speaker"].isin(NOBODY)
            who = clips["speaker"].where(named, clips.index.to_series())
            groups = [rows for _, rows in clips.groupby([who, "label"])]
            parts = [groups[i] for i in rng.integers(0, len(groups), len(groups))]
            again = pd.concat(parts)
            if again["label"].nunique() == 2:
                drawn.append(eer(again))
        rates.append(np.mean(drawn))
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def counts(clips: pd.DataFrame) -> str:
    """How many clips of each class."""
    bonafide = int((clips["label"] == "bonafide").sum())
    return f"{bonafide} bona fide, {len(clips) - bonafide} spoof"


def percent(rate: float) -> str:
    """One decimal."""
    return f"{100 * rate:.1f} %"


if __name__ == "__main__":
    main()
