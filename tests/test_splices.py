"""Partial clips for training: what is replaced is what the table says, and nothing else."""

from __future__ import annotations

import csv
import importlib
import itertools
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fvx import Audio
from fvx.datasets import Label, open_dataset
from fvx.datasets.spans import parse_spans
from fvx.synthetic import RATE_HZ, noise, vowel

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def script() -> types.ModuleType:
    sys.path.insert(0, str(ROOT / "training"))
    try:
        return importlib.import_module("splices")
    finally:
        sys.path.remove(str(ROOT / "training"))


@pytest.fixture(scope="module")
def made(script: types.ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script makes of two recordings that are long enough, and one that is not."""
    folder = tmp_path_factory.mktemp("splices")
    rows = ["file,label,speaker,system,source,split,original,copy,made"]
    for name, seconds, split in (("a", 2.6, "train"), ("b", 4.0, "dev"), ("c", 1.5, "train")):
        script.write(folder / f"{name}.flac", voice(seconds))
        script.write(folder / f"{name}.flac~v.flac", noise(seconds))
        rows.append(f"{name}.flac,bona-fide,{name},-,here,{split},,,")
        rows.append(f"{name}.flac~v.flac,spoof,{name},hiss,here,{split},{name}.flac,v,vocoder")
    (folder / "copies.csv").write_text("\n".join(rows) + "\n")
    for out in ("first", "again"):
        run(script, folder / "copies.csv", folder / out)
    return folder


def voice(seconds: float) -> Audio:
    """A vowel in a little noise."""
    hiss = noise(seconds).samples
    return Audio(vowel(seconds=seconds).samples[: len(hiss)] + 0.01 * hiss, RATE_HZ)


def run(script: types.ModuleType, manifest: Path, out: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["splices.py", str(manifest), "--out", str(out), "--train", "4"])
        patch.setattr(script, "METHODS", ("lpc",))  # the quickest
        script.main()


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "partial.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class TestSplice:
    @pytest.mark.parametrize("seed", range(8))
    def test_only_spans_are_replaced(self, script: types.ModuleType, seed: int) -> None:
        whole, copy = voice(4.5), noise(4.5, seed=9)
        partial, spans = script.splice(whole, copy, np.random.default_rng(seed))
        time_s = np.arange(len(whole.samples)) / RATE_HZ
        inside = np.zeros(len(time_s), bool)
        for start_s, end_s in spans:
            assert 0 < start_s < end_s < 4.5
            inside |= (time_s >= start_s - 1e-6) & (time_s < end_s - 1e-6)
            middle = (time_s > start_s + 0.02) & (time_s < end_s - 0.02)
            got, noisy = partial.samples[middle], copy.samples[middle]
            assert np.corrcoef(got, noisy)[0, 1] > 0.999
            level = np.sqrt(np.mean(got**2) / np.mean(whole.samples[middle] ** 2))
            assert level == pytest.approx(1, abs=0.1)
        np.testing.assert_allclose(partial.samples[~inside], whole.samples[~inside], atol=1e-6)
        assert 0.2 < inside.mean() * 4.5 < 3

    def test_edges_are_cross_faded(self, script: types.ModuleType) -> None:
        ones = Audio(np.ones(3 * RATE_HZ, np.float32) / 2, RATE_HZ)
        other = Audio(-ones.samples, RATE_HZ)
        partial, _ = script.splice(ones, other, np.random.default_rng(0))
        assert np.abs(np.diff(partial.samples)).max() < 1.1 / (0.015 * RATE_HZ)
        assert partial.samples.min() == pytest.approx(-0.5)

    def test_some_clips_have_two_spans_apart(self, script: types.ModuleType) -> None:
        found = [
            script.splice(voice(4.5), noise(4.5), np.random.default_rng(seed))[1]
            for seed in range(30)
        ]
        assert {len(spans) for spans in found} == {1, 2}
        for spans in found:
            assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))


def test_vocoders_are_taken_in_turn(script: types.ModuleType) -> None:
    used: Counter[str] = Counter()
    rng = np.random.default_rng(0)
    for _ in range(30):
        assert len(set(script.rarest(["a", "b", "c"], used, 2, rng))) == 2
    assert set(used.values()) == {20}


def test_more_than_there_are_is_each_once_more(script: types.ModuleType) -> None:
    used: Counter[str] = Counter()
    rng = np.random.default_rng(0)
    assert len(script.rarest(["a", "b", "c"], used, 7, rng)) == 7
    assert sorted(used.values()) == [2, 2, 3]


def test_clips_are_partial_and_whole_in_their_shares(made: Path) -> None:
    rows = table(made / "first")
    kinds = Counter((row["split"], bool(row["spans"])) for row in rows)
    assert kinds == {("train", True): 4, ("train", False): 2, ("dev", True): 2, ("dev", False): 2}
    for row in rows:
        partial = row["file"].startswith("partial/")
        assert (row["label"] == "spoof") == bool(row["spans"]) == partial
        assert row["system"] in (("hiss", "lpc") if partial else ("-",))
    assert {(row["original"], row["split"]) for row in rows} == {
        ("a.flac", "train"), ("b.flac", "dev"),
    }  # fmt: skip


def test_the_same_seed_makes_the_same_clips(made: Path) -> None:
    assert table(made / "first") == table(made / "again")
    for row in table(made / "first"):
        first, again = (Audio.read(made / out / row["file"]) for out in ("first", "again"))
        np.testing.assert_array_equal(first.samples, again.samples)


def test_what_is_made_is_a_corpus_that_fvx_reads(made: Path) -> None:
    dataset = open_dataset(made / "first" / "partial.csv")
    for clip in dataset.clips:
        spans = parse_spans(clip.extra["spans"], clip.id, clip.label)
        assert bool(spans) == (clip.label is Label.SPOOF)
        duration_s = Audio.read(dataset.audio_path(clip)).duration_s
        assert all(end_s < duration_s for _, end_s in spans)
