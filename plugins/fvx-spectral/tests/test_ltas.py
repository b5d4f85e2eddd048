import numpy as np
import pytest
import scipy.signal
from fvx_spectral.ltas import Ltas

from fvx import Audio
from fvx.errors import AudioError
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine

N_BANDS = 16
SLOPE, TILT, ALPHA, HAMMARBERG = range(N_BANDS, N_BANDS + 4)


class TestLtasContract(FeatureContract):
    feature = Ltas()


class TestLtasOfOtherSettingsContract(FeatureContract):
    feature = Ltas(band_hz=1000, n_bands=4)


def assert_agrees_with_praat(praat, clips: list[Audio], median_db: float, r: float) -> None:
    ours = np.concatenate([Ltas()(clip) for clip in clips])
    expected = np.array([praat.ltas(clip, 500, N_BANDS) for clip in clips])
    difference = np.abs(ours - expected)
    assert np.median(difference[:, :N_BANDS]) < median_db
    assert (np.median(difference[:, [SLOPE, TILT, ALPHA]], axis=0) < 2 * median_db).all()
    # Praat's bins are 100 Hz wide, ours 31: a peak is higher by some tenths of a decibel.
    assert np.median(difference[:, HAMMARBERG]) < 1.0
    for column in range(ours.shape[1]):
        assert np.corrcoef(ours[:, column], expected[:, column])[0, 1] > r


def coloured(pole: float) -> Audio:
    samples = scipy.signal.lfilter([1 - abs(pole)], [1, -pole], noise(4.0).samples)
    return Audio(samples.astype(np.float32), RATE_HZ)


def test_agrees_with_praat(praat) -> None:
    assert_agrees_with_praat(praat, [coloured(pole) for pole in (0.0, 0.5, 0.8, 0.9)], 0.1, 0.99)


def test_agrees_with_praat_on_speech(praat, real_clips: list[Audio]) -> None:
    # Achieved on the 24 clips: bands 0.06 dB, slope 0.15 dB, tilt 0.08 dB per octave, alpha
    # 0.07 dB, Hammarberg index 0.6 dB (medians); r over clips 0.99 or more.
    assert_agrees_with_praat(praat, real_clips, 0.1, 0.98)


def test_white_noise_is_balanced() -> None:
    values = Ltas()(noise(20.0))[0]
    np.testing.assert_allclose(values[:N_BANDS], 10 * np.log10(1 / 16), atol=0.15)
    assert values[SLOPE] == pytest.approx(0, abs=0.1)
    assert values[TILT] == pytest.approx(0, abs=0.1)
    assert values[ALPHA] == pytest.approx(10 * np.log10(4000 / 950), abs=0.2)
    assert values[HAMMARBERG] == pytest.approx(0, abs=0.5)


def test_a_click_through_a_filter_of_6_db_per_octave_tilts_by_it() -> None:
    hz = np.fft.rfftfreq(512, 1 / RATE_HZ)
    click = np.fft.fftshift(np.fft.irfft(1 / np.maximum(hz, 50)))
    samples = np.zeros(RATE_HZ, np.float32)
    samples[50 * 160 - 256 :][:512] = 10 * click / click.max()
    tilt = Ltas()(Audio(samples, RATE_HZ))[0, TILT]
    assert tilt == pytest.approx(-20 * np.log10(2), rel=0.02)


def test_two_tones_give_their_ratio() -> None:
    low, high = sine(525.0, amplitude=0.5), sine(3025.0, amplitude=0.05)
    values = Ltas()(Audio(low.samples + high.samples, RATE_HZ))[0]
    assert values[ALPHA] == pytest.approx(-20, abs=0.2)
    assert values[HAMMARBERG] == pytest.approx(20, abs=0.2)
    assert values[6] - values[1] == pytest.approx(-20, abs=0.2)


def test_gain_moves_nothing() -> None:
    quiet = noise(1.0)
    louder = Ltas()(Audio(10 * quiet.samples, RATE_HZ))
    np.testing.assert_allclose(louder, Ltas()(quiet), atol=1e-3)


def test_silence_has_no_energy_in_any_band_and_no_balance() -> None:
    assert Ltas()(silence())[0].tolist() == [-100.0] * N_BANDS + [0.0] * 4


def test_a_rate_that_leaves_nothing_above_2_khz_is_refused() -> None:
    Ltas()(noise(1.0, rate_hz=4_000))
    with pytest.raises(AudioError, match="sampled at 3999 Hz"):
        Ltas()(noise(1.0, rate_hz=3_999))


def test_values_are_what_they_were() -> None:
    values = Ltas()(noise(1.0))[0, [0, 15, SLOPE, TILT, ALPHA, HAMMARBERG]]
    expected = [-12.05735, -11.83298, -0.09571522, 0.05335666, 6.211104, -0.180951]
    np.testing.assert_allclose(values, expected, rtol=1e-3)
