"""The modulation_spectrum feature."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.signal
from fvx_timbre import ModulationSpectrum

from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel

EDGES_HZ = np.rint(np.geomspace(100, 7600, 17)).astype(int)
RANGES_HZ = (4, 8, 16, 32, 64, 110, 160, 220, 300, 420, 700, 1000)
STEP_HZ = 1 / 0.256


class TestModulationSpectrumContract(FeatureContract):
    feature = ModulationSpectrum()


def _table(audio: Audio) -> np.ndarray:
    """Bands by ranges of modulation, decibels, shape (16, 11)."""
    return ModulationSpectrum()(audio).reshape(16, 11)


def _clip(samples, rate_hz: int = RATE_HZ) -> Audio:
    return Audio(np.asarray(0.5 * samples / np.abs(samples).max(), np.float32), rate_hz)


def _modulated(carrier: Audio, modulation_hz: float, depth: float) -> Audio:
    time_s = np.arange(len(carrier.samples)) / carrier.rate_hz
    swing = 1 + depth * np.sin(2 * np.pi * modulation_hz * time_s)
    return _clip(carrier.samples * swing, carrier.rate_hz)


def _band_of(hz: float) -> int:
    return int(np.searchsorted(EDGES_HZ, hz)) - 1


def _by_scipy(audio: Audio) -> np.ndarray:
    """The definition step by step: filters in time, no decimation, Welch's method."""
    x = audio.samples / np.sqrt(np.square(audio.samples, dtype=np.float64).mean())
    pause, rows = round(0.1 * audio.rate_hz), []
    for band_hz in pairwise(EDGES_HZ):
        filters = scipy.signal.butter(3, band_hz, "band", fs=audio.rate_hz, output="sos")
        analytic = scipy.signal.hilbert(scipy.signal.sosfiltfilt(filters, np.pad(x, pause)))
        envelope = np.log(np.abs(analytic)[pause:-pause] + 1e-4)
        n_segment = round(0.256 * audio.rate_hz)
        hz, density = scipy.signal.welch(envelope, audio.rate_hz, nperseg=n_segment)
        means = [density[(hz >= slow) & (hz < fast)].mean() for slow, fast in pairwise(RANGES_HZ)]
        rows.append(10 * np.log10(np.array(means) + 1e-9))
    return np.array(rows)


def test_columns_say_which_band_and_which_modulation() -> None:
    columns = ModulationSpectrum().columns
    assert len(columns) == 16 * 11
    assert columns[0] == "modulation_100_131_hz_at_4_8_hz_db"
    assert columns[11] == "modulation_131_172_hz_at_4_8_hz_db"
    assert columns[-1] == "modulation_5798_7600_hz_at_700_1000_hz_db"


@pytest.mark.parametrize("depth", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("modulation_hz", "column"), [(24, 2), (48, 3), (86, 4), (135, 5)])
def test_a_modulated_tone_has_the_density_of_its_modulation(
    modulation_hz: float, column: int, depth: float
) -> None:
    # ln(1 + m sin) has the Fourier coefficients 2 b^k / k, where b = (1 - sqrt(1 - m^2)) / m.
    b = (1 - np.sqrt(1 - depth**2)) / depth
    slow, fast = np.ceil(np.array(RANGES_HZ[column : column + 2]) / STEP_HZ)
    expected_db = 10 * np.log10(2 * b**2 / ((fast - slow) * STEP_HZ))
    row = _table(_modulated(sine(2240.0, 3.0), modulation_hz, depth))[_band_of(2240)]
    assert row[column] == pytest.approx(expected_db, abs=0.2)
    assert np.argmax(row) == column


@pytest.mark.parametrize("carrier_hz", [762.0, 1310.0, 2250.0, 3863.0, 6640.0])
def test_a_tone_beating_at_70_hz_shows_at_its_own_band(carrier_hz: float) -> None:
    # In noise, since what the filters leave of a tone alone would beat in every band.
    tone = _modulated(sine(carrier_hz, 2.0), 70.0, 0.8)
    table = _table(_clip(tone.samples + 0.3 * noise(2.0).samples))
    own, at_70_hz = _band_of(carrier_hz), RANGES_HZ.index(64)
    assert np.argmax(table[own]) == at_70_hz
    far = np.abs(np.arange(16) - own) >= 3
    assert table[own, at_70_hz] > table[far, at_70_hz].max() + 6
    assert table[own, at_70_hz] > table[:, at_70_hz].max() - 1.5


def test_noise_beating_at_70_hz_stands_out_in_all_wide_bands() -> None:
    rise = _table(_modulated(noise(4.0), 70.0, 0.9)) - _table(noise(4.0))
    assert (np.argmax(rise[8:], axis=1) == RANGES_HZ.index(64)).all()
    assert rise[8:, RANGES_HZ.index(64)].min() > 6


def test_the_envelope_of_noise_has_the_variance_of_rayleigh() -> None:
    # ln of a Rayleigh-distributed amplitude has the variance pi^2 / 24.
    table = 10 ** (_table(noise(20.0)) / 10)
    variance = (table @ np.diff(RANGES_HZ))[5:10]  # neither below 4 Hz nor above 1 kHz
    np.testing.assert_allclose(variance, np.pi**2 / 24, rtol=0.12)


def test_a_voice_beats_at_its_pitch() -> None:
    ranges = [np.argmax(_table(vowel(hz, 2.0))[12]) for hz in (90.0, 130.0, 190.0, 260.0)]
    assert ranges == [RANGES_HZ.index(slow) for slow in (64, 110, 160, 220)]


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_scipy_says_the_same_step_by_step(rate_hz: int) -> None:
    hiss = noise(1.5, rate_hz=rate_hz).samples
    voice = vowel(110.0, 1.5, rate_hz=rate_hz).samples
    n_samples = min(len(hiss), len(voice))
    clip = Audio(voice[:n_samples] + 0.2 * hiss[:n_samples], rate_hz)
    apart = np.abs(_table(clip) - _by_scipy(clip))
    # The digital filter is narrower close to half the sampling rate.
    close = 14 if rate_hz == 16000 else 15
    assert np.median(apart) < 0.05
    assert apart[:close].max() < 0.5
    assert apart[close:].max() < 1.5


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100])
def test_the_sampling_rate_hardly_matters(rate_hz: int) -> None:
    at_16_khz = noise(2.0)
    there = scipy.signal.resample(at_16_khz.samples, 2 * rate_hz).astype(np.float32)
    ours = _table(Audio(there, rate_hz)) - _table(at_16_khz)
    n_bands = 12 if rate_hz == 8000 else 16
    assert np.abs(ours[:n_bands]).max() < 0.5


def test_bands_above_half_the_sampling_rate_are_zero() -> None:
    table = _table(noise(1.0, rate_hz=8000))
    assert (table[:13] < 0).all()
    assert not table[13:].any()


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.8])
def test_silence_is_at_the_floor(seconds: float) -> None:
    np.testing.assert_allclose(_table(silence(seconds)), -90.0, atol=1e-3)


def test_next_to_nothing_is_as_silence() -> None:
    almost = np.zeros(RATE_HZ, np.float32)
    almost[100] = 1e-45
    np.testing.assert_allclose(_table(Audio(almost, RATE_HZ)), -90.0, atol=1e-3)


def test_a_steady_tone_hardly_fluctuates() -> None:
    tone = _table(sine(2240.0, 3.0))[_band_of(2240)]
    assert tone.max() < _table(noise(3.0)).min()


def test_gain_does_not_move_it() -> None:
    voice = Audio(vowel().samples[:15000] + 0.1 * noise(1.0).samples[:15000], RATE_HZ)
    for gain in (1e-6, 30.0):
        other = Audio(voice.samples * np.float32(gain), RATE_HZ)
        np.testing.assert_allclose(_table(other), _table(voice), atol=0.02)


def test_a_clip_that_is_too_short_is_refused_with_its_length() -> None:
    with pytest.raises(AudioError, match=r"0\.150 s is shorter than the 0\.2 s"):
        ModulationSpectrum()(noise(0.15))


def test_golden_modulation_of_a_noisy_vowel() -> None:
    clip = Audio(vowel(123.0).samples[:15000] + 0.2 * noise(1.0).samples[:15000], RATE_HZ)
    table = _table(clip)
    np.testing.assert_allclose(table[10], GOLDEN_BAND, atol=0.03)
    np.testing.assert_allclose(table[:, RANGES_HZ.index(110)], GOLDEN_RANGE, atol=0.03)


GOLDEN_BAND = [
    -32.46,
    -30.82,
    -32.94,
    -31.90,
    -31.49,
    -18.96,
    -32.89,
    -28.38,
    -35.77,
    -39.20,
    -44.71,
]
GOLDEN_RANGE = [
    -89.98,
    -37.96,
    -37.67,
    -68.92,
    -61.49,
    -38.11,
    -38.97,
    -30.89,
    -21.14,
    -28.01,
    -18.96,
    -20.71,
    -21.47,
    -30.82,
    -34.56,
    -35.34,
]
