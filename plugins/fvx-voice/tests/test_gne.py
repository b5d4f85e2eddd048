"""The gne feature."""

import numpy as np
import pytest
from fvx_voice import Gne

from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.testing import FeatureContract, noise, pulse_train, silence, vowel


class TestGneContract(FeatureContract):
    feature = Gne()


@pytest.mark.parametrize("hz", [90.0, 130.0, 220.0])
def test_pulses_excite_all_bands_at_once(hz: float) -> None:
    assert Gne()(vowel(hz, 2.0))[0, 0] > 0.97
    assert Gne()(pulse_train(np.full(int(2 * hz), 1 / hz)))[0, 0] > 0.97


def test_noise_excites_each_band_on_its_own() -> None:
    values = Gne()(noise(8.0))
    assert values[0, 0] < 0.25
    assert values[0, 1] == 1


def test_the_more_noise_the_lower_the_ratio(with_noise) -> None:
    voice = vowel(120.0, 2.0)
    ratio = [Gne()(with_noise(voice, snr_db))[0, 0] for snr_db in (50, 35, 20, 5, -10)]
    assert (np.diff(ratio) < 0).all()
    assert ratio[-1] < 0.25


def test_loudness_does_not_matter() -> None:
    voice = vowel(120.0, 2.0)
    faint = Audio(voice.samples * np.float32(2**-5), voice.rate_hz)
    np.testing.assert_allclose(Gne()(faint), Gne()(voice), rtol=1e-4)


def test_the_rhythm_of_syllables_passes_for_excitation() -> None:
    # A limit of the measure, which the docstring tells: not a voice, and yet a high ratio.
    hiss = noise(4.0)
    rhythm = np.sin(4 * np.pi * np.arange(len(hiss.samples)) / 16_000)
    samples = hiss.samples * np.clip(2 * rhythm + 0.5, 0, 1).astype(np.float32)
    assert Gne()(Audio(samples, 16_000))[0, 0] > 0.6


def test_silence_leaves_gne_undefined() -> None:
    assert not Gne()(silence()).any()


def test_the_sampling_rate_hardly_matters() -> None:
    ratio = [Gne()(vowel(120.0, 2.0, rate_hz=rate_hz))[0, 0] for rate_hz in (16_000, 44_100)]
    assert ratio[0] == pytest.approx(ratio[1], abs=0.02)


def test_bands_that_do_not_fit_are_refused() -> None:
    with pytest.raises(AudioError, match="leaves no two bands"):
        Gne(bandwidth_hz=3_500.0)(noise(0.5, rate_hz=8_000))


@pytest.mark.parametrize("snr_db", [40.0, 25.0, 10.0])
def test_praat_hears_the_same_in_noisy_vowels(praat, with_noise, snr_db: float) -> None:
    clip = with_noise(vowel(140.0, 2.0), snr_db)
    assert Gne()(clip)[0, 0] == pytest.approx(praat.gne(clip), abs=0.05)


def test_praat_ranks_real_speech_alike(praat, real_clips) -> None:
    # Praat resamples to 10 kHz, here it is 11 kHz. Achieved on 94 clips, whose ratios are 0.67 to
    # 0.97: r 0.983, median difference -0.008, greatest 0.035.
    pairs = np.array([(Gne()(clip)[0, 0], praat.gne(clip)) for clip in real_clips])
    assert len(pairs) >= 20
    assert np.corrcoef(pairs.T)[0, 1] > 0.96
    assert np.abs(pairs[:, 0] - pairs[:, 1]).max() < 0.06


def test_golden_gne_of_a_noisy_vowel(with_noise) -> None:
    np.testing.assert_allclose(Gne()(with_noise(vowel(123.0), 15.0))[0], [0.98345, 1], rtol=1e-3)
