import numpy as np
import pytest
from fvx_cepstral.mfcc import Mfcc

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, vowel


class TestMfccContract(FeatureContract):
    feature = Mfcc()


class TestMfccOfOtherSettingsContract(FeatureContract):
    feature = Mfcc(window_s=0.032, n_bands=40, n_coefficients=13, delta_reach=2)


def assert_agrees_with_librosa(audio: Audio) -> None:
    import librosa

    power = librosa.feature.melspectrogram(
        y=audio.samples, sr=RATE_HZ, n_fft=512, win_length=400, hop_length=160, n_mels=64
    )
    # top_db=None: librosa's floor would otherwise depend on the loudest sound of the clip.
    static = librosa.feature.mfcc(S=librosa.power_to_db(power, top_db=None), n_mfcc=20)
    delta = librosa.feature.delta(static, mode="nearest")
    delta2 = librosa.feature.delta(delta, mode="nearest")
    expected = np.concatenate([static, delta, delta2]).T
    np.testing.assert_allclose(Mfcc()(audio), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("audio", [noise(2.0), vowel()], ids=["noise", "vowel"])
def test_agrees_with_librosa(audio: Audio) -> None:
    assert_agrees_with_librosa(audio)


def test_agrees_with_librosa_on_speech(speech: Audio) -> None:
    assert_agrees_with_librosa(speech)


def test_a_tenfold_amplitude_adds_20_db_to_every_band_and_so_to_the_zeroth_only() -> None:
    quiet = noise(1.0)
    moved = Mfcc()(Audio(10 * quiet.samples, RATE_HZ)) - Mfcc()(quiet)
    np.testing.assert_allclose(moved[:, 0], 20 * np.sqrt(64), atol=0.01)
    np.testing.assert_allclose(moved[:, 1:], 0.0, atol=0.01)


def test_values_are_what_they_were() -> None:
    values = Mfcc()(noise(1.0))[50, [0, 1, 2, 19, 20, 21, 40]]
    expected = [-159.35402, -7.5371141, 9.6452227, -0.13868129, -0.28635177, 0.16859953, 0.27307191]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-3)
