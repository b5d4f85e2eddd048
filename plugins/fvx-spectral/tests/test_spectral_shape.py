import numpy as np
import pytest
from fvx_spectral.spectral_shape import SpectralShape

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine

CENTROID, BANDWIDTH, ROLLOFF, CREST, FLATNESS, ENTROPY, SLOPE, CROSSINGS = range(8)


class TestSpectralShapeContract(FeatureContract):
    feature = SpectralShape()


def assert_agrees_with_librosa(audio: Audio) -> None:
    import librosa

    magnitude = np.abs(librosa.stft(audio.samples, n_fft=512, win_length=400, hop_length=160))
    values = SpectralShape()(audio)
    for column, expected, tolerance in (
        (CENTROID, librosa.feature.spectral_centroid(S=magnitude, sr=RATE_HZ), 0.01),  # Hz
        (BANDWIDTH, librosa.feature.spectral_bandwidth(S=magnitude, sr=RATE_HZ), 0.05),
        (ROLLOFF, librosa.feature.spectral_rolloff(S=magnitude, sr=RATE_HZ), 0.0),
        (FLATNESS, librosa.feature.spectral_flatness(S=magnitude), 2e-5),
    ):
        np.testing.assert_allclose(values[:, column], expected[0], rtol=0, atol=tolerance)
    rate = librosa.feature.zero_crossing_rate(audio.samples, frame_length=400, hop_length=160)
    # At the ends librosa repeats the outermost sample, and counts what is not there.
    np.testing.assert_allclose(values[2:-2, CROSSINGS], rate[0, 2:-2] * RATE_HZ, atol=1e-2)


def test_agrees_with_librosa() -> None:
    voiced = sine(150.0, 2.0).samples * np.linspace(0, 1, 2 * RATE_HZ) ** 2
    assert_agrees_with_librosa(noise(2.0))
    assert_agrees_with_librosa(Audio((voiced + noise(2.0).samples).astype(np.float32), RATE_HZ))


def test_agrees_with_librosa_on_speech(real_clips: list[Audio]) -> None:
    for clip in real_clips:
        assert_agrees_with_librosa(clip)


@pytest.mark.parametrize("hz", [250.0, 1000.0, 5000.0])
def test_a_sine_sits_at_its_own_frequency(hz: float) -> None:
    middle = SpectralShape()(sine(hz))[10:-10]
    np.testing.assert_allclose(middle[:, CENTROID], hz, atol=15)
    np.testing.assert_allclose(middle[:, ROLLOFF], hz, atol=RATE_HZ / 400)
    np.testing.assert_allclose(middle[:, CROSSINGS], 2 * hz, atol=RATE_HZ / 400)
    assert middle[:, FLATNESS].max() < 0.01
    assert middle[:, CREST].min() > 50
    assert middle[:, ENTROPY].max() < 0.3


def test_white_noise_is_as_flat_as_theory_says() -> None:
    middle = SpectralShape()(noise(20.0))[10:-10].mean(axis=0)
    assert middle[CENTROID] == pytest.approx(RATE_HZ / 4, rel=0.01)
    # Magnitudes are Rayleigh distributed, independently of frequency.
    assert middle[BANDWIDTH] == pytest.approx(RATE_HZ / 2 / np.sqrt(12), rel=0.01)
    assert middle[ROLLOFF] == pytest.approx(0.85 * RATE_HZ / 2, rel=0.01)
    assert middle[FLATNESS] == pytest.approx(np.exp(-np.euler_gamma), rel=0.03)
    assert middle[ENTROPY] == pytest.approx(1 - (1 - np.euler_gamma) / np.log(257), abs=0.005)
    assert middle[SLOPE] == pytest.approx(0, abs=0.05)
    assert middle[CROSSINGS] == pytest.approx(RATE_HZ / 2, rel=0.01)


def test_a_click_has_a_flat_spectrum() -> None:
    samples = np.zeros(RATE_HZ, np.float32)
    samples[50 * 160] = 1.0
    at_click = SpectralShape()(Audio(samples, RATE_HZ))[50]
    assert at_click[[CREST, FLATNESS, ENTROPY]] == pytest.approx([1, 1, 1], abs=1e-4)
    assert at_click[SLOPE] == pytest.approx(0, abs=1e-4)


def test_the_slope_of_a_filtered_click_is_that_of_the_filter() -> None:
    # exp(-|f| / f0) falls by 20 / ln(10) / f0 dB per hertz.
    n_fft, knee_hz = 512, 1000.0
    hz = np.fft.rfftfreq(n_fft, 1 / RATE_HZ)
    click = np.fft.fftshift(np.fft.irfft(np.exp(-hz / knee_hz)))
    samples = np.zeros(RATE_HZ, np.float32)
    samples[50 * 160 - n_fft // 2 :][:n_fft] = click
    slope = SpectralShape()(Audio(samples, RATE_HZ))[50, SLOPE]
    assert slope == pytest.approx(-20 / np.log(10) * 1000 / knee_hz, rel=0.02)


def test_gain_moves_nothing() -> None:
    quiet = noise(1.0)
    louder = SpectralShape()(Audio(10 * quiet.samples, RATE_HZ))
    np.testing.assert_allclose(louder, SpectralShape()(quiet), rtol=1e-3, atol=1e-4)


def test_in_silence_frequencies_and_slope_are_zero_and_the_others_one() -> None:
    values = SpectralShape()(silence())
    np.testing.assert_allclose(values, [[0, 0, 0, 1, 1, 1, 0, 0]] * len(values), atol=1e-5)


def test_values_are_what_they_were() -> None:
    values = SpectralShape()(noise(1.0))[50]
    expected = [4271.912, 2289.936, 6937.5, 2.543807, 0.5328245, 0.9235628, 0.5975271, 8280]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
