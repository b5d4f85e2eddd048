import numpy as np
import pytest
from fvx_spectral.log_spectrum import LogSpectrum

from fvx import Audio
from fvx.registry import discover
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestLogSpectrumContract(FeatureContract):
    feature = LogSpectrum()


def assert_agrees_with_librosa(audio: Audio) -> None:
    import librosa

    spectrum = np.abs(
        librosa.stft(audio.samples, n_fft=512, hop_length=160, pad_mode="constant")
    ).astype(np.float64)
    power = spectrum.T**2
    level = 10 * np.log10(power / power.mean() + 5e-6)
    expected = (level - level.mean(axis=0))[:, :224]
    np.testing.assert_allclose(LogSpectrum()(audio), expected, rtol=0, atol=0.05)


@pytest.mark.parametrize("audio", [noise(2.0), vowel()], ids=["noise", "vowel"])
def test_agrees_with_librosa(audio: Audio) -> None:
    assert_agrees_with_librosa(audio)


def test_agrees_with_librosa_on_speech(speech: Audio) -> None:
    assert_agrees_with_librosa(speech)


@pytest.mark.parametrize("hz", [250.0, 1000.0, 5000.0])
def test_a_tone_that_sets_in_is_louder_than_its_band_was(hz: float) -> None:
    clip = np.concatenate([1e-3 * noise(1.0).samples, sine(hz, 1.0).samples])
    values = LogSpectrum()(Audio(clip, RATE_HZ))
    risen = values[110:-5].mean(axis=0) - values[5:90].mean(axis=0)
    assert risen.argmax() == round(hz * 0.032)
    assert risen.max() > 40


def test_each_band_is_at_its_own_average_over_the_clip() -> None:
    values = LogSpectrum()(vowel())
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-4)


def test_gain_and_equaliser_are_taken_off() -> None:
    plain = noise(2.0)
    louder = Audio(7 * plain.samples, RATE_HZ)
    np.testing.assert_allclose(LogSpectrum()(louder), LogSpectrum()(plain), atol=1e-3)
    darker = np.convolve(plain.samples, [0.5, 0.5])[: len(plain.samples)].astype(np.float32)
    values, expected = LogSpectrum()(Audio(darker, RATE_HZ)), LogSpectrum()(plain)
    below_4_khz = slice(0, 128)
    assert np.abs(values - expected)[5:-5, below_4_khz].mean() < 0.5


def test_silence_is_zero() -> None:
    assert not LogSpectrum()(silence()).any()


def test_bands_above_half_the_rate_are_zero() -> None:
    half = Audio(noise(1.0).samples[:8000], 8000)
    values = LogSpectrum()(half)
    assert values[:, :128].any(axis=0).all()
    assert not values[:, 128:].any()


def test_all_does_not_bring_it() -> None:
    registry = discover()
    assert "log_spectrum" in registry.features
    assert "log_spectrum" not in {feature.name for feature in registry.select()}
    assert registry.select(["log_spectrum"]) == (LogSpectrum(),)


def test_values_are_what_they_were() -> None:
    values = LogSpectrum()(noise(1.0))[50, [0, 1, 100, 223]]
    np.testing.assert_allclose(values, [-19.52206, 3.934278, 4.663655, 0.338279], rtol=1e-4)
