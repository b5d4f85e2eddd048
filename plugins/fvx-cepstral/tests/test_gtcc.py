import numpy as np
import pytest
import scipy.fft
import scipy.signal
from fvx_cepstral.gammatone import centres_hz, gammatone_weights
from fvx_cepstral.gtcc import Gtcc

from fvx import Audio
from fvx.errors import FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, vowel

CENTRES_HZ = centres_hz(64, 50.0, RATE_HZ / 2)
BINS_HZ = np.arange(257) * RATE_HZ / 512


class TestGtccContract(FeatureContract):
    feature = Gtcc()


class TestGtccOfOtherSettingsContract(FeatureContract):
    feature = Gtcc(window_s=0.032, n_bands=40, n_coefficients=13, delta_reach=2, lowest_hz=100.0)


@pytest.mark.parametrize("index", [0, 5, 30, 63])
def test_weights_are_the_transform_of_the_impulse_response(index: int) -> None:
    time_s = np.arange(0, 0.2, 1 / 80_000)
    decay_hz = 1.019 * (24.7 + CENTRES_HZ[index] / 9.26449)
    envelope = time_s**3 * np.exp(-2 * np.pi * decay_hz * time_s)
    impulse = envelope * np.cos(2 * np.pi * CENTRES_HZ[index] * time_s)
    response = np.abs(np.exp(-2j * np.pi * np.outer(BINS_HZ, time_s)) @ impulse)
    peak = np.abs(np.exp(-2j * np.pi * CENTRES_HZ[index] * time_s) @ impulse)
    weights = gammatone_weights(64, 50.0, 512, RATE_HZ)[:, index]
    np.testing.assert_allclose(weights, (response / peak) ** 2, atol=1e-6)


def digital_filter(hz: float):
    return scipy.signal.gammatone(hz, "iir", fs=RATE_HZ)


def test_weights_are_those_of_the_digital_filters_of_scipy() -> None:
    # Away from both ends of the spectrum, where a digital filter's response is bent.
    weights = gammatone_weights(64, 50.0, 512, RATE_HZ)
    for index in np.flatnonzero((CENTRES_HZ > 100) & (CENTRES_HZ < 6_500)):
        _, response = scipy.signal.freqz(*digital_filter(CENTRES_HZ[index]), BINS_HZ, fs=RATE_HZ)
        np.testing.assert_allclose(weights[:, index], np.abs(response) ** 2, atol=0.01)


def test_neighbouring_centres_are_equally_many_bandwidths_apart() -> None:
    width_hz = 24.7 + CENTRES_HZ / 9.26449
    assert CENTRES_HZ[0] == pytest.approx(50.0)
    assert CENTRES_HZ[-1] < RATE_HZ / 2
    np.testing.assert_allclose(np.diff(CENTRES_HZ) / width_hz[:-1], 0.503, atol=0.001)


def level_by_filtering(clip: Audio, hz: float) -> np.ndarray:
    """Level of the filter's output around each frame, less the filter's own delay."""
    decay_hz = 1.019 * (24.7 + hz / 9.26449)
    delay = round(3 / (2 * np.pi * decay_hz) * RATE_HZ)
    delayed = np.pad(clip.samples.astype(np.float64), (0, delay))
    energy = scipy.signal.lfilter(*digital_filter(hz), delayed)[delay:] ** 2
    window = scipy.signal.get_window("hann", 400) ** 2
    in_frames = scipy.signal.fftconvolve(np.pad(energy, 200), window, "valid")[::160]
    return 10 * np.log10(np.maximum(512 / 2 * in_frames, 1e-10))


def assert_agrees_with_filtering(
    clips: list[Audio], bands: range, r: float, median_db: float
) -> None:
    levels = [scipy.fft.idct(Gtcc(n_coefficients=64)(clip)[:, :64], norm="ortho") for clip in clips]
    for band in bands:
        ours = np.concatenate([level[5:-5, band] for level in levels])
        filtered = [level_by_filtering(clip, CENTRES_HZ[band])[5:-5] for clip in clips]
        theirs = np.concatenate(filtered)
        audible = theirs > -60
        assert np.corrcoef(ours[audible], theirs[audible])[0, 1] > r
        assert np.median(np.abs(ours - theirs)[audible]) < median_db


def test_agrees_with_filtering_the_samples() -> None:
    assert_agrees_with_filtering([noise(3.0)], range(28, 60, 10), 0.98, 1.0)


def test_agrees_with_filtering_the_samples_of_speech(real_clips: list[Audio]) -> None:
    # Achieved on the 24 clips: r 0.986 at 197 Hz (median difference 1.9 dB), 0.997 at 574 Hz
    # (0.75 dB), 0.9999 at 1.9 to 5 kHz (0.1 dB).
    assert_agrees_with_filtering(real_clips, range(8, 60, 10), 0.98, 2.0)


def test_a_tenfold_amplitude_adds_20_db_to_every_band_and_so_to_the_zeroth_only() -> None:
    quiet = noise(1.0)
    moved = Gtcc()(Audio(10 * quiet.samples, RATE_HZ)) - Gtcc()(quiet)
    np.testing.assert_allclose(moved[:, 0], 20 * np.sqrt(64), atol=0.01)
    np.testing.assert_allclose(moved[:, 1:], 0.0, atol=0.01)


def test_silence_is_flat_at_the_floor() -> None:
    values = Gtcc()(silence())
    np.testing.assert_allclose(values[:, 0], -100 * np.sqrt(64), rtol=1e-5)
    np.testing.assert_allclose(values[:, 1:], 0.0, atol=1e-3)


def test_a_vowel_is_brighter_with_higher_formants() -> None:
    dark, bright = (
        Gtcc()(vowel(120.0, formants_hz=formants))[20:-20, 1].mean()
        for formants in ((300.0, 800.0, 2200.0, 3000.0), (500.0, 2000.0, 3000.0, 3900.0))
    )
    assert bright < dark - 10


@pytest.mark.parametrize("lowest_hz", [-1.0, 8_000.0])
def test_a_lowest_band_outside_the_spectrum_is_refused(lowest_hz: float) -> None:
    with pytest.raises(FeatureError, match="lowest_hz must lie between 0 and 8000"):
        Gtcc(lowest_hz=lowest_hz)(noise(1.0))


def test_values_are_what_they_were() -> None:
    values = Gtcc()(noise(1.0))[50, [0, 1, 2, 19, 20, 21, 40]]
    expected = [20.06598, -39.92638, 3.042798, 0.7078026, -0.3370817, 0.1172923, 0.3365816]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-3)
