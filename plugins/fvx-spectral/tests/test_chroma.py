import numpy as np
import pytest
from fvx_spectral.chroma import Chroma, chroma_weights
from fvx_spectral.spectral_contrast import SpectralContrast

from fvx import Audio
from fvx.signal import power
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel

NOTES = [column.removeprefix("chroma_") for column in Chroma.columns]


class TestChromaContract(FeatureContract):
    feature = Chroma()


@pytest.mark.parametrize(("n_fft", "rate_hz"), [(1024, 16_000), (512, 8_000), (4096, 48_000)])
def test_weights_are_those_of_librosa(n_fft: int, rate_hz: int) -> None:
    import librosa

    expected = librosa.filters.chroma(sr=rate_hz, n_fft=n_fft, tuning=0.0).T
    np.testing.assert_allclose(chroma_weights(n_fft, rate_hz), expected, atol=1e-6)


def assert_agrees_with_librosa(audio: Audio) -> None:
    import librosa

    power = np.abs(librosa.stft(audio.samples, n_fft=1024, hop_length=160)) ** 2
    expected = librosa.feature.chroma_stft(S=power, sr=RATE_HZ, tuning=0.0).T
    np.testing.assert_allclose(Chroma()(audio), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("audio", [noise(2.0), vowel()], ids=["noise", "vowel"])
def test_agrees_with_librosa(audio: Audio) -> None:
    assert_agrees_with_librosa(audio)


def test_agrees_with_librosa_on_speech(real_clips: list[Audio]) -> None:
    for clip in real_clips:
        assert_agrees_with_librosa(clip)


@pytest.mark.parametrize(
    ("hz", "note"), [(440.0, "a"), (880.0, "a"), (523.25, "c"), (1046.5, "c"), (1479.98, "f_sharp")]
)
def test_a_sine_sounds_its_own_note_in_any_octave(hz: float, note: str) -> None:
    middle = Chroma()(sine(hz))[10:-10]
    assert {NOTES[strongest] for strongest in middle.argmax(axis=1)} == {note}
    assert (middle.max(axis=1) == 1).all()


def test_no_note_sounds_in_silence() -> None:
    assert not Chroma()(silence()).any()


def test_contrast_shares_its_spectrum_and_no_complex_one_is_kept() -> None:
    audio = noise(0.5)
    Chroma()(audio)
    SpectralContrast()(audio)
    kept = list(audio._shared.values())
    assert [spectrum.dtype for spectrum in kept] == [np.float32]
    np.testing.assert_array_equal(kept[0], power(audio, 0.064, 0.010))


def test_values_are_what_they_were() -> None:
    values = Chroma()(noise(1.0))[50, [0, 4, 9, 11]]
    expected = [0.6223224, 0.520371, 0.8087609, 0.6930385]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
