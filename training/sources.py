"""The development protocol: train on four folds of sources, judge the fifth, over all five.

    python training/sources.py STORE --folds folds.csv --work DIR [--arrivals arrivals.csv]
        [--rivals default logistic svm lfcc-gmm …] [--features a,b,c] [--members N] [--json FILE]

STORE holds the clips of the folds and copies of them, with all features; clips of sources that
folds.csv does not name are learnt from in every fold. `fvx train` sees the four folds only: it
chooses branches and calibration by sources inside them. The arrivals are the same clips as they
come another way (arrivals.csv of training/arrivals.py), judged as files, as `fvx predict` does.
Rivals are measured by the same folds; those on statistics of clips learn from the originals and
one copy, and are not given the arrivals.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from figures import COLUMNS, figures, markdown
from numpy.typing import NDArray

from fvx import metrics
from fvx.baselines import open_scorer
from fvx.detector import Detector, load_model
from fvx.errors import AudioError
from fvx.groups import choose
from fvx.model.data import WindowData
from fvx.model.part import Part
from fvx.model.pooling import pool
from fvx.model.summaries import Summaries, reader
from fvx.protocol import DEVELOPMENT, TEST, TRAIN, Protocol, is_copy
from fvx.store import Store
from fvx.train import train
from fvx.windows import Geometry, Windows, saved_geometry

BALANCE = ("source",)
_CLIPS_AT_ONCE = 200
_SENTENCE = "fold {} of five folds of sources is tested; nothing of its sources was learnt from"


def main() -> None:
    """Run the protocol and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--arrivals", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--features", type=lambda text: text.split(","), default=[])
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--rivals", nargs="+", default=["default"], help="logistic svm lfcc-gmm …")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    clips = Store.open(options.store).clips
    fold = fold_of(clips, options.folds)
    numbers = sorted(set(fold[fold >= 0]))
    found = {}
    for name in options.rivals:
        with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
            done = list(pool.map(one_fold, [(name, number, options) for number in numbers]))
        table = described(clips, fold, pd.concat([scores for scores, _ in done]))
        turned = [one for _, one in done if one is not None]
        arrivals = pd.concat(turned, ignore_index=True) if turned else None
        found[name] = figures(table, arrivals)
        print(f"\n## {name}\n\n{markdown(found[name])}", flush=True)
        table.to_csv(options.work / f"{name}-scores.csv", index=False)
        if arrivals is not None:
            arrivals.to_csv(options.work / f"{name}-arrivals.csv", index=False)
        if options.json:
            options.json.write_text(json.dumps(found, indent=1) + "\n")


def one_fold(
    task: tuple[str, int, argparse.Namespace],
) -> tuple[pd.Series, pd.DataFrame | None]:
    """Learn from the other folds; score this one, and its clips as they come another way."""
    name, number, options = task
    began = time.monotonic()
    store = Store.open(options.store)
    fold = fold_of(store.clips, options.folds)
    judge, run = learn(name, store, protocol(store.clips, fold, number), options)
    mine = fold[(fold == number) & ~is_made(store.clips)].index
    scores, turned = judge(list(mine)), None
    if options.arrivals and run is not None:
        others = pd.read_csv(options.arrivals)
        turned = arrived(run, others[others["clip"].isin(mine)], options.arrivals)
    print(f"{name}: fold {number}, {time.monotonic() - began:.0f} s", flush=True)
    return scores, turned


def fold_of(clips: pd.DataFrame, folds: Path) -> pd.Series:
    """Fold of each clip's source; -1 where it is in none."""
    named = pd.read_csv(folds).set_index("source")["fold"]
    fold: pd.Series = clips["source"].map(named).fillna(-1).astype(int)
    return fold


def is_made(clips: pd.DataFrame) -> pd.Series:
    """Which clips are copies, by a recipe or by a vocoder (column ``made``): learnt from only."""
    made = clips["made"].fillna("") != "" if "made" in clips else False
    return is_copy(clips) | made


def protocol(clips: pd.DataFrame, fold: pd.Series, number: int) -> Protocol:
    """Four folds to learn from, a tenth of their sources to develop on, and one to test."""
    parts = pd.Series(TRAIN, index=clips.index, dtype=object)
    group = pd.factorize(clips["source"])[0].astype(np.int64)
    parts[choose(group, (clips["label"] == "spoof").to_numpy(), 0.1, number)] = DEVELOPMENT
    parts[fold == number] = TEST
    copies = frozenset(map(str, clips.index[is_made(clips)]))
    return Protocol(f"fold {number}", parts, _SENTENCE.format(number), copies)


Judge = Callable[[list[str]], pd.Series]


def learn(
    name: str, store: Store, parts: Protocol, options: argparse.Namespace
) -> tuple[Judge, Path | None]:
    """What scores clips of the store, having learnt from the training part; its run, if any."""
    if name in ("logistic", "svm"):
        return _of_statistics(name, store, parts, options.features), None
    run: Path = options.work / f"{name}-{parts.name.replace(' ', '-')}"
    if not run.exists():
        baseline: Any = None if name == "default" else name
        more = {} if baseline else {"features": options.features, "members": options.members}
        train(
            store, run, protocol=parts, balance=BALANCE, baseline=baseline, **more,
            on_words=lambda words: print(f"  {parts.name}: {words}", flush=True),
        )  # fmt: skip
    return (lambda clips: judged(run, store, clips)), run


def judged(run: Path, store: Store, clips: Sequence[str]) -> pd.Series:
    """Score of each clip by a run."""
    scorer = open_scorer(run)
    found = []
    for first in range(0, len(clips), _CLIPS_AT_ONCE):
        windows = Windows.over(store, scorer.card.geometry, clips[first : first + _CLIPS_AT_ONCE])
        data = WindowData.load(store, scorer.card.features, windows)
        llr = np.concatenate([scorer.score(batch) for batch in data.batches(256)])
        found.append(pool(llr, windows.clip, len(windows.clips), scorer.card.pooling))
    return pd.Series(np.concatenate(found), index=list(clips))


def _of_statistics(name: str, store: Store, parts: Protocol, features: Sequence[str]) -> Judge:
    """Logistic regression, or a support vector machine, on summaries of all features jointly."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    names = tuple(features) or tuple(n for n, one in store.features.items() if one.evidence)
    records = [store[one].record for one in names]
    geometry = saved_geometry(store) or Geometry()
    table = store.clips
    few = ~is_copy(table)
    if "copy" in table:
        few |= table["copy"] == "1"
    learnt = Part.over(
        store, records, geometry, list(table.index[(parts.parts != TEST) & few]), balance=BALANCE
    )
    read = reader(records, learnt.statistics())

    def rows(part: Part) -> NDArray[np.float32]:
        values = Summaries.measure(part, read).values
        return np.concatenate([values[one] for one in names], axis=1).astype(np.float32)

    def standardised(x: NDArray[np.float32]) -> NDArray[np.float32]:
        clipped: NDArray[np.float32] = np.clip((x - mean) / deviation, -4, 4)
        return clipped

    x = rows(learnt)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-3
    x = standardised(x)
    if name == "svm":
        model = SVC(C=2, gamma=0.3 / x.var(axis=0).sum(), cache_size=4000)
    else:
        model = LogisticRegression(C=1e-3, max_iter=300)
    inner = np.random.default_rng(0).permutation(pd.factorize(table.loc[
        list(learnt.windows.clips), "source"])[0].max() + 1)  # fmt: skip
    source = pd.factorize(table.loc[list(learnt.windows.clips), "source"])[0][learnt.windows.clip]
    calibrates = inner[source] % 5 == 0
    y, weights = learnt.window_bonafide, learnt.weights
    model.fit(x[~calibrates], y[~calibrates], sample_weight=weights[~calibrates])
    said = model.decision_function(x[calibrates])
    real = y[calibrates]
    scale, offset = metrics.fit_calibration(said[real], said[~real])
    model.fit(x, y, sample_weight=weights)

    def judge(clips: list[str]) -> pd.Series:
        part = Part.over(store, records, geometry, clips)
        logits = scale * model.decision_function(standardised(rows(part))) + offset
        return pd.Series(pool(logits, part.windows.clip, len(clips), "mean"), index=clips)

    return judge


def described(clips: pd.DataFrame, fold: pd.Series, scores: pd.Series) -> pd.DataFrame:
    """Scores with what the figures ask for of each clip."""
    table = clips.loc[list(scores.index)].copy()
    for column in ("kind", "original_rate"):
        if column not in table:
            table[column] = ""
    table["original_rate"] = pd.to_numeric(table["original_rate"], errors="coerce")
    table["clip"], table["fold"], table["score"] = table.index, fold, scores
    return table[list(COLUMNS)].reset_index(drop=True)


def arrived(run: Path, arrivals: pd.DataFrame, table: Path) -> pd.DataFrame:
    """Scores of files by a run: way, clip, score."""
    tasks = [(run, table.parent / path) for path in arrivals["path"]]
    scores = [_score(task) for task in tasks]
    return arrivals[["way", "clip"]].assign(score=scores).dropna()


def _score(task: tuple[Path, Path]) -> float:
    run, file = task
    try:
        return float(_detector(run).predict(file).score or 0.0)
    except AudioError as error:
        print(error, flush=True)
        return float("nan")


@lru_cache(maxsize=1)
def _detector(run: Path) -> Detector:
    return load_model(run)


if __name__ == "__main__":
    main()
