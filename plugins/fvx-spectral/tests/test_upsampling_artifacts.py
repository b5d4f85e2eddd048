import numpy as np
import pytest
import scipy.signal
from fvx_spectral.upsampling_artifacts import UpsamplingArtifacts

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence

GOLDEN_STD = 1.7549
BIN_HZ = 1 / UpsamplingArtifacts().window_s


class TestUpsamplingArtifactsContract(FeatureContract):
    feature = UpsamplingArtifacts()


class TestUpsamplingArtifactsOfOtherSettingsContract(FeatureContract):
    feature = UpsamplingArtifacts(window_s=0.128, step_s=0.032, max_hz=4000.0)


def excess(audio: Audio, **settings: float) -> np.ndarray:
    return UpsamplingArtifacts(**settings)(audio)[0]


@pytest.mark.parametrize("hz", [1000.0, 2500.0, 6250.0])
def test_a_steady_line_under_noise_stands_out_at_its_own_frequency(hz: float) -> None:
    hiss = noise(4.0)
    t = np.arange(len(hiss.samples)) / RATE_HZ
    line = 0.1 * np.std(hiss.samples) * np.sin(2 * np.pi * hz * t)
    values = excess(Audio((hiss.samples + line).astype(np.float32), RATE_HZ))
    assert abs(values.argmax() * BIN_HZ - hz) <= BIN_HZ
    assert values.max() > 2 * np.sort(values)[-8]


def test_zeros_put_between_samples_leave_lines_where_theory_has_them() -> None:
    # A transposed convolution of stride 4 whose kernel differs a little from phase to phase
    # multiplies the signal's level with period 4: its mean is heard at multiples of rate / 4.
    base = noise(4.0).samples * 0.1 + 0.05
    kernel = np.array([1.0, 1.1, 0.95, 1.05], np.float32)
    samples = (np.repeat(base[: len(base) // 4], 4) * np.tile(kernel, len(base) // 4)).astype(
        np.float32
    )
    values = excess(Audio(samples, RATE_HZ))
    at = round(RATE_HZ / 4 / BIN_HZ)
    assert values[at] > 13.0
    assert values[at] > 5 * np.abs(np.delete(values[at - 60 : at + 61], slice(57, 64))).max()


def test_gain_and_a_smooth_filter_move_it_little() -> None:
    # Summed over frames, as ``noise`` has none of the lines that would show.
    samples = noise(4.0).samples
    quiet = excess(Audio(samples * np.float32(0.1), RATE_HZ))
    np.testing.assert_allclose(quiet, excess(Audio(samples, RATE_HZ)), atol=5e-3)
    filtered = scipy.signal.lfilter([1.0], [1.0, -0.7], samples).astype(np.float32)
    assert np.abs(excess(Audio(filtered, RATE_HZ)) - quiet).mean() < 0.2


def test_agrees_with_scipys_spectrogram() -> None:
    audio = noise(2.0)
    size, step = round(0.256 * RATE_HZ), round(0.064 * RATE_HZ)
    padded = np.pad(audio.samples.astype(float), (size // 2, size))
    _, _, spectrum = scipy.signal.spectrogram(
        padded,
        RATE_HZ,
        "hann",
        size,
        size - step,
        detrend=False,
        mode="magnitude",
        scaling="spectrum",
    )
    n_frames = audio.n_frames(0.064)
    power = spectrum.T[:n_frames] ** 2
    average = 10 * np.log10(power / power.mean() + 1e-6).mean(axis=0)
    smooth = np.array(
        [np.median(np.pad(average, 15, "symmetric")[i : i + 31]) for i in range(2049)]
    )
    np.testing.assert_allclose(excess(audio), average - smooth, atol=1e-2)


def test_silence_has_none() -> None:
    assert not excess(silence(1.0)).any()


def test_nothing_is_said_of_frequencies_that_the_clip_cannot_hold() -> None:
    slow = Audio(noise(2.0).samples[::2].copy(), RATE_HZ // 2)
    values = excess(slow)
    assert values[:1000].any()
    assert not values[1025:].any()


def test_a_clip_shorter_than_a_window_has_it_too() -> None:
    assert excess(noise(0.21)).shape == (2049,)


def test_golden_value() -> None:
    values = excess(noise(1.0))
    assert values.std() == pytest.approx(GOLDEN_STD, abs=1e-2)
