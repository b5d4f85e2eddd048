from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fvx
from fvx.audio import Audio
from fvx.datasets import Label, open_dataset
from fvx.datasets.clip import Dataset
from fvx.detector import DEFAULT_RUN, load_model
from fvx.errors import FvxError, RecipeError, ScoreError
from fvx.evaluate.robustness import Condition, conditions, perturbed
from fvx.registry import discover
from fvx.scores import Scores
from fvx.testing import sine

CLIP = Path(fvx.__file__).parent / "demo_corpus" / "00.flac"


@pytest.fixture(scope="module")
def speech() -> Audio:
    return Audio.read(CLIP)


@pytest.fixture(scope="module")
def corpus() -> Dataset:
    return open_dataset("demo", discover().datasets)


@pytest.fixture(scope="module")
def scores(corpus: Dataset) -> Scores:
    """Four clips, two of each class, scored by the shipped model."""
    detector = load_model(DEFAULT_RUN)
    clips = [
        clip
        for label in Label
        for clip in [clip for clip in corpus.clips if clip.label is label][:2]
    ]
    values = [detector.predict(corpus.audio_path(clip)).score for clip in clips]
    return Scores(
        tuple(clip.id for clip in clips), values, tuple(str(clip.label) for clip in clips)
    )


class TestConditions:
    @pytest.mark.parametrize(
        "name",
        [
            "mp3", "mp3:0.3", "opus", "vorbis", "mu-law", "a-law", "gsm", "noise:10", "reverb",
            "reverb:0.8", "trim", "lowpass:4000", "highpass:300", "resample:8000", "level:-20",
            "reverb+noise:20+mp3",
        ],
    )  # fmt: skip
    def test_each_changes_speech_and_always_alike(self, speech: Audio, name: str) -> None:
        condition = Condition.parse(name)
        once, again = condition.apply(speech, 3), condition.apply(speech, 3)
        assert np.array_equal(once.samples, again.samples)
        assert not np.array_equal(once.samples, speech.samples)
        assert once.samples.dtype == np.float32
        assert np.isfinite(once.samples).all()
        assert once.rate_hz == speech.rate_hz
        if name != "trim":
            assert len(once.samples) == len(speech.samples)

    def test_noise_is_as_far_below_as_asked_for(self, speech: Audio) -> None:
        noisy = Condition.parse("noise:10").apply(speech, 0)
        added = noisy.samples - speech.samples
        ratio_db = 10 * np.log10(np.mean(speech.samples**2) / np.mean(added**2))
        assert ratio_db == pytest.approx(10, abs=0.1)

    @pytest.mark.parametrize(("name", "hz"), [("lowpass:2000", 5000.0), ("highpass:2000", 300.0)])
    def test_filters_take_away_what_lies_beyond(self, name: str, hz: float) -> None:
        tone = sine(hz)
        left = Condition.parse(name).apply(tone, 0)
        assert np.abs(left.samples[1000:-1000]).max() < 0.3 * np.abs(tone.samples).max()
        kept = Condition.parse("lowpass:6000+highpass:100").apply(sine(1000.0), 0)
        assert np.abs(kept.samples[1000:-1000]).max() > 0.9 * np.abs(sine(1000.0).samples).max()

    def test_several_are_separated_by_commas(self) -> None:
        assert [one.name for one in conditions("mp3, noise:10,trim")] == ["mp3", "noise:10", "trim"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("mp4", "no condition 'mp4'; known: mp3, opus"),
            ("", "no condition ''"),
            ("noise", "no condition 'noise'"),
            ("trim:3", "no condition 'trim:3'"),
            ("noise:loud", "'loud' is no number"),
            ("mp3+", "no condition ''"),
            ("mp3,trim,mp3", "asked for twice"),
        ],
    )
    def test_what_is_none_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(ScoreError, match=message):
            conditions(text)

    @pytest.mark.parametrize("text", ["mp3:7", "noise:nan", "lowpass:1", "resample:12345"])
    def test_a_number_out_of_bounds_is_refused(self, text: str) -> None:
        with pytest.raises(RecipeError):
            conditions(text)


class TestScoring:
    def test_a_condition_that_does_nothing_gives_the_same_scores(
        self, corpus: Dataset, scores: Scores
    ) -> None:
        (found,) = perturbed(DEFAULT_RUN, scores, corpus, [Condition("as it is", ())], jobs=0)
        assert found["mean_change_bonafide"] == pytest.approx(0, abs=1e-3)
        assert found["mean_change_spoof"] == pytest.approx(0, abs=1e-3)
        assert found["difference"] == 0
        assert (found["n_clips"], found["n_lost"]) == (4, 0)

    def test_noise_moves_the_scores_and_progress_is_told(
        self, corpus: Dataset, scores: Scores
    ) -> None:
        told: list[tuple[int, int, int]] = []
        (found,) = perturbed(
            DEFAULT_RUN, scores, corpus, conditions("noise:0"), jobs=0,
            on_progress=lambda *numbers: told.append(numbers),
        )  # fmt: skip
        assert abs(found["mean_change_bonafide"]) > 0.05
        assert told == [(0, 4, 0), (4, 4, 0)]

    def test_clips_that_cannot_be_scored_any_more_are_counted(
        self, corpus: Dataset, scores: Scores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Condition.apply

        def fails_once(condition: Condition, audio: Audio, seed: int) -> Audio:
            if not failed:
                failed.append(True)
                raise FvxError("too short now")
            return real(condition, audio, seed)

        failed: list[bool] = []
        monkeypatch.setattr(Condition, "apply", fails_once)
        (found,) = perturbed(DEFAULT_RUN, scores, corpus, [Condition("x", ())], jobs=0)
        assert (found["n_clips"], found["n_lost"]) == (3, 1)
        assert found["lost"] == [f"{scores.clips[0]}: too short now"]

    def test_without_recordings_nothing_can_be_perturbed(self, scores: Scores) -> None:
        with pytest.raises(ScoreError, match="name their corpus"):
            perturbed(DEFAULT_RUN, scores, None, conditions("mp3"))

    def test_clips_that_the_corpus_lacks_are_counted(self, corpus: Dataset) -> None:
        other = Scores(("nobody", "x"), [1.0, 0.0], ("bonafide", "spoof"))
        with pytest.raises(ScoreError, match="no recording of 2 of 2 clips, such as 'nobody'"):
            perturbed(DEFAULT_RUN, other, corpus, conditions("mp3"))
