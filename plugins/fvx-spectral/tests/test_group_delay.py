from functools import lru_cache

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import scipy.signal
from fvx_spectral.group_delay import GroupDelay, delay_product, median_of_five

from fvx import Audio
from fvx.signal import frames, stft
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, vowel


class TestGroupDelayContract(FeatureContract):
    feature = GroupDelay()


def group_delay_s(audio: Audio, frame: int) -> np.ndarray:
    one = slice(frame, frame + 1)
    cut, spectrum = frames(audio, 0.025, 0.010)[one], stft(audio, 0.025, 0.010)[one]
    return (delay_product(cut, spectrum, audio.rate_hz) / np.abs(spectrum) ** 2)[0]


@lru_cache
def fourier(n_samples: int, n_fft: int) -> np.ndarray:
    return np.exp(-2j * np.pi * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_samples)) / n_fft)


def slow(audio: Audio, frame: int) -> np.ndarray:
    """One frame's coefficients from sums written out, in double precision."""
    cut = frames(audio, 0.025, 0.010)[frame].astype(np.float64)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(cut)) / len(cut))
    x = np.convolve(cut * taper, [1.0, -0.97])
    n_fft = 1 << (len(cut) - 1).bit_length()
    n, kernel = np.arange(len(x)), fourier(len(x), n_fft)
    x /= np.sqrt(np.mean(np.abs(kernel @ x) ** 2))
    first, second = kernel @ x, kernel @ (1000 * n / audio.rate_hz * x)
    log_magnitude = np.log(np.maximum(np.abs(first), 1e-5))
    cepstrum = scipy.fft.dct(scipy.ndimage.median_filter(log_magnitude, 5, mode="nearest"))
    cepstrum[30:] = 0
    smooth = np.exp(scipy.fft.idct(cepstrum))
    delay = (first.real * second.real + first.imag * second.imag) / smooth**0.8
    compressed = np.sign(delay) * np.abs(delay) ** 0.9
    return scipy.fft.dct(compressed, norm="ortho")[1:13] / np.sqrt(len(kernel))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_an_impulse_has_the_delay_of_its_place_in_the_frame(rate_hz: int) -> None:
    samples = np.zeros(rate_hz, np.float32)
    samples[5 * (rate_hz // 100) + 7] = 1.0  # 7 samples after the centre of frame 5
    delay_s = group_delay_s(Audio(samples, rate_hz), 5)
    expected_s = (round(0.025 * rate_hz) // 2 + 7) / rate_hz
    np.testing.assert_allclose(delay_s, expected_s, rtol=1e-4)


def test_a_filter_adds_its_own_group_delay() -> None:
    # An all-pass section: the impulse, spread over time by its phase alone.
    samples = np.zeros(RATE_HZ, np.float32)
    samples[800 - 100] = 1.0
    allpass = ([0.5, -0.6, 1.0], [1.0, -0.6, 0.5])
    spread = scipy.signal.lfilter(*allpass, samples).astype(np.float32)
    bins = np.arange(257) * np.pi / 256
    _, expected = scipy.signal.group_delay(allpass, bins)
    # A rectangle of a frame: the taper would change the spread impulse a little.
    added_s = group_delay_s(Audio(spread, RATE_HZ), 5) - group_delay_s(Audio(samples, RATE_HZ), 5)
    np.testing.assert_allclose(added_s * RATE_HZ, expected, atol=0.15)


@pytest.mark.parametrize("audio", [noise(0.5), vowel(seconds=0.5)], ids=["noise", "vowel"])
@pytest.mark.filterwarnings("ignore:The group delay is singular")
def test_agrees_with_scipy_taking_the_frame_for_a_filter(audio: Audio) -> None:
    taper = scipy.signal.get_window("hann", 400)
    for frame in (10, 20, 30):
        taps = frames(audio, 0.025, 0.010)[frame] * taper
        _, expected = scipy.signal.group_delay((taps, [1.0]), np.arange(1, 256) * np.pi / 256)
        got = group_delay_s(audio, frame)[1:-1] * RATE_HZ
        assert np.median(np.abs(got - expected)) < 0.005


@pytest.mark.parametrize("rate_hz", [4_000, 16_000, 22_050])
def test_agrees_with_sums_written_out(rate_hz: int) -> None:
    audio = noise(0.5, rate_hz=rate_hz)
    got = GroupDelay()(audio)
    for frame in (0, 17, len(got) - 1):
        np.testing.assert_allclose(got[frame], slow(audio, frame), atol=2e-3)


def test_agrees_with_sums_written_out_on_real_speech(real_clips: list[Audio]) -> None:
    # Achieved on 24 clips: 0.00013 at worst, of coefficients with deviations of 1.9 to 4.6.
    worst = 0.0
    for clip in real_clips:
        got = GroupDelay()(clip)
        for frame in np.linspace(0, len(got) - 1, 7).astype(int):
            worst = max(worst, np.abs(got[frame] - slow(clip, frame)).max())
    assert worst < 1e-3


def test_the_level_does_not_matter() -> None:
    quiet = vowel(seconds=0.5)
    louder = Audio(quiet.samples * np.float32(8), RATE_HZ)
    np.testing.assert_allclose(GroupDelay()(louder), GroupDelay()(quiet), atol=1e-4)


def test_other_frames_do_not_matter() -> None:
    voice = vowel(seconds=0.5)
    alone = Audio(voice.samples[1600:4800].copy(), RATE_HZ)
    np.testing.assert_allclose(GroupDelay()(alone)[5:15], GroupDelay()(voice)[15:25], atol=1e-4)


def test_silence_has_none() -> None:
    assert not GroupDelay()(silence()).any()


def test_the_running_median_is_that_of_five() -> None:
    values = np.random.default_rng(3).standard_normal((40, 33)).astype(np.float32)
    expected = scipy.ndimage.median_filter(values, (1, 5), mode="nearest")
    np.testing.assert_array_equal(median_of_five(values), expected)


def test_values_are_what_they_were() -> None:
    values = GroupDelay()(noise(1.0))[50, [0, 1, 6, 11]]
    np.testing.assert_allclose(
        values, [-4.860974, -0.6228316, -0.9784452, 0.006268702], rtol=1e-3, atol=1e-4
    )
