import numpy as np
import pytest
from fvx_spectral.filterbank import mel_edges_hz
from fvx_spectral.log_mel import LogMel

from fvx import Audio
from fvx.errors import FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestLogMelContract(FeatureContract):
    feature = LogMel()


def assert_agrees_with_librosa(audio: Audio) -> None:
    import librosa

    power = librosa.feature.melspectrogram(
        y=audio.samples, sr=RATE_HZ, n_fft=512, win_length=400, hop_length=160, n_mels=64
    )
    expected = librosa.power_to_db(power, top_db=None).T
    np.testing.assert_allclose(LogMel()(audio), expected, rtol=0, atol=0.05)


@pytest.mark.parametrize("audio", [noise(2.0), vowel()], ids=["noise", "vowel"])
def test_agrees_with_librosa(audio: Audio) -> None:
    assert_agrees_with_librosa(audio)


def test_agrees_with_librosa_on_speech(speech: Audio) -> None:
    assert_agrees_with_librosa(speech)


@pytest.mark.parametrize("hz", [250.0, 1000.0, 5000.0])
def test_a_sine_is_loudest_in_the_band_around_it(hz: float) -> None:
    edges_hz = mel_edges_hz(64, RATE_HZ)
    loudest = LogMel()(sine(hz))[10:-10].argmax(axis=1)
    assert all(edges_hz[band] < hz < edges_hz[band + 2] for band in loudest)


def test_a_tenfold_amplitude_is_20_db_louder() -> None:
    quiet = noise(1.0)
    louder = LogMel()(Audio(10 * quiet.samples, RATE_HZ)) - LogMel()(quiet)
    np.testing.assert_allclose(louder, 20.0, atol=1e-3)


def test_silence_lies_at_the_floor() -> None:
    assert np.unique(LogMel()(silence())).tolist() == [-100.0]


def test_a_band_that_no_bin_lies_in_is_refused() -> None:
    with pytest.raises(FeatureError, match="fewer bands or a longer window"):
        LogMel(n_bands=200)(noise(1.0))


def test_values_are_what_they_were() -> None:
    values = LogMel()(noise(1.0))[50, [0, 1, 31, 63]]
    np.testing.assert_allclose(values, [-17.920925, -18.451593, -22.22152, -16.978374], rtol=1e-4)
