"""The voicing feature."""

import numpy as np
import pytest
from fvx_prosody import Voicing

from fvx.testing import FeatureContract, noise, silence, vowel


class TestVoicingContract(FeatureContract):
    feature = Voicing()


def test_known_runs_are_counted_and_measured(sounds) -> None:
    hiss = sounds.scaled(noise(0.3), -10.0)
    clip = sounds.joined(vowel(seconds=0.6), hiss, vowel(seconds=0.3), hiss, vowel(seconds=0.6))
    ratio, per_s, mean_s, sd_s, defined = Voicing()(clip)[0]
    assert defined == 1
    assert ratio == pytest.approx(1.5 / 2.1, abs=0.03)
    assert per_s == pytest.approx(3 / 2.1, abs=0.05)
    assert mean_s == pytest.approx(0.5, abs=0.02)
    assert sd_s == pytest.approx(np.std([0.6, 0.3, 0.6]), abs=0.02)


def test_silence_around_the_speech_does_not_count(sounds) -> None:
    speech = sounds.joined(vowel(seconds=0.6), noise(0.3), vowel(seconds=0.3))
    framed = sounds.joined(0.5, speech, 1.0)
    np.testing.assert_allclose(Voicing()(framed), Voicing()(speech), atol=0.03)


def test_a_steady_vowel_is_one_run() -> None:
    values = Voicing()(vowel(seconds=1.0))[0]
    assert values[0] == 1
    assert values[2] == pytest.approx(1.0, abs=0.03)
    assert values[3] == 0


def test_nothing_voiced_is_undefined() -> None:
    assert not Voicing()(silence()).any()


def test_measures_are_those_of_the_runs() -> None:
    voiced = np.array([0, 1, 1, 1, 0, 0, 1, 0], bool)
    np.testing.assert_allclose(
        Voicing().measure(voiced, 0.01)[0], [4 / 6, 2 / 0.06, 0.02, 0.01, 1], rtol=1e-6
    )


def test_praat_finds_the_same_voicing_in_real_speech(praat, real_clips) -> None:
    # Achieved on 94 clips: r 0.995 to 0.999, the median clip the same to the frame.
    ours = np.array([Voicing()(clip)[0] for clip in real_clips])
    theirs = np.array([Voicing().measure(praat.f0_hz(clip) > 0, 0.01)[0] for clip in real_clips])
    for column in range(4):
        assert np.corrcoef(ours[:, column], theirs[:, column])[0, 1] > 0.97
    assert np.median(np.abs(ours[:, 0] - theirs[:, 0])) < 0.005


def test_golden_voicing_of_vowels_and_noise(sounds) -> None:
    clip = sounds.joined(vowel(123.0, 0.5), noise(0.3), vowel(140.0, 0.4))
    np.testing.assert_allclose(Voicing()(clip)[0], [0.743802, 1.652893, 0.45, 0.05, 1], rtol=1e-4)
