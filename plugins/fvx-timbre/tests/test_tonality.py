"""The tonality feature."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from fvx_timbre.tonality import Tonality

from fvx.audio import Audio
from fvx.errors import FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, pulse_train, silence, sine

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
BIN_HZ = 15.625


class TestTonalityContract(FeatureContract):
    feature = Tonality()


class TestTonalityOfOtherSettingsContract(FeatureContract):
    feature = Tonality(window_s=0.032, max_bark=18, floor=1e-5)


def bark(hz):
    return 13 * np.arctan(0.00076 * hz) + 3.5 * np.arctan((hz / 7500) ** 2)


# Bins in each Bark from 0 up.
N_BINS = np.bincount(bark(np.arange(513) * BIN_HZ).astype(int))


def with_noise(audio: Audio, gain: float) -> Audio:
    hiss = noise(audio.duration_s).samples[: len(audio.samples)]
    return Audio(audio.samples + np.float32(gain) * hiss, RATE_HZ)


@pytest.mark.parametrize("lower_bark", [5, 8, 12, 16, 19])
def test_a_tone_gives_its_band_what_the_windows_three_bins_leave(lower_bark: int) -> None:
    # Hann's window spreads a tone over 1 + 2 * 1 / 4 bins of power.
    hz = np.arange(513) * BIN_HZ
    inside = hz[bark(hz).astype(int) == lower_bark]
    crest = Tonality()(with_noise(sine(inside[len(inside) // 2]), 0.01))[10:-10]
    expected = 10 * np.log10(N_BINS[lower_bark] / 1.5)
    np.testing.assert_allclose(crest[:, lower_bark - 1], expected, atol=0.1)


@pytest.mark.parametrize("hz", [570.0, 1500.0, 3300.0, 5800.0])
def test_of_all_bands_a_tone_in_noise_stands_out_in_its_own(hz: float) -> None:
    of_noise = Tonality()(noise(1.0))[10:-10].mean(axis=0)
    above = Tonality()(with_noise(sine(hz, amplitude=0.02), 0.1))[10:-10].mean(axis=0) - of_noise
    assert above.argmax() == int(bark(hz)) - 1
    assert above.max() > 2
    assert np.sort(above)[-2] < 0.2


def test_white_noise_is_low_and_what_extreme_values_have() -> None:
    # Largest of n exponentials over their mean: the harmonic number of n. Hann's window ties
    # neighbours together, which leaves fewer.
    samples = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)
    crest = Tonality()(Audio(samples, RATE_HZ))[10:-10].mean(axis=0)
    harmonic = np.array([(1 / np.arange(1, n + 1)).sum() for n in N_BINS[1:21]])
    assert (crest < 10 * np.log10(harmonic)).all()
    assert (crest > 10 * np.log10(harmonic) - 1.5).all()


def test_the_less_breath_the_more_tonal_a_voice() -> None:
    voice = pulse_train(np.full(250, 1 / 250.0))
    crests = [Tonality()(with_noise(voice, gain))[10:-10].mean() for gain in (10.0, 2.0, 0.5)]
    assert crests[0] + 0.5 < crests[1]
    assert crests[1] + 0.5 < crests[2]


def test_gain_moves_nothing() -> None:
    clip = noise(1.0)
    quiet = Audio(clip.samples * np.float32(0.01), RATE_HZ)
    np.testing.assert_allclose(Tonality()(quiet), Tonality()(clip), atol=1e-3)


def defined_in_double(audio: Audio) -> np.ndarray:
    size, hop = 1024, 160
    padded = np.pad(audio.samples.astype(np.float64), (size // 2, size))
    taper = scipy.signal.get_window("hann", size)
    n_frames = audio.n_frames(0.010)
    frames = np.stack([padded[hop * k : hop * k + size] * taper for k in range(n_frames)])
    power = np.abs(np.fft.rfft(frames)) ** 2
    power /= power.mean()
    band_of_bin = bark(np.arange(513) * BIN_HZ).astype(int)
    bands = [power[:, band_of_bin == z] for z in range(1, 21)]
    crests = [(band.max(axis=1) + 1e-6) / (band.mean(axis=1) + 1e-6) for band in bands]
    return 10 * np.log10(np.stack(crests, axis=1))


def test_agrees_with_its_definition() -> None:
    clip = noise(2.0)
    np.testing.assert_allclose(Tonality()(clip), defined_in_double(clip), atol=1e-3)


def test_agrees_with_its_definition_on_speech() -> None:
    # Achieved: 0.0016 dB.
    paths = sorted(DATA.glob("demos/*/*.flac"))
    if len(paths) < 24:
        pytest.skip("no real speech at hand: the development clips are not on this machine")
    for path in paths[:: len(paths) // 24][:24]:
        clip = Audio.read(path)
        np.testing.assert_allclose(Tonality()(clip), defined_in_double(clip), atol=0.01)


def test_there_is_none_in_silence_and_in_pauses() -> None:
    assert not Tonality()(silence()).any()
    half = Audio(np.concatenate([noise(0.5).samples, silence(0.5).samples]), RATE_HZ)
    values = Tonality()(half)
    assert (values[:46] > 0).all()
    assert not values[55:].any()


def test_bands_that_reach_above_half_the_rate_have_none() -> None:
    values = Tonality()(noise(1.0, rate_hz=8_000))
    n_held = int(bark(4000.0)) - 1
    assert (values[10:-10, :n_held] > 0).all()
    assert not values[:, n_held:].any()


def test_columns_say_which_band_and_leave_out_narrow_ones() -> None:
    columns = Tonality().columns
    assert len(columns) == 20
    assert (columns[0], columns[-1]) == ("crest_1_2_bark_db", "crest_20_21_bark_db")
    # 50 Hz apart: bands of 200 Hz have four bins.
    assert Tonality(window_s=0.020).columns[0] == "crest_9_10_bark_db"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_bark": 25}, "max_bark must be from 2 to 24, got 25"),
        ({"max_bark": 1}, "max_bark must be from 2 to 24, got 1"),
        ({"max_bark": 3, "window_s": 0.010}, "the band below 3 Bark does not have 4 bins"),
    ],
)
def test_bands_that_are_not_there_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        Tonality(**settings)


def test_golden_tonality_of_noise() -> None:
    np.testing.assert_allclose(Tonality()(noise(1.0))[50, ::5], GOLDEN, rtol=1e-3)


GOLDEN = [5.18121, 3.55703, 3.86934, 5.3428]
