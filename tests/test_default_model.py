"""The model that ships with fvx works where nothing was trained."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from fvx import Audio, load_model
from fvx.augment import vocode
from fvx.detector import DEFAULT_RUN, SHIPPED
from fvx.model import Card

CORPUS = Path(__file__).parents[1] / "fvx" / "demo_corpus"
FVX = Path(sys.executable).with_name("fvx")


def test_it_is_used_where_there_is_no_run(tmp_path: Path) -> None:
    done = subprocess.run(
        [FVX, "predict", CORPUS / "00.flac", "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "the one shipped with fvx" in done.stderr
    (verdict,) = json.loads(done.stdout)
    assert verdict["verdict"] in ("bona fide", "spoof", "undecided")


def test_it_explains_in_words() -> None:
    verdict = load_model(DEFAULT_RUN).predict(CORPUS / "01.flac")
    record = verdict.explain().record
    assert len(record["features"]) == len(load_model(DEFAULT_RUN).features)
    assert "Not to be trusted" in record["model"]["words"]


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_small_and_holds_no_more_than_it_needs(name: str) -> None:
    files = {path.name: path.stat().st_size for path in SHIPPED[name].iterdir()}
    assert files.keys() == {
        "card.json", "familiarity.npz", "reference.json", "branches.tflite", "terminus.tflite",
    }  # fmt: skip
    assert sum(files.values()) < 8_000_000


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_a_shipped_model_is_asked_for_by_name(tmp_path: Path, command: str) -> None:
    (tmp_path / "runs" / "broken").mkdir(parents=True)
    (tmp_path / "runs" / "broken" / "card.json").write_text("{}")
    words = [FVX, command, CORPUS / "00.flac", "--model", "partial"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    both = subprocess.run([*words, "--run", "x"], capture_output=True, text=True, check=False)
    assert both.returncode == 2
    assert "one of the two" in both.stderr


@pytest.mark.parametrize("name", SHIPPED)
def test_its_card_says_how_good_it_is_and_where_not(name: str) -> None:
    words = Card.load(SHIPPED[name]).words
    for part in ("Trained on", "equal error rate was", "95 % interval", "never to be the only"):
        assert part in words


def test_a_file_it_cannot_read_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    done = subprocess.run(
        [FVX, "explain", "nowhere.wav"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last == "fvx: nowhere.wav: no such file"


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_a_run_that_is_not_there_is_named(tmp_path: Path, command: str) -> None:
    done = subprocess.run(
        [FVX, command, CORPUS / "00.flac", "--run", "nowhere"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("fvx: nowhere: no card.json there")


def test_the_one_for_spans_has_short_windows_close_together_and_leans_to_the_worst() -> None:
    card = Card.load(SHIPPED["partial"])
    assert (card.geometry.length_s, card.geometry.hop_s) == (0.5, 0.1)
    assert card.pooling == "soft-minimum"
    assert "pointed into it" in card.words


def test_it_points_to_a_span_that_was_vocoded(tmp_path: Path) -> None:
    clip = Audio.read(CORPUS / "00.flac")
    copy = vocode(clip, "griffin-lim")
    start, end = int(0.6 * clip.rate_hz), int(1.3 * clip.rate_hz)
    samples = clip.samples.copy()
    samples[start:end] = copy.samples[start:end]
    soundfile.write(tmp_path / "partial.wav", samples, clip.rate_hz)
    detector = load_model(SHIPPED["partial"])
    worst = min(detector.predict(tmp_path / "partial.wav").windows, key=lambda one: one.score)
    before = min(detector.predict(CORPUS / "00.flac").windows, key=lambda one: one.score)
    assert 0.6 < (worst.start_s + worst.end_s) / 2 < 1.3
    assert worst.score < before.score
