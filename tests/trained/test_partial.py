"""From a table with spans to a model that points to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from fvx.datasets import open_dataset
from fvx.detector import load_model
from fvx.explanation.localisation import on_grid, pointing, slots, truth_on_grid
from fvx.extract import extract
from fvx.model.card import Card
from fvx.registry import discover
from fvx.store import Store
from fvx.train import train
from fvx.window import window
from fvx.windows import Geometry

# Keras asks NumPy 2 for an array in a way that NumPy 2 means to give up.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RATE_HZ, DURATION_S, SPAN_S = 16_000, 1.6, 0.6
FEATURES = ("band_flutter", "log_spectrum")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise whose level moves; in a span of every other clip, it has a buzz below it."""
    folder = tmp_path_factory.mktemp("partial")
    rng = np.random.default_rng(0)
    rows = ["file,label,speaker,split,spans"]
    time_s = np.arange(round(DURATION_S * RATE_HZ)) / RATE_HZ
    for number in range(36):
        samples = 0.1 * rng.standard_normal(len(time_s)) * rng.uniform(0.5, 2, 16).repeat(1600)
        spans = ""
        if number % 2:
            start_s = rng.uniform(0.1, DURATION_S - SPAN_S - 0.1)
            inside = (time_s >= start_s) & (time_s < start_s + SPAN_S)
            samples[inside] += 0.3 * (np.modf(time_s[inside] * 200)[0] - 0.5)
            spans = f"{start_s:.3f}-{start_s + SPAN_S:.3f}"
        soundfile.write(folder / f"{number}.wav", samples, RATE_HZ)
        label = "spoof" if spans else "bonafide"
        split = ("train", "train", "train", "dev", "test", "train")[number // 2 % 6]
        rows.append(f"{number}.wav,{label},s{number},{split},{spans}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path) -> Path:
    features = discover().select(FEATURES)
    extract(open_dataset(corpus / "clips.csv"), features, corpus / "features", jobs=1)
    store = Store.open(corpus / "features")
    window(store, Geometry(0.4, 0.1))
    run = corpus / "run"
    train(store, run, epochs=6, pooling="soft-minimum")
    return run


def test_the_branches_of_the_features_were_taken(run: Path) -> None:
    assert Card.load(run).training["own_branches"] == list(FEATURES)


def test_windows_in_spans_score_lower_than_those_beside_them(corpus: Path, run: Path) -> None:
    detector, hits, chance = load_model(run), [], []
    dataset = open_dataset(corpus / "clips.csv")
    for clip in dataset.clips:
        if clip.split != "test" or not clip.extra["spans"]:
            continue
        verdict = detector.predict(corpus / clip.path)
        assert verdict.verdict is not None
        fake = truth_on_grid([tuple(map(float, clip.extra["spans"].split("-")))], DURATION_S)
        laid = slots([(one.start_s, one.end_s, -one.score) for one in verdict.windows])
        hits.append(pointing(on_grid(laid, DURATION_S), fake))
        chance.append(fake.mean())
        cells = verdict.explain().record["windows"]
        assert len(cells) == len(verdict.windows)
    assert np.mean(hits) == 1
    assert np.mean(chance) < 0.5


def test_the_epoch_was_chosen_by_windows_and_the_scale_by_clips(run: Path) -> None:
    card = Card.load(run)
    assert card.pooling == "soft-minimum"
    best = [one for one in card.training["history"] if one["best"]][-1]
    assert best["development_eer"] < 0.2
    assert card.development["eer"] < 0.2
