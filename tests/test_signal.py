from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from fvx import signal
from fvx.audio import Audio
from fvx.errors import AudioError, FeatureError
from fvx.testing import noise, sine


@given(
    n_samples=st.integers(400, 5_000),
    size=st.integers(1, 400),
    hop=st.integers(1, 700),
    rate_hz=st.sampled_from([8_000, 16_000, 44_100]),
)
def test_frames_are_centred_on_the_hop_with_zeros_outside(
    n_samples: int, size: int, hop: int, rate_hz: int
) -> None:
    audio = Audio(np.arange(1, n_samples + 1, dtype=np.float32), rate_hz)
    cut = signal.frames(audio, size / rate_hz, hop / rate_hz)
    assert cut.shape == (audio.n_frames(hop / rate_hz), size)
    for number in {0, len(cut) // 2, len(cut) - 1}:
        places = number * hop - size // 2 + np.arange(size)
        inside = (places >= 0) & (places < n_samples)
        np.testing.assert_array_equal(cut[number], np.where(inside, places + 1, 0))


def test_frames_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        signal.frames(noise(0.2), 0.025, 0.010)[0, 0] = 1.0


def test_a_hop_below_one_sample_is_one_sample() -> None:
    audio = noise(0.2)
    assert len(signal.frames(audio, 0.025, 1e-6)) == audio.n_frames(1e-6) == 3_201


def test_a_clip_shorter_than_the_window_is_refused() -> None:
    audio = Audio(np.ones(399, np.float32), 16_000)
    with pytest.raises(AudioError, match=r"0\.025 s is shorter than one window of 0\.025 s"):
        signal.frames(audio, 0.025, 0.010)
    with pytest.raises(AudioError):
        signal.stft(Audio(np.zeros(0, np.float32), 16_000), 0.025, 0.010)


@pytest.mark.parametrize("n_fft", [None, 512, 1024])
def test_the_transform_of_a_frame_is_that_of_the_tapered_samples(n_fft: int | None) -> None:
    audio = noise(0.5)
    spectrum = signal.stft(audio, 0.025, 0.010, n_fft, "hamming")
    size = n_fft or 512
    assert spectrum.shape == (audio.n_frames(0.010), size // 2 + 1)
    assert spectrum.dtype == np.complex64
    middle = 20 * 160
    taken = audio.samples[middle - 200 : middle + 200].astype(np.float64)
    expected = np.fft.rfft(taken * scipy.signal.get_window("hamming", 400), size)
    np.testing.assert_allclose(spectrum[20], expected, atol=1e-5)


def test_a_sine_sits_in_its_own_bin() -> None:
    spectrum = signal.power(sine(1_000.0), 0.032, 0.010)
    assert (spectrum[5:-5].argmax(axis=1) == 1_000 * 512 // 16_000).all()


def test_preemphasis_is_that_of_the_whole_clip() -> None:
    audio = noise(0.5)
    sharpened = scipy.signal.lfilter([1, -0.97], 1, audio.samples.astype(np.float64))
    expected = signal.stft(Audio(sharpened.astype(np.float32), 16_000), 0.025, 0.010)
    np.testing.assert_allclose(
        signal.stft(audio, 0.025, 0.010, preemphasis=0.97), expected, atol=1e-4
    )


def test_a_transform_shorter_than_the_window_is_refused() -> None:
    with pytest.raises(FeatureError, match=r"256 points cannot hold a window of 0.025 s, 400"):
        signal.stft(noise(0.2), 0.025, 0.010, n_fft=256)


def test_power_is_the_squared_magnitude_and_shares_the_transform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    audio, calls = noise(0.2), []
    transform = scipy.fft.rfft
    monkeypatch.setattr(scipy.fft, "rfft", lambda *a, **k: calls.append(1) or transform(*a, **k))
    spectrum = audio.shared(signal.power, 0.025, 0.010)
    again = audio.shared(signal.stft, 0.025, 0.010, None, "hann", 0.0)
    np.testing.assert_allclose(spectrum, np.abs(again) ** 2, rtol=1e-5)
    assert len(calls) == 1
