import numpy as np
import pytest
from fvx_spectral.spectral_contrast import SpectralContrast

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, vowel


class TestSpectralContrastContract(FeatureContract):
    feature = SpectralContrast()


class TestSpectralContrastOfOtherSettingsContract(FeatureContract):
    feature = SpectralContrast(n_octaves=4, lowest_hz=500, quantile=0.1)


def assert_agrees_with_librosa(audio: Audio) -> None:
    import librosa

    magnitude = np.abs(librosa.stft(audio.samples, n_fft=1024, hop_length=160))
    expected = librosa.feature.spectral_contrast(S=magnitude, sr=RATE_HZ).T
    values = SpectralContrast()(audio)
    # Where neither has reached its floor. librosa takes magnitudes for powers: half as many dB.
    above_floor = magnitude.min(axis=0) > 1e-5
    assert above_floor.sum() > 50
    np.testing.assert_allclose(values[above_floor], 2 * expected[above_floor], rtol=0, atol=0.5)
    # Rounding shows in the deepest valleys only.
    assert np.median(np.abs(values - 2 * expected)[above_floor]) < 1e-4


def test_agrees_with_librosa() -> None:
    assert_agrees_with_librosa(noise(2.0))
    voice = vowel(seconds=1.9).samples
    breathy = voice + noise(2.0).samples[: len(voice)]
    assert_agrees_with_librosa(Audio(breathy.astype(np.float32), RATE_HZ))


def test_agrees_with_librosa_on_speech(real_clips: list[Audio]) -> None:
    for clip in real_clips:
        assert_agrees_with_librosa(clip)


def test_the_less_noise_between_harmonics_the_more_contrast() -> None:
    voice = vowel(200.0, 1.9).samples
    hiss = noise(2.0).samples[: len(voice)]
    contrasts = [
        SpectralContrast()(Audio((voice + gain * hiss).astype(np.float32), RATE_HZ))[20:-20].mean(0)
        for gain in (1.0, 0.1, 0.01)
    ]
    assert (np.diff(contrasts, axis=0)[:, 1:5] > 3).all()


def test_the_contrast_of_two_tones_is_the_ratio_of_their_levels() -> None:
    # At bin centres the transform of a rectangular window has nothing between; Hann's has three
    # bins a tone: a band of quantile 1 / 2 sees all of the strong half and all of the weak half.
    feature = SpectralContrast(n_octaves=1, lowest_hz=4000, quantile=0.5)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    hz = np.arange(1, 256) * RATE_HZ / 1024
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, len(hz))
    gain = np.where(hz < 2000, 1.0, 0.1)
    samples = (gain * np.sin(2 * np.pi * np.outer(time_s, hz) + phase)).sum(axis=1) / 100
    contrast = feature(Audio(samples.astype(np.float32), RATE_HZ))[20:-20, 0]
    assert np.median(contrast) == pytest.approx(20, abs=2)


def test_gain_moves_nothing() -> None:
    quiet = noise(1.0)
    louder = SpectralContrast()(Audio(10 * quiet.samples, RATE_HZ))
    np.testing.assert_allclose(louder, SpectralContrast()(quiet), atol=0.01)


def test_there_is_none_in_silence_and_in_bands_above_half_the_rate() -> None:
    assert not SpectralContrast()(silence()).any()
    values = SpectralContrast()(noise(1.0, rate_hz=8_000))
    assert (values[10:-10, :6] > 0).all()
    assert not values[:, 6].any()


def test_columns_say_which_band() -> None:
    assert SpectralContrast().columns[0] == "contrast_0_200_hz_db"
    assert SpectralContrast().columns[-1] == "contrast_6400_hz_up_db"


def test_values_are_what_they_were() -> None:
    values = SpectralContrast()(noise(1.0))[50]
    expected = [25.26345, 9.193081, 23.63791, 22.01814, 23.34895, 28.20647, 27.8378]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
