"""The breath feature."""

import numpy as np
import pytest
import scipy.signal
from fvx_prosody import Breath

from fvx.audio import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestBreathContract(FeatureContract):
    feature = Breath()


def _breath(seconds: float, level_db: float = -30.0) -> Audio:
    """Noise between 400 and 6,000 Hz that swells and fades, re the level of a loud vowel."""
    low_cut, high_cut = 400.0, 6000.0
    poles = scipy.signal.butter(2, [low_cut, high_cut], "bandpass", fs=RATE_HZ, output="sos")
    hiss = scipy.signal.sosfilt(poles, noise(seconds, 3).samples)
    shape = scipy.signal.windows.tukey(len(hiss), 0.3)
    hiss *= shape * 0.12 * 10 ** (level_db / 20) / hiss.std()
    return Audio(hiss.astype(np.float32), RATE_HZ)


def _with_breaths(sounds, *breaths: Audio) -> Audio:
    parts = [part for one in breaths for part in (0.2, one, 0.1, vowel(seconds=0.8))]
    return sounds.over_hiss(sounds.joined(vowel(seconds=0.5), *parts))


@pytest.mark.parametrize("length_s", [0.25, 0.4, 0.6])
def test_breaths_before_speech_are_found_and_measured(sounds, length_s: float) -> None:
    clip = _with_breaths(sounds, _breath(length_s), _breath(length_s))
    count, per_min, mean_s, spacing_s, defined = Breath()(clip)[0]
    assert count == 2
    assert defined == 1
    assert per_min == pytest.approx(2 * 60 / clip.duration_s, rel=1e-5)
    assert mean_s == pytest.approx(length_s, abs=0.06)
    assert spacing_s == pytest.approx(length_s + 0.2 + 0.1 + 0.8, abs=0.03)


@pytest.mark.parametrize(
    "sound",
    [
        sine(900.0, 0.4, 0.003),
        _breath(0.4, -5.0),
        _breath(0.4, -70.0),
        _breath(0.05),
        _breath(1.4),
    ],
    ids=["a tone", "loud noise", "nothing above the floor", "a click", "a long rustle"],
)
def test_what_is_no_breath_is_left_out(sounds, sound: Audio) -> None:
    assert not Breath()(_with_breaths(sounds, sound)).any()


def test_a_fricative_runs_into_the_voice(sounds) -> None:
    fricative = Audio(_breath(0.3).samples[: int(0.2 * RATE_HZ)], RATE_HZ)
    clip = sounds.joined(vowel(seconds=0.5), 0.4, fricative, vowel(seconds=0.5))
    assert not Breath()(sounds.over_hiss(clip)).any()


def test_noise_after_which_nobody_speaks_is_no_breath(sounds) -> None:
    clip = sounds.joined(vowel(seconds=0.5), 0.2, _breath(0.4), 0.8)
    assert not Breath()(sounds.over_hiss(clip)).any()


def test_silence_has_no_breath() -> None:
    assert not Breath()(silence()).any()


def test_loudness_does_not_matter(sounds) -> None:
    clip = _with_breaths(sounds, _breath(0.4))
    np.testing.assert_allclose(Breath()(sounds.scaled(clip, -15.0)), Breath()(clip))


def test_candidates_in_real_speech_keep_the_rule(real_clips) -> None:
    # There is no tool to compare with. The 24 clips have 2 candidates.
    n_found = 0
    for clip in real_clips:
        start, stop = Breath().candidates(clip)
        assert ((stop - start >= 10) & (stop - start <= 100)).all()
        n_found += len(start)
    assert n_found < len(real_clips)


def test_golden_breath(sounds) -> None:
    values = Breath()(_with_breaths(sounds, _breath(0.4), _breath(0.5)))[0]
    np.testing.assert_allclose(values, [2, 33.05899, 0.42, 1.51, 1], rtol=1e-4)
