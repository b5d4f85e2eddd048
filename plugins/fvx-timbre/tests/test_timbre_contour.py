"""The timbre_contour feature."""

import numpy as np
import pytest
from fvx_timbre import Timbre, TimbreContour

from fvx.audio import Audio
from fvx.signal import power
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestTimbreContourContract(FeatureContract):
    feature = TimbreContour()


def test_the_means_over_the_clip_are_its_timbre() -> None:
    clip = Audio(np.concatenate([vowel(110.0).samples, noise(0.5).samples]), RATE_HZ)
    whole = dict(zip(Timbre().columns, Timbre()(clip)[0], strict=True))
    loudness, bright, sharp, boomy, deep, defined = TimbreContour()(clip).T
    energy = clip.shared(power, 0.025, 0.010)[:, 1:].sum(axis=1)
    assert defined.all()
    assert np.average(bright, weights=energy) == pytest.approx(
        whole["brightness_percent"], rel=1e-3
    )
    assert np.average(deep, weights=energy) == pytest.approx(whole["depth_percent"], rel=1e-3)
    assert np.average(sharp, weights=loudness) == pytest.approx(whole["sharpness_acum"], rel=1e-3)
    assert np.average(boomy, weights=loudness) == pytest.approx(
        whole["boominess_percent"], rel=1e-3
    )


@pytest.mark.parametrize(("hz", "bright", "deep"), [(100, 0, 100), (700, 0, 0), (4000, 100, 0)])
def test_a_tone_is_in_one_place(hz: float, bright: float, deep: float) -> None:
    values = TimbreContour()(sine(hz))[3:-3]
    np.testing.assert_allclose(values[:, 1], bright, atol=0.5)
    np.testing.assert_allclose(values[:, 4], deep, atol=0.5)


def test_a_higher_tone_is_sharper_and_a_low_one_boomy() -> None:
    tones = [TimbreContour()(sine(hz))[10:-10].mean(axis=0) for hz in (100.0, 1000.0, 5000.0)]
    sharp, boomy = np.array(tones).T[[2, 3]]
    assert sharp[0] < sharp[1] < sharp[2]
    assert boomy[0] > 60 > 5 > boomy[1] >= boomy[2]


def test_sharpness_changes_where_the_sound_does() -> None:
    halves = np.concatenate([sine(300.0, 0.5).samples, sine(4000.0, 0.5).samples])
    sharp = TimbreContour()(Audio(halves, RATE_HZ))[:, 2]
    assert sharp[:48].max() < sharp[53:].min()


def test_a_tone_at_1_khz_is_as_loud_as_the_standard_says() -> None:
    # 65 dB are 65 phon, which are 2 ** 2.5 = 5.7 sone.
    assert np.median(TimbreContour()(sine(1000.0))[:, 0]) == pytest.approx(5.7, rel=0.1)


def test_silence_is_undefined() -> None:
    assert not TimbreContour()(silence()).any()


def test_a_pause_is_undefined() -> None:
    voice = vowel(seconds=0.5).samples
    values = TimbreContour()(Audio(np.concatenate([voice, 0 * voice, voice]), RATE_HZ))
    assert not values[54:96, 1:].any()
    assert values[2:48, 5].all()


def test_golden_timbre_contour_of_a_vowel() -> None:
    np.testing.assert_allclose(TimbreContour()(vowel(123.0))[50], GOLDEN, rtol=2e-3)


GOLDEN = [11.960485, 1.131863, 0.980684, 5.309825, 0.403095, 1.0]
