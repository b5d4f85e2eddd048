"""The specific_loudness feature."""

import numpy as np
import pytest
from fvx_timbre import SpecificLoudness, TimbreContour
from fvx_timbre.loudness import bark

from fvx.audio import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestSpecificLoudnessContract(FeatureContract):
    feature = SpecificLoudness()


def _steady(audio: Audio) -> np.ndarray:
    """Mean over the frames that lie whole within the clip, shape (24,)."""
    return SpecificLoudness()(audio)[3:-3].mean(axis=0)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
def test_the_bands_add_up_to_the_loudness_of_the_contour(rate_hz: int) -> None:
    hiss = noise(0.5, rate_hz=rate_hz).samples
    clip = Audio(np.concatenate([vowel(110.0, rate_hz=rate_hz).samples, 0.05 * hiss]), rate_hz)
    total = TimbreContour()(clip)[:, 0]
    np.testing.assert_allclose(SpecificLoudness()(clip).sum(axis=1), total, rtol=1e-5)


@pytest.mark.parametrize("centre_bark", [2.5, 5.5, 8.5, 12.5, 17.5])
def test_a_tone_is_loudest_in_its_own_critical_band(centre_bark: float) -> None:
    hz = np.arange(50.0, 8000.0)
    tone = _steady(sine(np.interp(centre_bark, bark(hz), hz)))
    assert np.argmax(tone) == int(centre_bark)


def test_a_tone_spreads_more_to_the_bands_above_than_below() -> None:
    tone = _steady(sine(1000.0))  # 8.5 Bark
    assert tone[9] > tone[7]
    assert tone[11] > 10 * tone[5]
    assert (np.diff(tone[8:]) <= 0).all()


def test_bands_hold_as_much_as_the_ear_is_sensitive() -> None:
    # White noise has more energy in wide bands; transmission to the ear is best at 3 to 4 kHz.
    hiss = _steady(noise(2.0))
    assert 15 <= np.argmax(hiss) <= 17
    assert (np.diff(hiss[:15]) > -0.05).all()


def test_above_half_the_sampling_rate_there_is_only_what_spreads() -> None:
    hiss = _steady(noise(2.0, rate_hz=8000))  # up to 17.3 Bark
    assert (np.diff(hiss[17:]) < 0).all()
    assert hiss[20] < 0.25 * hiss[16]
    low_tone = _steady(sine(500.0, rate_hz=8000))
    assert not low_tone[18:].any()


def test_loudness_follows_the_sound_from_band_to_band() -> None:
    halves = np.concatenate([sine(300.0, 0.5).samples, sine(4000.0, 0.5).samples])
    low, high = SpecificLoudness()(Audio(halves, RATE_HZ))[:, [2, 17]].T
    assert low[:48].min() > 10 * low[53:].max()
    assert high[53:].min() > 10 * high[:48].max()


def test_gain_does_not_move_it() -> None:
    voice = vowel()
    faint = Audio(voice.samples * np.float32(0.01), voice.rate_hz)
    np.testing.assert_allclose(SpecificLoudness()(faint), SpecificLoudness()(voice), atol=1e-4)


def test_silence_is_not_heard() -> None:
    assert not SpecificLoudness()(silence()).any()


def test_golden_specific_loudness_of_a_vowel() -> None:
    values = SpecificLoudness()(vowel(123.0))[50]
    np.testing.assert_allclose(values, GOLDEN, rtol=2e-3, atol=1e-4)


GOLDEN = [
    0.09261,
    0.27477,
    0.37102,
    0.46309,
    0.62648,
    0.98262,
    1.35701,
    1.18295,
    1.01854,
    1.23293,
    1.02004,
    0.67146,
    0.44722,
    0.37980,
    0.59100,
    0.50173,
    0.36191,
    0.21814,
    0.11098,
    0.04545,
    0.01072,
    0.00000,
    0.00000,
    0.00000,
]
