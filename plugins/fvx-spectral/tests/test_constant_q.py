import numpy as np
import pytest
import scipy.fft
from fvx_spectral.constant_q import Layout, Scale, bins_hz, clip_layout, clip_spectrum, power_blocks
from numpy.typing import NDArray

from fvx.testing import RATE_HZ, noise, sine

FINE = Scale(96, 15.625, 9)


def power(samples: NDArray[np.floating], layout: Layout) -> NDArray[np.floating]:
    spectrum = scipy.fft.rfft(samples.astype(np.float64))
    return np.concatenate([block for _, block in power_blocks(spectrum, layout)])


def power_by_definition(samples: NDArray[np.floating], layout: Layout) -> NDArray[np.floating]:
    """One band at a time, every sample of its response, of which the frames are taken."""
    n_samples = layout.n_samples
    spectrum = np.fft.fft(samples.astype(np.float64))
    rows = []
    for centre_hz, width_hz in zip(*bins_hz(layout.scale, layout.rate_hz), strict=True):
        size = max(4, round(width_hz * n_samples / layout.rate_hz))
        centre = int(centre_hz * n_samples / layout.rate_hz)
        offset = np.arange(size) - size // 2
        band = np.zeros(n_samples, complex)
        band[centre + offset] = spectrum[centre + offset] * np.cos(np.pi * offset / size) ** 2
        response = 2 * np.fft.ifft(band)
        rows.append(np.abs(response[:: n_samples // layout.n_frames]) ** 2)
    return np.array(rows)


@pytest.mark.parametrize(
    ("scale", "n_frames"),
    [(FINE, 250), (FINE, 50), (Scale(12, 60.0, 7), 100)],
    ids=["wide bands fit", "wide bands are folded many times", "wide bins"],
)
def test_agrees_with_the_definition(scale: Scale, n_frames: int) -> None:
    layout = Layout(8_000, 8_000, n_frames, scale)
    samples = noise(1.0, rate_hz=8_000).samples
    np.testing.assert_allclose(
        power(samples, layout), power_by_definition(samples, layout), rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize("index", [300, 600, 800])
def test_a_sine_of_full_scale_has_power_one_in_its_own_bin(index: int) -> None:
    centre_hz, _ = bins_hz(FINE, RATE_HZ)
    tone = sine(float(centre_hz[index]), seconds=4.0, amplitude=1.0)
    middle = power(tone.samples, Layout(RATE_HZ, len(tone.samples), 400, FINE))[:, 200]
    assert middle.argmax() == index
    assert middle[index] == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_bins_that_would_leave_the_spectrum_are_left_out(rate_hz: int) -> None:
    centre_hz, width_hz = bins_hz(Scale(12, 5.0, 14), rate_hz)
    assert (centre_hz >= width_hz / 2).all()
    assert (centre_hz + width_hz / 2 <= rate_hz / 2).all()


@pytest.mark.parametrize("rate_hz", [8_000, 22_050])
def test_a_clip_is_laid_out_by_the_frame_law_with_a_second_of_zeros_after_it(rate_hz: int) -> None:
    audio = noise(1.2345, rate_hz=rate_hz)
    layout = clip_layout(audio, FINE, 0.010)
    assert layout.n_samples == layout.n_frames * round(0.010 * rate_hz)
    assert layout.n_samples >= len(audio.samples) + rate_hz
    spectrum = audio.shared(clip_spectrum, layout.n_samples)
    expected = np.fft.rfft(audio.samples.astype(np.float64), layout.n_samples)
    np.testing.assert_allclose(spectrum, expected, rtol=1e-6)


def test_scales_of_one_clip_share_its_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    audio, calls = noise(0.5), []
    transform = scipy.fft.rfft
    monkeypatch.setattr(scipy.fft, "rfft", lambda *a, **k: calls.append(1) or transform(*a, **k))
    for scale in (FINE, Scale(12, 60.0, 7)):
        audio.shared(clip_spectrum, clip_layout(audio, scale, 0.010).n_samples)
    assert len(calls) == 1
