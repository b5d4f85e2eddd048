import numpy as np
import pytest
from fvx_spectral.spectral_flux import SpectralFlux

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, sine


class TestSpectralFluxContract(FeatureContract):
    feature = SpectralFlux()


def test_the_first_frame_has_none() -> None:
    assert SpectralFlux()(noise(1.0))[0, 0] == 0


def test_a_steady_tone_has_none() -> None:
    # A whole number of periods per hop: every frame holds the very same samples.
    np.testing.assert_allclose(SpectralFlux()(sine(1000.0))[3:-3], 0.0, atol=1e-5)


def test_a_change_of_level_alone_has_none() -> None:
    tone = sine(1000.0).samples * np.exp(np.linspace(0, -2, RATE_HZ)).astype(np.float32)
    assert SpectralFlux()(Audio(tone, RATE_HZ))[3:-3].max() < 0.01


def test_two_tones_with_no_frequency_in_common_are_as_far_apart_as_can_be() -> None:
    samples = np.concatenate([sine(500.0, 0.5).samples, sine(6000.0, 0.5).samples])
    flux = SpectralFlux(hop_s=0.04)(Audio(samples, RATE_HZ))[:, 0]  # no frame spans the change
    assert flux.argmax() == 13
    assert flux[13] == pytest.approx(np.sqrt(2), abs=0.01)


def test_independent_frames_of_white_noise_are_as_far_apart_as_theory_says() -> None:
    # Magnitudes are Rayleigh distributed: the expected cosine of two spectra is pi / 4.
    flux = SpectralFlux(hop_s=0.05)(noise(30.0))[1:]
    assert np.sqrt(np.mean(flux**2)) == pytest.approx(np.sqrt(2 - np.pi / 2), rel=0.02)


def test_agrees_with_the_same_distance_taken_by_librosa(speech: Audio) -> None:
    import librosa

    magnitude = np.abs(librosa.stft(speech.samples, n_fft=512, win_length=400, hop_length=160))
    shape = librosa.util.normalize(magnitude, norm=2, axis=0)
    expected = np.linalg.norm(np.diff(shape, axis=1), axis=0)
    np.testing.assert_allclose(SpectralFlux()(speech)[1:, 0], expected, atol=1e-4)


def test_values_are_what_they_were() -> None:
    values = SpectralFlux()(noise(1.0))[[1, 50, 99], 0]
    np.testing.assert_allclose(values, [0.5657326, 0.6598479, 0.6380705], rtol=1e-4)
