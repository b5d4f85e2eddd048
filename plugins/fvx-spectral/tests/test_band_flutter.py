import numpy as np
import pytest
import scipy.signal
from fvx_spectral.band_flutter import BandFlutter

from fvx import Audio
from fvx.errors import AudioError
from fvx.registry import discover
from fvx.testing import RATE_HZ, FeatureContract, noise, pulse_train, silence, sine

N_BANDS = 56


class TestBandFlutterContract(FeatureContract):
    feature = BandFlutter()


def test_a_steady_tone_does_not_move() -> None:
    band = round(1000 * 0.008)
    values = BandFlutter()(sine(1000.0))[5:-5]
    assert values[:, [band, N_BANDS + band]].max() < 0.05


def test_noise_moves_in_every_band() -> None:
    values = BandFlutter()(noise(2.0))[5:-5].mean(axis=0)
    assert values[1:N_BANDS].min() > 2
    assert values[N_BANDS + 1 :].min() > 2


def test_slow_pulses_move_more_than_quick_ones() -> None:
    slow, quick = (
        BandFlutter()(pulse_train([1 / hz] * hz))[10:-10, 8:50].mean() for hz in (60, 400)
    )
    assert slow > 5 * quick


def test_agrees_with_frames_taken_one_by_one() -> None:
    clip, feature = noise(0.5), BandFlutter()
    window = scipy.signal.get_window("hann", 128)
    padded = np.pad(clip.samples.astype(np.float64), (64, 128))
    short = np.array([padded[32 * k : 32 * k + 128] for k in range(250)])
    power = np.abs(np.fft.rfft(short * window)) ** 2
    level = 10 * np.log10(power / power.mean() + 5e-6)[:, :N_BANDS]
    got = feature(clip)
    for frame in (1, 20, 47):
        five = level[5 * frame - 2 : 5 * frame + 3]
        np.testing.assert_allclose(got[frame, :N_BANDS], five.std(axis=0), atol=0.02)
        steps = np.sqrt(np.mean(np.diff(five, axis=0) ** 2, axis=0))
        np.testing.assert_allclose(got[frame, N_BANDS:], steps, atol=0.02)


def test_gain_does_not_move_it() -> None:
    plain = noise(1.0)
    louder = Audio(5 * plain.samples, RATE_HZ)
    np.testing.assert_allclose(BandFlutter()(louder), BandFlutter()(plain), atol=1e-3)


def test_a_rate_that_the_short_step_does_not_divide_does_not_make_it_drift() -> None:
    click = np.zeros(44_100 * 20, np.float32)
    click[44_100 * 19] = 0.5
    moves = BandFlutter()(Audio(click, 44_100))[:, 10]
    assert abs(int(moves.argmax()) - 1900) <= 1


def test_silence_is_zero() -> None:
    assert not BandFlutter()(silence()).any()


def test_a_clip_of_one_moment_is_refused() -> None:
    with pytest.raises(AudioError, match=r"0\.010 s is too short"):
        BandFlutter()(noise(0.01))


def test_all_does_not_bring_it() -> None:
    registry = discover()
    assert "band_flutter" in registry.features
    assert "band_flutter" not in {feature.name for feature in registry.select()}


def test_values_are_what_they_were() -> None:
    values = BandFlutter()(noise(1.0))[50, [0, 30, 56, 100]]
    np.testing.assert_allclose(values, [2.541795, 3.932992, 3.745213, 9.250031], rtol=1e-4)
