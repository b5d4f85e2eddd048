from functools import lru_cache

import numpy as np
import pytest
import scipy.fft
from fvx_spectral.instantaneous_frequency import InstantaneousFrequency, frequency_deviation_hz

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestInstantaneousFrequencyContract(FeatureContract):
    feature = InstantaneousFrequency()


@lru_cache
def fourier(size: int) -> np.ndarray:
    return np.exp(-2j * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(size)) / size)


def slow(audio: Audio, frame: int) -> np.ndarray:
    """One frame's deviation in hertz from sums written out, in double precision."""
    rate_hz = audio.rate_hz
    size, hop = round(0.02 * rate_hz), round(0.01 * rate_hz)
    n, bins = np.arange(size), np.arange(size // 2 + 1)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * n / size)
    slope = np.pi / size * np.sin(2 * np.pi * n / size)
    kernel = fourier(size)
    samples = np.pad(audio.samples.astype(np.float64), size + hop)
    weighted, weight = np.zeros(len(bins)), np.zeros(len(bins))
    for half in (2 * frame - 1, 2 * frame, 2 * frame + 1):
        start = half * hop // 2 - size // 2 + size + hop
        x = samples[start : start + size]
        spectrum, turned = kernel @ (x * taper), kernel @ (x * slope)
        power = np.abs(spectrum) ** 2
        with np.errstate(invalid="ignore"):
            weighted += np.nan_to_num(-(turned / spectrum).imag / (2 * np.pi) * rate_hz * power)
        weight += power
    deviation_hz = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0)
    return np.clip(deviation_hz, -2 * rate_hz / size, 2 * rate_hz / size)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("hz", [433.0, 1000.0, 1987.6])
def test_a_tone_has_its_own_frequency_in_every_bin_that_hears_it(hz: float, rate_hz: int) -> None:
    deviation_hz = frequency_deviation_hz(sine(hz, rate_hz=rate_hz), 0.02, 0.01)[5:-5]
    bins_hz = np.arange(deviation_hz.shape[1]) / 0.02
    heard = np.abs(bins_hz - hz) < 95  # the main lobe is 100 Hz to either side
    np.testing.assert_allclose((bins_hz + deviation_hz)[:, heard], hz, atol=0.5)


def test_beyond_the_main_lobe_the_deviation_is_limited() -> None:
    deviation_hz = frequency_deviation_hz(sine(2013.0), 0.02, 0.01)[50]  # 50 Hz a bin
    assert deviation_hz[30:38].tolist() == pytest.approx([100.0] * 8)
    assert deviation_hz[43:50].tolist() == pytest.approx([-100.0] * 7)


def test_a_glide_has_the_frequency_of_the_moment() -> None:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    glide = 0.5 * np.sin(2 * np.pi * (500 * time_s + 1000 * time_s**2))  # 500 Hz + 2000 Hz/s
    deviation_hz = frequency_deviation_hz(Audio(glide.astype(np.float32), RATE_HZ), 0.02, 0.01)
    for frame in range(5, 95):
        hz = 500 + 2000 * frame * 0.01
        nearest = round(hz * 0.02)
        assert nearest / 0.02 + deviation_hz[frame, nearest] == pytest.approx(hz, abs=3.0)


@pytest.mark.parametrize("rate_hz", [4_000, 16_000, 22_050, 44_100])
def test_agrees_with_sums_written_out(rate_hz: int) -> None:
    # 441 samples a hop, and a window of that length: odd numbers have to work too.
    audio = noise(0.5, rate_hz=rate_hz)
    got = frequency_deviation_hz(audio, 0.02, 0.01)
    for frame in (0, 1, 17, len(got) - 1):
        np.testing.assert_allclose(got[frame], slow(audio, frame), atol=0.05)


def test_agrees_with_sums_written_out_on_real_speech(real_clips: list[Audio]) -> None:
    # Achieved on 24 clips: 0.0044 Hz at worst, of coefficients with deviations of 0.8 to 1.7 Hz.
    basis = scipy.fft.dct(np.eye(161), axis=1, norm="ortho")[:, :20] / np.sqrt(161)
    worst = 0.0
    for clip in real_clips:
        got = InstantaneousFrequency()(clip)
        for frame in np.linspace(0, len(got) - 1, 7).astype(int):
            worst = max(worst, np.abs(got[frame] - slow(clip, frame) @ basis).max())
    assert worst < 0.02


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")  # inside librosa
def test_agrees_with_the_reassigned_frequencies_of_librosa() -> None:
    import librosa

    audio = vowel(seconds=0.5)
    hz, _, magnitude = librosa.reassigned_spectrogram(
        y=audio.samples.astype(np.float64), sr=RATE_HZ, n_fft=320, hop_length=80,
        reassign_times=False, fill_nan=True, pad_mode="constant",
    )  # fmt: skip
    bins_hz = np.arange(161)[:, np.newaxis] * 50
    power = magnitude**2
    for frame in range(5, 45):
        three = slice(2 * frame - 1, 2 * frame + 2)
        weighted = ((hz - bins_hz) * power)[:, three].sum(axis=1)
        total = power[:, three].sum(axis=1)
        strong = total > 1e-4 * total.max()
        strong[:4] = False  # librosa takes frequencies below 0 Hz for missing ones
        got = frequency_deviation_hz(audio, 0.02, 0.01)[frame, strong]
        expected = np.clip(weighted[strong] / total[strong], -100, 100)
        np.testing.assert_allclose(got, expected, atol=0.02)


def test_the_level_does_not_matter() -> None:
    quiet = vowel(seconds=0.5)
    louder = Audio(quiet.samples * np.float32(8), RATE_HZ)
    feature = InstantaneousFrequency()
    np.testing.assert_array_equal(feature(louder), feature(quiet))  # a power of two


def test_silence_has_none() -> None:
    assert not InstantaneousFrequency()(silence()).any()


def test_values_are_what_they_were() -> None:
    values = InstantaneousFrequency()(noise(1.0))[50, [0, 1, 7, 19]]
    np.testing.assert_allclose(
        values, [-0.1806569, -0.1415175, 0.01155646, -0.828272], rtol=1e-3, atol=1e-4
    )
